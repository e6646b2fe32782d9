// What plots have in common: the place of their parts, ticks, legend.
#ifndef KVLAB_AUTOGRADER_REPORT_PLOT_FRAME_H_
#define KVLAB_AUTOGRADER_REPORT_PLOT_FRAME_H_

#include <cstddef>
#include <string>
#include <vector>

#include "autograder/report/drawing.h"

namespace kvlab::grading {

struct Frame {
  double width = 0;
  double height = 0;
  // The area of the series.
  double left = 0;
  double right = 0;
  double top = 0;
  double bottom = 0;
};

// That of the plots in a report; the legend is above the area.
inline constexpr Frame kReportFrame = {.width = 420,
                                       .height = 330,
                                       .left = 46,
                                       .right = 404,
                                       .top = 76,
                                       .bottom = 282};

// Below the plot and above its vertical axis.
Html AxisTitles(const Frame& frame, const std::string& x, const std::string& y);

Html TickX(const Frame& frame, const Axis& axis, double number);
Html TickY(const Frame& frame, const Axis& axis, double number,
           const std::string& text);

// 1, 2, 5, 10, 20, ... within the axis.
std::vector<double> LogTicks(const Axis& axis);
// 0 and up to six multiples of 1, 2 or 5 times a power of ten.
std::vector<double> LinearTicks(const Axis& axis);

// The range of a measurement, with a cap at both ends.
Html Range(Point least, Point most, const Look& look);

// An entry of the legend, in one of several columns and rows.
struct LegendEntry {
  std::size_t column = 0;
  std::size_t row = 0;
  Look look;
  std::string text;
};

// `at`: the upper left corner.
Html Legend(Point at, const std::vector<LegendEntry>& entries);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_PLOT_FRAME_H_
