#include "kit/measure/student_t.h"

#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>

#include "kit/error.h"

namespace kvlab {
namespace {

// The probability of [-t, t], with tan(angle) = t / sqrt(degrees_of_freedom).
double Probability(double angle, std::size_t degrees_of_freedom) {
  const double cosine = std::cos(angle);
  const bool odd = degrees_of_freedom % 2 == 1;
  // 1 + 1/2 cos^2 + 1/2 3/4 cos^4 + ...; for odd ones
  // cos + 2/3 cos^3 + 2/3 4/5 cos^5 + ...
  double term = odd ? cosine : 1.0;
  double sum = 0;
  for (std::size_t i = odd ? 3 : 2; i <= degrees_of_freedom; i += 2) {
    sum += term;
    term *=
        cosine * cosine * static_cast<double>(i - 1) / static_cast<double>(i);
  }
  if (!odd) return std::sin(angle) * sum;
  return (angle + std::sin(angle) * sum) * 2.0 / std::numbers::pi;
}

}  // namespace

double StudentT(double confidence, std::size_t degrees_of_freedom) {
  if (!(confidence > 0.0 && confidence < 1.0)) {
    throw ContractError("StudentT: the confidence is not between 0 and 1",
                        "it is " + std::to_string(confidence),
                        "use 0.95 for 95 %");
  }
  if (degrees_of_freedom == 0) {
    throw ContractError("StudentT: there are no degrees of freedom",
                        "with as many unknowns as measurements there is no "
                        "scatter to estimate",
                        "take more measurements");
  }
  double low = 0;
  double high = std::numbers::pi / 2.0;
  for (std::size_t halving = 0; halving < 60; ++halving) {  // to the last bit
    const double middle = (low + high) / 2.0;
    (Probability(middle, degrees_of_freedom) < confidence ? low : high) =
        middle;
  }
  return std::tan(low) * std::sqrt(static_cast<double>(degrees_of_freedom));
}

}  // namespace kvlab
