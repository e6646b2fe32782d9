#include "autograder/exam/difference.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "autograder/exam/pattern.h"
#include "autograder/machine/text/count.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace kvlab::grading {
namespace {

using Index = std::vector<std::size_t>;

std::size_t Count(const std::vector<std::size_t>& shape) {
  std::size_t count = 1;
  for (const std::size_t size : shape) count *= size;
  return count;
}

Index IndexOf(std::size_t offset, const std::vector<std::size_t>& shape) {
  Index index(shape.size());
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    index[axis] = offset % shape[axis];
    offset /= shape[axis];
  }
  return index;
}

bool Close(float actual, float expected, double tolerance) {
  if (actual == expected) return true;  // infinities of one sign
  const double allowed = tolerance * (1.0 + std::abs(expected));
  return std::abs(double{actual} - double{expected}) <= allowed;
}

std::string Place(const Index& index, const Axes& axes) {
  std::string place;
  for (std::size_t axis = 0; axis < index.size(); ++axis) {
    place +=
        fmt::format("{}{} {}", axis == 0 ? "" : ", ", axes[axis], index[axis]);
  }
  return place;
}

// "batch row 1 only", "positions 2 to 6 only", "heads 0, 2 only"; "" for all
// of them, or too many to say.
std::string Only(const std::set<std::size_t>& found, std::size_t size,
                 const std::string& name) {
  constexpr std::size_t kMostListed = 6;
  if (found.size() == size) return "";
  if (found.size() == 1) return fmt::format("{} {} only", name, *found.begin());
  const std::size_t first = *found.begin();
  const std::size_t last = *found.rbegin();
  if (last - first + 1 == found.size()) {
    return fmt::format("{} {} to {} only", Plural(name), first, last);
  }
  if (found.size() > kMostListed) return "";
  return fmt::format("{} {} only", Plural(name), fmt::join(found, ", "));
}

// The same for each axis: "head 1 only; positions 2 to 6 only".
std::string OnlyThese(const std::vector<std::set<std::size_t>>& found,
                      const std::vector<std::size_t>& shape, const Axes& axes) {
  std::vector<std::string> only;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    const std::string text = Only(found[axis], shape[axis], axes[axis]);
    if (!text.empty()) only.push_back(text);
  }
  return fmt::format("{}", fmt::join(only, "; "));
}

// A difference as a share of the right numbers, to one digit.
std::string ShareText(double share) {
  if (share >= 1.5) return fmt::format("{:.0f} times", share);
  if (share >= 0.01) return fmt::format("{:.0f} % of", 100 * share);
  return fmt::format("{:.1g} % of", 100 * share);
}

// Whether `array` holds the same numbers at every index of `axis`.
bool ConstantAlong(const Array& array, std::size_t axis, double tolerance) {
  std::size_t inner = 1;
  for (std::size_t a = axis + 1; a < array.shape.size(); ++a) {
    inner *= array.shape[a];
  }
  const std::size_t size = array.shape[axis];
  for (std::size_t i = 0; i < array.values.size(); ++i) {
    const std::size_t at = i / inner % size;
    if (!Close(array.values[i], array.values[i - at * inner], tolerance)) {
      return false;
    }
  }
  return true;
}

std::optional<std::string> SameAlongAnAxis(const Array& actual,
                                           const Array& expected,
                                           double tolerance, const Axes& axes) {
  for (std::size_t axis = 0; axis + 1 < actual.shape.size(); ++axis) {
    if (actual.shape[axis] > 1 && ConstantAlong(actual, axis, tolerance) &&
        !ConstantAlong(expected, axis, tolerance)) {
      return fmt::format(
          "the same numbers came back for every {}, although the input differs",
          axes[axis]);
    }
  }
  return {};
}

// The factor c for which actual is c times expected, if there is one.
std::optional<double> CommonFactor(const Array& actual, const Array& expected,
                                   double tolerance) {
  constexpr double kNoFactor = 0.01;
  double product = 0;
  double square = 0;
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    product += double{actual.values[i]} * double{expected.values[i]};
    square += double{expected.values[i]} * double{expected.values[i]};
  }
  const double factor = product / square;
  if (!std::isfinite(factor) || factor == 0) return {};
  // "1 times what it should be" would not help.
  if (std::abs(factor - 1) < kNoFactor) return {};
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    const auto scaled = static_cast<float>(factor * expected.values[i]);
    if (!Close(actual.values[i], scaled, 10 * tolerance)) return {};
  }
  return factor;
}

// Root of the mean squared difference over that of the expected numbers.
double RelativeSize(const Array& actual, const Array& expected) {
  double difference = 0;
  double size = 0;
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    const double d = double{actual.values[i]} - double{expected.values[i]};
    difference += d * d;
    size += double{expected.values[i]} * double{expected.values[i]};
  }
  return std::sqrt(difference / size);
}

std::string Whereabouts(const Array& actual, const Array& expected,
                        double tolerance, const Axes& axes) {
  const std::vector<std::size_t>& shape = expected.shape;
  std::vector<std::set<std::size_t>> found(shape.size());
  std::size_t differing = 0;
  Index first;
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    if (Close(actual.values[i], expected.values[i], tolerance)) continue;
    const Index index = IndexOf(i, shape);
    if (differing++ == 0) first = index;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      found[axis].insert(index[axis]);
    }
  }
  const std::string only = OnlyThese(found, shape, axes);
  std::string text =
      fmt::format("{} of {} numbers differ, first at {}", differing,
                  actual.values.size(), Place(first, axes));
  if (!only.empty()) text += fmt::format(" ({})", only);
  const double size = RelativeSize(actual, expected);
  if (std::isfinite(size)) {
    text += fmt::format(
        "; on the whole they are off by {} the size of the right ones",
        ShareText(size));
  }
  const std::string pattern =
      PatternOfDiffering(actual, expected, tolerance, axes);
  return pattern.empty() ? text : text + "; " + pattern;
}

std::optional<std::string> WrongShape(const Array& actual,
                                      const Array& expected) {
  if (actual.shape != expected.shape) {
    return fmt::format("the shape is [{}], it should be [{}]",
                       fmt::join(actual.shape, ", "),
                       fmt::join(expected.shape, ", "));
  }
  if (actual.values.size() != Count(actual.shape)) {
    return "the numbers do not fill the shape";
  }
  return {};
}

std::optional<std::string> NotFinite(const Array& actual, const Array& expected,
                                     const Axes& axes) {
  std::vector<std::set<std::size_t>> found(actual.shape.size());
  std::size_t count = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    if (std::isfinite(actual.values[i]) || !std::isfinite(expected.values[i])) {
      continue;
    }
    if (count++ == 0) first = i;
    const Index index = IndexOf(i, actual.shape);
    for (std::size_t axis = 0; axis < index.size(); ++axis) {
      found[axis].insert(index[axis]);
    }
  }
  if (count == 0) return {};
  std::string text =
      fmt::format("{} at {}: not a finite number",
                  std::isnan(actual.values[first]) ? "NaN" : "infinity",
                  Place(IndexOf(first, actual.shape), axes));
  const std::string only = OnlyThese(found, actual.shape, axes);
  if (count == actual.values.size()) return text + ", as are all others";
  return only.empty() ? text : text + " (" + only + ")";
}

bool AllZero(const Array& array) {
  return std::ranges::all_of(array.values, [](float v) { return v == 0.0F; });
}

}  // namespace

bool Agree(const Array& actual, const Array& expected, double tolerance) {
  if (WrongShape(actual, expected)) return false;
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    if (!Close(actual.values[i], expected.values[i], tolerance)) return false;
  }
  return true;
}

std::optional<std::string> Difference(const Array& actual,
                                      const Array& expected, double tolerance,
                                      const Axes& axes) {
  if (auto wrong = WrongShape(actual, expected)) return wrong;
  if (Agree(actual, expected, tolerance)) return {};
  if (auto wrong = NotFinite(actual, expected, axes)) return wrong;
  if (AllZero(actual)) return "every number that came back is zero";
  if (auto wrong = SameAlongAnAxis(actual, expected, tolerance, axes)) {
    return wrong;
  }
  if (const auto factor = CommonFactor(actual, expected, tolerance)) {
    if (std::abs(*factor + 1) < 1e-3) return "every number has the wrong sign";
    return fmt::format("every number is {:.3g} times what it should be",
                       *factor);
  }
  const std::string pattern = PatternOfAll(actual, expected, tolerance, axes);
  if (!pattern.empty()) return pattern;
  return Whereabouts(actual, expected, tolerance, axes);
}

}  // namespace kvlab::grading
