#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "autograder/report/drawing.h"
#include "autograder/report/plot_frame.h"
#include "autograder/report/plots.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

using Speedups = std::vector<SpeedupMeasurement>;

struct Axes {
  Axis x;
  Axis y;
};

// A time of 0 has no ratio; it is drawn at 1.
double Drawable(double ratio) {
  return std::isfinite(ratio) && ratio > 0 ? std::clamp(ratio, 0.01, 1e5) : 1;
}

Axis LengthAxis(const Speedups& speedups) {
  const auto [least, most] =
      std::ranges::minmax(speedups, {}, &SpeedupMeasurement::new_tokens);
  return {.scale = Axis::Scale::kLog,
          .from = static_cast<double>(least.new_tokens) / 1.3,
          .to = static_cast<double>(most.new_tokens) * 1.3,
          .start = kReportFrame.left,
          .end = kReportFrame.right};
}

Axis RatioAxis(const Speedups& speedups) {
  Axis axis = {.scale = Axis::Scale::kLog,
               .from = 1,
               .to = 10,
               .start = kReportFrame.bottom,
               .end = kReportFrame.top};
  for (const SpeedupMeasurement& speedup : speedups) {
    for (const double ratio :
         {speedup.least, speedup.most, speedup.reference, speedup.full_from}) {
      axis.from = std::min(axis.from, Drawable(ratio));
      axis.to = std::max(axis.to, Drawable(ratio));
    }
  }
  axis.to *= 1.2;
  return axis;
}

std::vector<Point> Points(const Speedups& speedups, const Axes& axes,
                          double SpeedupMeasurement::*number) {
  std::vector<Point> points;
  for (const SpeedupMeasurement& speedup : speedups) {
    points.push_back({axes.x.At(static_cast<double>(speedup.new_tokens)),
                      axes.y.At(Drawable(speedup.*number))});
  }
  return points;
}

Html Paper(const Speedups& speedups, const Axes& axes) {
  Html drawn =
      AxisTitles(kReportFrame, "new tokens", "times as fast as recomputing");
  for (const double tick : LogTicks(axes.y)) {
    drawn += TickY(kReportFrame, axes.y, tick, fmt::format("{:g}×", tick));
  }
  for (const SpeedupMeasurement& speedup : speedups) {
    drawn +=
        TickX(kReportFrame, axes.x, static_cast<double>(speedup.new_tokens));
  }
  return drawn;
}

Html Reference(const Speedups& speedups, const Axes& axes) {
  const auto points = Points(speedups, axes, &SpeedupMeasurement::reference);
  Html drawn = Path(points, "reference");
  for (const Point& point : points) drawn += Square(point, "reference");
  return drawn;
}

Html Yours(const Speedups& speedups, const Axes& axes) {
  const auto medians = Points(speedups, axes, &SpeedupMeasurement::median);
  const auto least = Points(speedups, axes, &SpeedupMeasurement::least);
  const auto most = Points(speedups, axes, &SpeedupMeasurement::most);
  Html drawn = Path(medians, "yours");
  for (std::size_t i = 0; i < medians.size(); ++i) {
    drawn += Range(least[i], most[i], "yours");
    drawn += Dot(medians[i], "yours");
  }
  return drawn;
}

std::string Description(const Speedups& speedups) {
  std::string text;
  for (const SpeedupMeasurement& speedup : speedups) {
    text += fmt::format(
        "{} tokens: yours {:.1f} times, the reference {:.1f} times, full "
        "points from {:g}. ",
        speedup.new_tokens, speedup.median, speedup.reference,
        speedup.full_from);
  }
  return text;
}

}  // namespace

Html SpeedupPlot(const Speedups& speedups) {
  const Axes axes = {.x = LengthAxis(speedups), .y = RatioAxis(speedups)};
  const Html content =
      Paper(speedups, axes) +
      Path(Points(speedups, axes, &SpeedupMeasurement::full_from), "full") +
      Path(Points(speedups, axes, &SpeedupMeasurement::half_from), "half") +
      Reference(speedups, axes) + Yours(speedups, axes) +
      Legend({4, 0}, {{0, 0, "yours", "your cache (median, range)"},
                      {0, 1, "reference", "the reference's cache"},
                      {1, 0, "full", "full points from here"},
                      {1, 1, "half", "some points from here"}});
  return Svg({.id = "speedup",
              .title = "Speedup by number of new tokens",
              .description = Description(speedups),
              .width = kReportFrame.width,
              .height = kReportFrame.height},
             content);
}

}  // namespace kvlab::grading
