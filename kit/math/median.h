// The median of measurements.
#ifndef KVLAB_KIT_MATH_MEDIAN_H_
#define KVLAB_KIT_MATH_MEDIAN_H_

#include <vector>

namespace kvlab {

// The value in the middle or, of an even number of values, the mean of the two
// in the middle. Throws ContractError if there are none. Cost n log n.
double Median(std::vector<double> values);

}  // namespace kvlab

#endif  // KVLAB_KIT_MATH_MEDIAN_H_
