// Lines, marks and text of a plot, as SVG.
#ifndef KVLAB_AUTOGRADER_REPORT_DRAWING_H_
#define KVLAB_AUTOGRADER_REPORT_DRAWING_H_

#include <string>
#include <vector>

#include "autograder/report/html.h"

namespace kvlab::grading {

// In units of the drawing, x to the right and y down.
struct Point {
  double x = 0;
  double y = 0;
};

// From numbers to units along one side of a plot.
struct Axis {
  enum class Scale { kLinear, kLog };

  Scale scale = Scale::kLinear;
  double from = 0;  // numbers at the two ends
  double to = 1;
  double start = 0;  // units at the two ends
  double end = 1;

  // Numbers beyond an end are drawn at that end.
  double At(double number) const;
};

// Classes of lines and text, styled by drawing.css.
//   yours, reference, formula, full, half, asked: the series
//   paper, grid, label, title: what they are drawn on
using Look = std::string;

Html Line(Point from, Point to, const Look& look);
Html Path(const std::vector<Point>& points, const Look& look);
// From the upper left corner to the lower right one.
Html Rectangle(Point from, Point to, const Look& look);
Html Dot(Point at, const Look& look);
Html Square(Point at, const Look& look);
Html Triangle(Point at, const Look& look);

// Alignment: the text begins, is centred or ends there.
enum class Anchor { kStart, kMiddle, kEnd };
Html Words(Point at, Anchor anchor, const std::string& text,
           const Look& look = "label");

struct Picture {
  std::string id;  // unique in the page
  std::string title;
  std::string description;  // alternative text
  double width = 0;
  double height = 0;
  // Of a picture with its own paper. 0: a part of a page, as wide as its place
  // there, on the page's background.
  double pixels_per_unit = 0;
};

// A self-contained <svg>: it includes its colours, for light and dark, in CSS
// that programs other than browsers understand too.
Html Svg(const Picture& picture, const Html& content);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_DRAWING_H_
