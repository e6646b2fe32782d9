#include "modules/04_profiling/power_law.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/student_t.h"

namespace kvlab {
namespace {

bool HasALogarithm(double value) { return std::isfinite(value) && value > 0; }

// Given. Throws what FitPowerLaw promises to throw.
void CheckPoints(std::span<const double> x, std::span<const double> y) {
  if (x.size() != y.size() || x.size() < 3) {
    throw ContractError("FitPowerLaw: too few points, or not as many y as x",
                        std::to_string(x.size()) + " x, " +
                            std::to_string(y.size()) +
                            " y; two points fit any line, and leave no "
                            "distance to judge it by",
                        "measure at three lengths or more");
  }
  if (!std::ranges::all_of(x, HasALogarithm) ||
      !std::ranges::all_of(y, HasALogarithm)) {
    throw ContractError("FitPowerLaw: a number has no logarithm",
                        "it is 0, negative, infinite or not a number",
                        "leave out what was not measured");
  }
  if (std::ranges::adjacent_find(x, std::not_equal_to{}) == x.end()) {
    throw ContractError("FitPowerLaw: all x are equal",
                        "any slope fits points above each other",
                        "measure at different lengths");
  }
}

// Given. The logarithm of each number.
std::vector<double> Logs(std::span<const double> numbers) {
  std::vector<double> logs;
  for (const double number : numbers) logs.push_back(std::log(number));
  return logs;
}

// BEGIN SOLUTION-ONLY
double Mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) /
         static_cast<double>(values.size());
}
// END SOLUTION-ONLY

}  // namespace

PowerLaw FitPowerLaw(std::span<const double> x, std::span<const double> y,
                     double confidence) {
  CheckPoints(x, y);
  // TODO(4.9): a least-squares line through Logs(x) and Logs(y): the slope is
  // sum (log x - mean) (log y - mean) / sum (log x - mean)^2. Then what remains
  // (the residuals), the standard error, and the interval.
  // BEGIN SOLUTION FitPowerLaw
  const std::vector<double> log_x = Logs(x);
  const std::vector<double> log_y = Logs(y);
  const double mean_x = Mean(log_x);
  const double mean_y = Mean(log_y);
  double sum_xx = 0;
  double sum_xy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum_xx += (log_x[i] - mean_x) * (log_x[i] - mean_x);
    sum_xy += (log_x[i] - mean_x) * (log_y[i] - mean_y);
  }
  const double slope = sum_xy / sum_xx;

  double sum_rr = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double on_line = mean_y + slope * (log_x[i] - mean_x);
    sum_rr += (log_y[i] - on_line) * (log_y[i] - on_line);
  }
  const std::size_t degrees_of_freedom = x.size() - 2;
  const double standard_error =
      std::sqrt(sum_rr / static_cast<double>(degrees_of_freedom) / sum_xx);
  const double reach =
      StudentT(confidence, degrees_of_freedom) * standard_error;
  return {.factor = std::exp(mean_y - slope * mean_x),
          .exponent = slope,
          .exponent_low = slope - reach,
          .exponent_high = slope + reach};
  // END SOLUTION
}

}  // namespace kvlab
