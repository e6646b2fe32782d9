// The mean of a few measurements, and how well they determine it.
#ifndef KVLAB_KIT_MEASURE_MEAN_INTERVAL_H_
#define KVLAB_KIT_MEASURE_MEAN_INTERVAL_H_

#include <span>

namespace kvlab {

struct MeanInterval {
  double mean = 0;
  // The interval mean - plus_or_minus .. mean + plus_or_minus contains the
  // mean of all such measurements with 95 % confidence, if they are independent
  // and about normal (Student 1908).
  double plus_or_minus = 0;
};

// Throws ContractError for fewer than 2 numbers. Cost: O(numbers).
MeanInterval MeanWithInterval(std::span<const double> numbers);

}  // namespace kvlab

#endif  // KVLAB_KIT_MEASURE_MEAN_INTERVAL_H_
