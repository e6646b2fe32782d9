#include "autograder/class/page/part_chart.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <vector>

#include "autograder/class/class_marks.h"
#include "autograder/report/html.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kBins = 10;
using Bins = std::array<std::size_t, kBins>;

// In units of the drawing.
constexpr double kBarWidth = 28;
constexpr double kStep = 32;
constexpr double kHeight = 90;  // of the highest bar
constexpr double kAbove = 16;   // for the number over it
constexpr double kBelow = 16;   // for the axis
constexpr double kSide = 20;    // for half of "100 %"

Bins Counted(const std::vector<double>& points, double most) {
  Bins bins{};
  for (const double each : points) {
    const double share = most > 0 ? std::clamp(each / most, 0.0, 1.0) : 0;
    const auto bin = static_cast<std::size_t>(share * kBins);
    ++bins[std::min(bin, kBins - 1)];
  }
  return bins;
}

// The number that a share of the sorted numbers does not exceed.
double Quantile(const std::vector<double>& sorted, double share) {
  const double place = share * static_cast<double>(sorted.size() - 1);
  const auto low = static_cast<std::size_t>(place);
  const std::size_t high = std::min(low + 1, sorted.size() - 1);
  return std::lerp(sorted[low], sorted[high], place - static_cast<double>(low));
}

std::string Unit(double number) { return fmt::format("{:.1f}", number); }

Html Label(double x, double y, const std::string& text) {
  return Tag("text", {{"x", Unit(x)}, {"y", Unit(y)}}, Text(text));
}

Html Bars(const Bins& bins) {
  const auto highest = static_cast<double>(
      std::max<std::size_t>(1, *std::ranges::max_element(bins)));
  Html bars;
  for (std::size_t i = 0; i < kBins; ++i) {
    if (bins[i] == 0) continue;
    const double height = kHeight * static_cast<double>(bins[i]) / highest;
    const double x = kSide + kStep * static_cast<double>(i);
    const double y = kAbove + kHeight - height;
    bars += Tag("rect",
                {{"x", Unit(x)},
                 {"y", Unit(y)},
                 {"width", Unit(kBarWidth)},
                 {"height", Unit(height)}},
                {}) +
            Label(x + kBarWidth / 2, y - 4, fmt::format("{}", bins[i]));
  }
  return bars;
}

}  // namespace

Html PartChart(const std::string& title, const std::vector<double>& points,
               double most) {
  std::vector<double> sorted = points;
  std::ranges::sort(sorted);
  const Bins bins = Counted(points, most);
  std::string described = "People by share of the points:";
  for (std::size_t i = 0; i < kBins; ++i) {
    described += fmt::format("{} {} from {} %", i == 0 ? "" : ",", bins[i],
                             i * (100 / kBins));
  }
  const double width = kStep * kBins + 2 * kSide - (kStep - kBarWidth);
  const double foot = kAbove + kHeight;
  Html axis = Tag("line",
                  {{"x1", Unit(kSide)},
                   {"x2", Unit(width - kSide)},
                   {"y1", Unit(foot)},
                   {"y2", Unit(foot)}},
                  {});
  for (const int share : {0, 50, 100}) {
    axis += Label(std::lerp(kSide, width - kSide, share / 100.0), foot + 12,
                  fmt::format("{} %", share));
  }
  const Html drawing =
      Tag("svg",
          {{"viewBox", fmt::format("0 0 {:.0f} {:.0f}", width, foot + kBelow)},
           {"role", "img"},
           {"aria-label", described}},
          axis + Bars(bins));
  const std::string numbers =
      sorted.empty()
          ? "nothing is graded"
          : fmt::format("median {} of {} points, quartiles {} and {}",
                        NumberText(Quantile(sorted, 0.5)), NumberText(most),
                        NumberText(Quantile(sorted, 0.25)),
                        NumberText(Quantile(sorted, 0.75)));
  return Tag("figure",
             Tag("figcaption", Tag("strong", Text(title)) +
                                   Html::Trusted("<br>") + Text(numbers)) +
                 drawing);
}

}  // namespace kvlab::grading
