// Module 4 as the lecture writes it: the sums of the header, one after the
// other.
#include "modules/04_profiling/power_law.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string>

#include "kit/error.h"
#include "kit/measure/student_t.h"

namespace kvlab {
namespace {

bool HasALogarithm(double value) { return std::isfinite(value) && value > 0; }

// Given. Throws what FitPowerLaw promises to throw.
void CheckPoints(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size() || x.size() < 3) {
    throw ContractError("FitPowerLaw: too few points, or unpaired x and y",
                        std::to_string(x.size()) + " x, " +
                            std::to_string(y.size()) +
                            " y; a line through two points leaves no "
                            "residuals to judge it by",
                        "measure at three lengths or more");
  }
  if (!std::ranges::all_of(x, HasALogarithm) ||
      !std::ranges::all_of(y, HasALogarithm)) {
    throw ContractError("FitPowerLaw: a number has no logarithm",
                        "it is 0, negative, infinite or not a number",
                        "leave out values that were not measured");
  }
  if (std::ranges::adjacent_find(x, std::not_equal_to{}) == x.end()) {
    throw ContractError("FitPowerLaw: all x are equal",
                        "points above each other have no slope",
                        "measure at different lengths");
  }
}

}  // namespace

PowerLaw FitPowerLaw(std::span<const double> x, std::span<const double> y,
                     double confidence) {
  CheckPoints(x, y);
  // In long double: differences of large sums lose no digits that matter.
  const auto n = static_cast<long double>(x.size());
  long double sum_x = 0;
  long double sum_y = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum_x += std::log(static_cast<long double>(x[i]));
    sum_y += std::log(static_cast<long double>(y[i]));
  }
  const long double mean_x = sum_x / n;
  const long double mean_y = sum_y / n;

  long double spread = 0;   // sum (log x - mean)^2
  long double product = 0;  // sum (log x - mean) (log y - mean)
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double dx = std::log(static_cast<long double>(x[i])) - mean_x;
    const long double dy = std::log(static_cast<long double>(y[i])) - mean_y;
    spread += dx * dx;
    product += dx * dy;
  }
  const long double slope = product / spread;
  const long double height = mean_y - slope * mean_x;  // at log x = 0

  long double squares = 0;  // of the residuals
  for (std::size_t i = 0; i < x.size(); ++i) {
    const long double residual =
        std::log(static_cast<long double>(y[i])) - height -
        slope * std::log(static_cast<long double>(x[i]));
    squares += residual * residual;
  }
  const long double error = std::sqrt(squares / (n - 2) / spread);
  const long double reach = StudentT(confidence, x.size() - 2) * error;
  return {.factor = static_cast<double>(std::exp(height)),
          .exponent = static_cast<double>(slope),
          .exponent_low = static_cast<double>(slope - reach),
          .exponent_high = static_cast<double>(slope + reach)};
}

}  // namespace kvlab
