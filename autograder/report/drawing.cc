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

std::string Corners(const std::vector<Point>& points) {
  std::string corners;
  for (const Point& point : points) {
    corners += fmt::format("{}{:.1f},{:.1f}", corners.empty() ? "" : " ",
                           point.x, point.y);
  }
  return corners;
}

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
  return Tag("polyline", {{"class", look}, {"points", Corners(points)}}, {});
}

Html Rectangle(Point from, Point to, const Look& look) {
  return Tag("rect",
             {{"class", look},
              {"x", Units(from.x)},
              {"y", Units(from.y)},
              {"width", Units(to.x - from.x)},
              {"height", Units(to.y - from.y)}},
             {});
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
  return Rectangle({at.x - kHalf, at.y - kHalf}, {at.x + kHalf, at.y + kHalf},
                   look + " mark");
}

Html Triangle(Point at, const Look& look) {
  constexpr double kHalf = 5;
  return Tag("polygon",
             {{"class", look + " mark"},
              {"points", Corners({{at.x, at.y - kHalf},
                                  {at.x + kHalf, at.y + kHalf * 0.7},
                                  {at.x - kHalf, at.y + kHalf * 0.7}})}},
             {});
}

Html Words(Point at, Anchor anchor, const std::string& text, const Look& look) {
  const char* where = anchor == Anchor::kStart    ? "start"
                      : anchor == Anchor::kMiddle ? "middle"
                                                  : "end";
  return Tag("text",
             {{"class", look},
              {"x", Units(at.x)},
              {"y", Units(at.y)},
              {"text-anchor", where}},
             Text(text));
}

Html Svg(const Picture& picture, const Html& content) {
  const std::string title_id = picture.id + "-title";
  const std::string description_id = picture.id + "-description";
  Attributes attributes = {
      {"xmlns", "http://www.w3.org/2000/svg"},
      {"class", "plot"},
      {"viewBox", fmt::format("0 0 {:g} {:g}", picture.width, picture.height)},
      {"role", "img"},
      {"aria-labelledby", title_id + " " + description_id}};
  Html drawn =
      Tag("title", {{"id", title_id}}, Text(picture.title)) +
      Tag("desc", {{"id", description_id}}, Text(picture.description)) +
      Tag("style", Html::Trusted(kDrawingCss));
  if (picture.pixels_per_unit > 0) {
    const auto pixels = [&](double units) {
      return fmt::format("{:g}", units * picture.pixels_per_unit);
    };
    attributes.insert(attributes.end(), {{"width", pixels(picture.width)},
                                         {"height", pixels(picture.height)}});
    drawn += Rectangle({0, 0}, {picture.width, picture.height}, "paper");
  }
  return Tag("svg", attributes, drawn + content);
}

}  // namespace kvlab::grading
