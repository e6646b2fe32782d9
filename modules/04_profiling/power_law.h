// Module 4: is it quadratic? Fits a power law to measured points, with a
// confidence interval for the exponent.
#ifndef KVLAB_MODULES_04_PROFILING_POWER_LAW_H_
#define KVLAB_MODULES_04_PROFILING_POWER_LAW_H_

#include <cmath>
#include <span>

namespace kvlab {

// y = factor * x^exponent
struct PowerLaw {
  double factor = 0;
  double exponent = 0;
  // The confidence interval of the exponent.
  double exponent_low = 0;
  double exponent_high = 0;

  double At(double x) const { return factor * std::pow(x, exponent); }
};

// Task 4.9. The straight line through the points (log x, log y) with the least
// sum of squared residuals in log y: its slope is the exponent, its height at
// log x = 0 the log of the factor. With n points, m the mean of log x and r the
// residuals,
//   standard error of the slope = sqrt(sum r^2 / (n - 2) / sum (log x - m)^2)
// and the interval extends StudentT(confidence, n - 2) (kit) standard errors to
// either side. It says how far chance may have moved the exponent, not that a
// power law is the right curve. Cost: O(n).
// Source: Draper & Smith 1998, Applied Regression Analysis, on fitting a
// straight line. Throws ContractError if there are fewer than three points,
// different numbers of x and y, a number that is not positive and finite, or no
// two different x; and as StudentT does.
PowerLaw FitPowerLaw(std::span<const double> x, std::span<const double> y,
                     double confidence);

}  // namespace kvlab

#endif  // KVLAB_MODULES_04_PROFILING_POWER_LAW_H_
