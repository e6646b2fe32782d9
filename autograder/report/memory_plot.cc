#include <algorithm>
#include <string>
#include <vector>

#include "autograder/report/drawing.h"
#include "autograder/report/plot_frame.h"
#include "autograder/report/plots.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

using Memories = std::vector<CacheMemoryMeasurement>;

struct Axes {
  Axis x;
  Axis y;
};

Axes AxesOf(const Memories& memories) {
  double most_tokens = 1;
  double most_mib = 1;
  for (const CacheMemoryMeasurement& memory : memories) {
    most_mib = std::max(most_mib, memory.formula_mib);
    for (const CacheMemorySample& sample : memory.samples) {
      most_tokens = std::max(most_tokens, static_cast<double>(sample.tokens));
      most_mib = std::max(most_mib, sample.mib);
    }
  }
  constexpr Frame kFrame = kReportFrame;
  return {
      .x = {.to = most_tokens, .start = kFrame.left, .end = kFrame.right},
      .y = {.to = 1.12 * most_mib, .start = kFrame.bottom, .end = kFrame.top}};
}

Html Paper(const Axes& axes) {
  Html drawn =
      AxisTitles(kReportFrame, "tokens decoded", "MiB beyond the model");
  for (const double tick : LinearTicks(axes.y)) {
    drawn += TickY(kReportFrame, axes.y, tick, fmt::format("{:g}", tick));
  }
  for (const double tick : LinearTicks(axes.x)) {
    drawn += TickX(kReportFrame, axes.x, tick);
  }
  return drawn;
}

Html OneMemory(const CacheMemoryMeasurement& memory, const Axes& axes) {
  const double formula = axes.y.At(memory.formula_mib);
  Html drawn = Line({kReportFrame.left, formula}, {kReportFrame.right, formula},
                    "formula");
  std::vector<Point> points;
  for (const CacheMemorySample& sample : memory.samples) {
    points.push_back(
        {axes.x.At(static_cast<double>(sample.tokens)), axes.y.At(sample.mib)});
  }
  drawn += Path(points, "yours");
  for (const Point& point : points) drawn += Dot(point, "yours");
  return drawn + Words({kReportFrame.right, formula + 16}, Anchor::kEnd,
                       fmt::format("batch {}", memory.batch));
}

std::string Description(const Memories& memories) {
  std::string text;
  for (const CacheMemoryMeasurement& memory : memories) {
    const CacheMemorySample& last = memory.samples.back();
    text += fmt::format(
        "Batch {}: {:.1f} MiB by the formula, {:.1f} MiB measured when "
        "enabled, {:.1f} MiB after {} tokens. ",
        memory.batch, memory.formula_mib, memory.samples.front().mib, last.mib,
        last.tokens);
  }
  return text;
}

}  // namespace

Html MemoryPlot(const Memories& memories) {
  const Axes axes = AxesOf(memories);
  Html content = Paper(axes);
  for (const CacheMemoryMeasurement& memory : memories) {
    content += OneMemory(memory, axes);
  }
  content += Legend({4, 0}, {{0, 0, "yours", "your process"},
                             {1, 0, "formula", "the formula"}});
  return Svg({.id = "memory",
              .title = "Memory of the cache by number of tokens decoded",
              .description = Description(memories),
              .width = kReportFrame.width,
              .height = kReportFrame.height},
             content);
}

}  // namespace kvlab::grading
