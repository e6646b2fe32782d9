#include "autograder/report/drawing.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "autograder/report/drawing_css.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

std::string Units(double number) { return fmt::format("{:.1f}", number); }

}  // namespace

double Axis::At(double number) const {
  double share = 0;
  if (scale == Scale::kLog) {
    share = std::log(number / from) / std::log(to / from);
  } else {
    share = (number - from) / (to - from);
  }
  // NaN has no place; it is drawn at the start.
  share = std::isnan(share) ? 0 : std::clamp(share, 0.0, 1.0);
  return start + share * (end - start);
}

Html Line(Point from, Point to, const Look& look) {
  return Tag("line",
             {{"class", look},
              {"x1", Units(from.x)},
              {"y1", Units(from.y)},
              {"x2", Units(to.x)},
              {"y2", Units(to.y)}},
             {});
}

Html Path(const std::vector<Point>& points, const Look& look) {
  std::string corners;
  for (const Point& point : points) {
    corners += fmt::format("{}{:.1f},{:.1f}", corners.empty() ? "" : " ",
                           point.x, point.y);
  }
  return Tag("polyline", {{"class", look}, {"points", corners}}, {});
}

Html Dot(Point at, const Look& look) {
  return Tag("circle",
             {{"class", look + " mark"},
              {"cx", Units(at.x)},
              {"cy", Units(at.y)},
              {"r", "4"}},
             {});
}

Html Square(Point at, const Look& look) {
  constexpr double kHalf = 3.5;
  return Tag("rect",
             {{"class", look + " mark"},
              {"x", Units(at.x - kHalf)},
              {"y", Units(at.y - kHalf)},
              {"width", Units(2 * kHalf)},
              {"height", Units(2 * kHalf)}},
             {});
}

Html Words(Point at, Anchor anchor, const std::string& text) {
  const char* where = anchor == Anchor::kStart    ? "start"
                      : anchor == Anchor::kMiddle ? "middle"
                                                  : "end";
  return Tag("text",
             {{"class", "label"},
              {"x", Units(at.x)},
              {"y", Units(at.y)},
              {"text-anchor", where}},
             Text(text));
}

Html Svg(const Picture& picture, const Html& content) {
  const std::string title_id = picture.id + "-title";
  const std::string description_id = picture.id + "-description";
  return Tag(
      "svg",
      {{"xmlns", "http://www.w3.org/2000/svg"},
       {"class", "plot"},
       {"viewBox", fmt::format("0 0 {:g} {:g}", picture.width, picture.height)},
       {"role", "img"},
       {"aria-labelledby", title_id + " " + description_id}},
      Tag("title", {{"id", title_id}}, Text(picture.title)) +
          Tag("desc", {{"id", description_id}}, Text(picture.description)) +
          Tag("style", Html::Trusted(kDrawingCss)) + content);
}

}  // namespace kvlab::grading
