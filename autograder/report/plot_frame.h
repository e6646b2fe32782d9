// The frame that the plots of a report share: its size, ticks and legend.
#ifndef KVLAB_AUTOGRADER_REPORT_PLOT_FRAME_H_
#define KVLAB_AUTOGRADER_REPORT_PLOT_FRAME_H_

#include <cstddef>
#include <string>
#include <vector>

#include "autograder/report/drawing.h"

namespace kvlab::grading {

inline constexpr double kPlotWidth = 420;
inline constexpr double kPlotHeight = 330;
// The area of the series; the legend is above it.
inline constexpr double kPlotLeft = 46;
inline constexpr double kPlotRight = 404;
inline constexpr double kPlotTop = 76;
inline constexpr double kPlotBottom = 282;

// Below the plot and above its vertical axis.
Html AxisTitles(const std::string& x, const std::string& y);

Html TickX(const Axis& axis, double number);
Html TickY(const Axis& axis, double number, const std::string& text);

// 1, 2, 5, 10, 20, ... within the axis.
std::vector<double> LogTicks(const Axis& axis);
// 0 and up to six multiples of 1, 2 or 5 times a power of ten.
std::vector<double> LinearTicks(const Axis& axis);

// An entry of the legend, in one of two columns and two rows.
struct LegendEntry {
  std::size_t column = 0;
  std::size_t row = 0;
  Look look;
  std::string text;
};

Html Legend(const std::vector<LegendEntry>& entries);

// The picture with the frame's contents.
Html Plot(const std::string& id, const std::string& title,
          const std::string& description, const Html& content);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_PLOT_FRAME_H_
