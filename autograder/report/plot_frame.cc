#include "autograder/report/plot_frame.h"

#include <cmath>
#include <string>
#include <vector>

#include "fmt/format.h"

namespace kvlab::grading {
namespace {

Html DrawnEntry(const LegendEntry& entry) {
  const double x = 4 + 214 * static_cast<double>(entry.column);
  const double y = 12 + 20 * static_cast<double>(entry.row);
  Html drawn = Line({x, y}, {x + 26, y}, entry.look);
  if (entry.look == "yours") drawn += Dot({x + 13, y}, entry.look);
  if (entry.look == "reference") drawn += Square({x + 13, y}, entry.look);
  return drawn + Words({x + 33, y + 4}, Anchor::kStart, entry.text);
}

// So that at most six steps reach `most`.
double LinearStep(double most) {
  const double power = std::pow(10, std::floor(std::log10(most / 6)));
  for (const double digit : {1.0, 2.0, 5.0}) {
    if (most / (digit * power) <= 6) return digit * power;
  }
  return 10 * power;
}

}  // namespace

Html AxisTitles(const std::string& x, const std::string& y) {
  return Words({(kPlotLeft + kPlotRight) / 2, kPlotHeight - 10},
               Anchor::kMiddle, x) +
         Words({4, kPlotTop - 14}, Anchor::kStart, y);
}

Html TickX(const Axis& axis, double number) {
  const double x = axis.At(number);
  return Line({x, kPlotTop}, {x, kPlotBottom}, "grid") +
         Words({x, kPlotBottom + 17}, Anchor::kMiddle,
               fmt::format("{:g}", number));
}

Html TickY(const Axis& axis, double number, const std::string& text) {
  const double y = axis.At(number);
  return Line({kPlotLeft, y}, {kPlotRight, y}, "grid") +
         Words({kPlotLeft - 6, y + 4}, Anchor::kEnd, text);
}

std::vector<double> LogTicks(const Axis& axis) {
  std::vector<double> ticks;
  for (int power = -3; power < 6; ++power) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      const double tick = digit * std::pow(10, power);
      if (tick >= axis.from * 0.999 && tick <= axis.to) ticks.push_back(tick);
    }
  }
  return ticks;
}

std::vector<double> LinearTicks(const Axis& axis) {
  const double step = LinearStep(axis.to);
  std::vector<double> ticks;
  for (int count = 0; count * step <= axis.to; ++count) {
    ticks.push_back(count * step);
  }
  return ticks;
}

Html Legend(const std::vector<LegendEntry>& entries) {
  Html drawn;
  for (const LegendEntry& entry : entries) drawn += DrawnEntry(entry);
  return drawn;
}

Html Plot(const std::string& id, const std::string& title,
          const std::string& description, const Html& content) {
  return Svg({.id = id,
              .title = title,
              .description = description,
              .width = kPlotWidth,
              .height = kPlotHeight},
             content);
}

}  // namespace kvlab::grading
