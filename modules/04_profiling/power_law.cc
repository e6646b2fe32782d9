// Fill in the TODOs: the header says what is promised, README.md says why.
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

}  // namespace

PowerLaw FitPowerLaw(std::span<const double> x, std::span<const double> y,
                     double confidence) {
  CheckPoints(x, y);
  // TODO(4.9): a least-squares line through Logs(x) and Logs(y): the slope is
  // sum (log x - mean) (log y - mean) / sum (log x - mean)^2. Then what remains
  // (the residuals), the standard error, and the interval.
  throw NotImplemented("FitPowerLaw", "module 4, task 9");
}

}  // namespace kvlab
