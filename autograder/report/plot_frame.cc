#include "autograder/report/plot_frame.h"

#include <cmath>
#include <string>
#include <vector>

#include "fmt/format.h"

namespace kvlab::grading {
namespace {

Html DrawnEntry(Point at, const LegendEntry& entry) {
  const double x = at.x + 214 * static_cast<double>(entry.column);
  const double y = at.y + 12 + 20 * static_cast<double>(entry.row);
  const Html words = Words({x + 33, y + 4}, Anchor::kStart, entry.text);
  if (entry.look == "asked") return Triangle({x + 13, y}, entry.look) + words;
  Html drawn = Line({x, y}, {x + 26, y}, entry.look);
  if (entry.look == "yours") drawn += Dot({x + 13, y}, entry.look);
  if (entry.look == "reference") drawn += Square({x + 13, y}, entry.look);
  return drawn + words;
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

Html AxisTitles(const Frame& frame, const std::string& x,
                const std::string& y) {
  return Words({(frame.left + frame.right) / 2, frame.height - 10},
               Anchor::kMiddle, x) +
         Words({4, frame.top - 14}, Anchor::kStart, y);
}

Html TickX(const Frame& frame, const Axis& axis, double number) {
  const double x = axis.At(number);
  return Line({x, frame.top}, {x, frame.bottom}, "grid") +
         Words({x, frame.bottom + 17}, Anchor::kMiddle,
               fmt::format("{:g}", number));
}

Html TickY(const Frame& frame, const Axis& axis, double number,
           const std::string& text) {
  const double y = axis.At(number);
  return Line({frame.left, y}, {frame.right, y}, "grid") +
         Words({frame.left - 6, y + 4}, Anchor::kEnd, text);
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

Html Range(Point least, Point most, const Look& look) {
  constexpr double kCap = 4;  // half its width
  Html drawn = Line(least, most, look);
  for (const Point& end : {least, most}) {
    drawn += Line({end.x - kCap, end.y}, {end.x + kCap, end.y}, look);
  }
  return drawn;
}

Html Legend(Point at, const std::vector<LegendEntry>& entries) {
  Html drawn;
  for (const LegendEntry& entry : entries) drawn += DrawnEntry(at, entry);
  return drawn;
}

}  // namespace kvlab::grading
