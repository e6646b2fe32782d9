#include "kit/measure/mean_interval.h"

#include <cmath>
#include <span>
#include <string>

#include "kit/error.h"
#include "kit/measure/student_t.h"

namespace kvlab {

MeanInterval MeanWithInterval(std::span<const double> numbers) {
  if (numbers.size() < 2) {
    throw ContractError("MeanWithInterval: too few numbers",
                        "there are " + std::to_string(numbers.size()) +
                            ", and one has no spread",
                        "measure at least twice");
  }
  constexpr double kConfidence = 0.95;
  const auto count = static_cast<double>(numbers.size());
  double mean = 0;
  for (const double number : numbers) mean += number / count;
  double variance = 0;
  for (const double number : numbers) {
    variance += (number - mean) * (number - mean) / (count - 1);
  }
  return {.mean = mean,
          .plus_or_minus = StudentT(kConfidence, numbers.size() - 1) *
                           std::sqrt(variance / count)};
}

}  // namespace kvlab
