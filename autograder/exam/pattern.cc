#include "autograder/exam/pattern.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// Beyond this many comparisons of numbers a pattern is not worth its time.
constexpr std::size_t kMostWork = 50'000'000;

bool Close(double actual, double expected, double tolerance) {
  return actual == expected ||
         std::abs(actual - expected) <= tolerance * (1.0 + std::abs(expected));
}

// How many numbers there are between one index of `axis` and the next.
std::size_t Stride(const Array& array, std::size_t axis) {
  std::size_t stride = 1;
  for (std::size_t a = axis + 1; a < array.shape.size(); ++a) {
    stride *= array.shape[a];
  }
  return stride;
}

// --- the right numbers in another place ---

// `array` with two axes exchanged, as a list.
std::vector<float> Exchanged(const Array& array, std::size_t one,
                             std::size_t other) {
  std::vector<std::size_t> shape = array.shape;
  std::swap(shape[one], shape[other]);
  std::vector<float> out(array.values.size());
  std::vector<std::size_t> index(shape.size());
  for (float& value : out) {
    std::swap(index[one], index[other]);
    std::size_t at = 0;
    for (std::size_t axis = 0; axis < shape.size(); ++axis) {
      at = at * array.shape[axis] + index[axis];
    }
    std::swap(index[one], index[other]);
    value = array.values[at];
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      if (++index[axis] < shape[axis]) break;
      index[axis] = 0;
    }
  }
  return out;
}

bool AllClose(const std::vector<float>& actual,
              const std::vector<float>& expected, double tolerance) {
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (!Close(actual[i], expected[i], tolerance)) return false;
  }
  return true;
}

std::string ExchangedAxes(const Array& actual, const Array& expected,
                          double tolerance, const Axes& axes) {
  for (std::size_t one = 0; one < axes.size(); ++one) {
    for (std::size_t other = one + 1; other < axes.size(); ++other) {
      if (expected.shape[one] < 2 || expected.shape[other] < 2) continue;
      if (AllClose(actual.values, Exchanged(expected, one, other), tolerance)) {
        return fmt::format(
            "these are the right numbers, but {} and {} have changed places "
            "(transposed)",
            axes[one], axes[other]);
      }
    }
  }
  return "";
}

// Whether index `from` of `axis` in `actual` holds what belongs at index `to`.
bool SliceIs(const Array& actual, std::size_t from, const Array& expected,
             std::size_t to, std::size_t axis, double tolerance) {
  const std::size_t stride = Stride(expected, axis);
  const std::size_t block = stride * expected.shape[axis];
  for (std::size_t begin = 0; begin < expected.values.size(); begin += block) {
    for (std::size_t i = 0; i < stride; ++i) {
      if (!Close(actual.values[begin + from * stride + i],
                 expected.values[begin + to * stride + i], tolerance)) {
        return false;
      }
    }
  }
  return true;
}

std::string ShiftedAlong(const Array& actual, const Array& expected,
                         double tolerance, const Axes& axes) {
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    const std::size_t size = expected.shape[axis];
    if (size < 3) continue;
    bool later = true;
    bool earlier = true;
    for (std::size_t i = 0; i + 1 < size && (later || earlier); ++i) {
      later = later && SliceIs(actual, i + 1, expected, i, axis, tolerance);
      earlier = earlier && SliceIs(actual, i, expected, i + 1, axis, tolerance);
    }
    if (later || earlier) {
      return fmt::format(
          "every {} holds what belongs to the one {} it: shifted by one",
          axes[axis], later ? "before" : "after");
    }
  }
  return "";
}

std::string PermutedAlong(const Array& actual, const Array& expected,
                          double tolerance, const Axes& axes) {
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    const std::size_t size = expected.shape[axis];
    if (size < 2 || size * expected.values.size() > kMostWork) continue;
    std::size_t found = 0;
    for (std::size_t from = 0; from < size && found == from; ++from) {
      for (std::size_t to = 0; to < size && found == from; ++to) {
        if (SliceIs(actual, from, expected, to, axis, tolerance)) ++found;
      }
    }
    if (found == size) {
      return fmt::format("every {} holds what belongs to another one",
                         axes[axis]);
    }
  }
  return "";
}

std::string AnotherOrder(const Array& actual, const Array& expected) {
  std::vector<float> one = actual.values;
  std::vector<float> other = expected.values;
  std::ranges::sort(one);
  std::ranges::sort(other);
  return one == other ? "these are the right numbers in another order" : "";
}

// --- each row for itself ---

// Numbers that differ, each with the expected one.
using Differing = std::vector<std::pair<double, double>>;

Differing DifferingOf(const Array& actual, const Array& expected,
                      double tolerance) {
  Differing differing;
  for (std::size_t i = 0; i < actual.values.size(); ++i) {
    const double came = actual.values[i];
    const double right = expected.values[i];
    if (!Close(came, right, tolerance)) differing.emplace_back(came, right);
  }
  return differing;
}

// The factor, by least squares, if every number is off by it.
std::optional<double> FactorOf(const Differing& numbers, double tolerance) {
  double product = 0;
  double square = 0;
  for (const auto& [came, right] : numbers) {
    product += came * right;
    square += right * right;
  }
  const double factor = product / square;
  if (!std::isfinite(factor)) return {};
  for (const auto& [came, right] : numbers) {
    if (!Close(came, factor * right, 10 * tolerance)) return {};
  }
  return factor;
}

std::optional<double> OffsetOf(const Differing& numbers, double tolerance) {
  double sum = 0;
  for (const auto& [came, right] : numbers) sum += came - right;
  const double offset = sum / static_cast<double>(numbers.size());
  for (const auto& [came, right] : numbers) {
    if (!Close(came, right + offset, 10 * tolerance)) return {};
  }
  return offset;
}

// Row by row along the last axis: whether each is off by one number of its own.
template <typename Fit>
bool EachRowFits(const Array& actual, const Array& expected, double tolerance,
                 Fit fit) {
  const std::size_t cols = expected.shape.back();
  if (cols < 3 || expected.values.size() < 2 * cols) return false;
  for (std::size_t begin = 0; begin < expected.values.size(); begin += cols) {
    Differing row;
    bool differs = false;
    for (std::size_t i = begin; i < begin + cols; ++i) {
      row.emplace_back(actual.values[i], expected.values[i]);
      differs =
          differs || !Close(actual.values[i], expected.values[i], tolerance);
    }
    if (!differs || !fit(row)) return false;
  }
  return true;
}

std::string RowByRow(const Array& actual, const Array& expected,
                     double tolerance, const Axes& axes) {
  const std::string row = axes.size() < 2 ? "row" : axes[axes.size() - 2];
  if (EachRowFits(actual, expected, tolerance, [&](const Differing& numbers) {
        return FactorOf(numbers, tolerance).has_value();
      })) {
    return fmt::format(
        "each {} is right but for a factor of its own: what it is divided or "
        "scaled by is wrong",
        row);
  }
  if (EachRowFits(actual, expected, tolerance, [&](const Differing& numbers) {
        return OffsetOf(numbers, tolerance).has_value();
      })) {
    return fmt::format(
        "each {} is right but for one number added to all of it: what is "
        "subtracted or added is wrong",
        row);
  }
  return "";
}

// --- the numbers that differ ---

template <typename Test>
bool All(const Differing& numbers, Test test) {
  return std::ranges::all_of(numbers, test);
}

// Off by this share of the right numbers, as root mean squares.
double RelativeSize(const Differing& numbers) {
  double off = 0;
  double size = 0;
  for (const auto& [came, right] : numbers) {
    off += (came - right) * (came - right);
    size += right * right;
  }
  return std::sqrt(off / size);
}

std::string NearlyRight(const Differing& numbers) {
  constexpr double kRounding = 2e-3;  // float16 has 5e-4, tanh for erf 1e-3
  constexpr double kSmallTerm = 3e-2;
  const double off = RelativeSize(numbers);
  if (off < kRounding) {
    return "nearly right, so a constant, a sum or a function of low precision "
           "(a rounded or approximate constant, half precision, another "
           "epsilon)";
  }
  if (off < kSmallTerm) {
    return "close to right, so a small term or a divisor is off (an epsilon, n "
           "for n - 1, one key too many or too few)";
  }
  return "";
}

// What came back where the right number is outside of a range.
std::string Capped(const Differing& numbers) {
  const double cap = numbers.front().first;
  if (numbers.size() > 1 && All(numbers, [&](const auto& one) {
        return one.first == cap && std::abs(one.second) > std::abs(cap);
      })) {
    return fmt::format("{:.3g} came back for everything beyond it", cap);
  }
  return "";
}

// Signs, if they separate right numbers from wrong ones.
std::string OfOneSign(const Array& actual, const Array& expected,
                      double tolerance, const Differing& differing) {
  constexpr std::size_t kEnough = 4;
  if (differing.size() < kEnough) return "";
  for (const bool negative : {true, false}) {
    const auto has_sign = [&](double right) {
      return negative ? right < 0 : right > 0;
    };
    if (!All(differing, [&](const auto& o) { return has_sign(o.second); })) {
      continue;
    }
    std::size_t others = 0;
    for (std::size_t i = 0; i < actual.values.size(); ++i) {
      const double right = expected.values[i];
      others += right != 0 && !has_sign(right) &&
                        Close(actual.values[i], right, tolerance)
                    ? 1
                    : 0;
    }
    if (others >= kEnough) {
      return fmt::format("only where the right number is {}",
                         negative ? "negative" : "positive");
    }
  }
  return "";
}

// "everything before position 8 is right"
std::string FromOnePlaceOn(const Array& actual, const Array& expected,
                           double tolerance, const Axes& axes) {
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    const std::size_t size = expected.shape[axis];
    std::size_t first = size;
    std::size_t last = 0;
    const std::size_t stride = Stride(expected, axis);
    for (std::size_t i = 0; i < actual.values.size(); ++i) {
      if (Close(actual.values[i], expected.values[i], tolerance)) continue;
      const std::size_t at = i / stride % size;
      first = std::min(first, at);
      last = std::max(last, at);
    }
    if (first == 0 || first == size || last + 1 != size || size < 3) continue;
    if (first + 1 == size) {
      return fmt::format("only the last {} is wrong", axes[axis]);
    }
    return fmt::format("everything before {} {} is right", axes[axis], first);
  }
  return "";
}

// "from column 128 on every number is 0", even if others are wrong too.
std::string ZerosFromOnePlaceOn(const Array& actual, const Array& expected,
                                const Axes& axes) {
  for (std::size_t axis = 0; axis < axes.size(); ++axis) {
    const std::size_t size = expected.shape[axis];
    const std::size_t stride = Stride(expected, axis);
    std::size_t first = 0;  // of the zeros that go to the end
    for (std::size_t i = 0; i < actual.values.size(); ++i) {
      if (actual.values[i] != 0) first = std::max(first, i / stride % size + 1);
    }
    if (first == 0 || first + 1 >= size) continue;
    std::size_t zeros = 0;
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < actual.values.size(); ++i) {
      if (i / stride % size < first) continue;
      ++zeros;
      wrong += expected.values[i] != 0 ? 1 : 0;
    }
    if (2 * wrong > zeros) {
      return fmt::format("from {} {} on every number is 0, and must not be",
                         axes[axis], first);
    }
  }
  return "";
}

std::string WhatCameBack(const Differing& differing, double tolerance) {
  if (All(differing, [](const auto& one) { return one.first == 0; })) {
    return "zeros came back there";
  }
  if (All(differing, [](const auto& one) { return one.second == 0; })) {
    return "the right numbers there are zeros";
  }
  if (differing.size() < 3) return "";
  if (const auto factor = FactorOf(differing, tolerance)) {
    if (std::abs(*factor + 1) < 1e-3) return "there the sign is wrong";
    if (std::abs(*factor - 1) > 1e-2) {
      return fmt::format("there every number is {:.3g} times what it should be",
                         *factor);
    }
  }
  if (OffsetOf(differing, tolerance)) {
    return "there every number is off by the same amount: something is added "
           "or left out";
  }
  return "";
}

}  // namespace

std::string PatternOfAll(const Array& actual, const Array& expected,
                         double tolerance, const Axes& axes) {
  // What is nearly right is nearly anything.
  if (RelativeSize(DifferingOf(actual, expected, tolerance)) < 1e-2) return "";
  for (const auto& pattern : {ExchangedAxes, ShiftedAlong, PermutedAlong}) {
    std::string text = pattern(actual, expected, tolerance, axes);
    if (!text.empty()) return text;
  }
  std::string text = AnotherOrder(actual, expected);
  return text.empty() ? RowByRow(actual, expected, tolerance, axes) : text;
}

std::string PatternOfDiffering(const Array& actual, const Array& expected,
                               double tolerance, const Axes& axes) {
  const Differing differing = DifferingOf(actual, expected, tolerance);
  if (differing.empty()) return "";
  std::string text = ZerosFromOnePlaceOn(actual, expected, axes);
  if (!text.empty()) return text;
  text = FromOnePlaceOn(actual, expected, tolerance, axes);
  std::string what = WhatCameBack(differing, tolerance);
  if (what.empty()) what = Capped(differing);
  if (what.empty()) what = OfOneSign(actual, expected, tolerance, differing);
  if (what.empty()) what = NearlyRight(differing);
  if (!text.empty() && !what.empty()) text += "; ";
  return text + what;
}

}  // namespace kvlab::grading
