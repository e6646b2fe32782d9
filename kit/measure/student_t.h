// Confidence intervals for the mean of a few measurements.
#ifndef KVLAB_KIT_MEASURE_STUDENT_T_H_
#define KVLAB_KIT_MEASURE_STUDENT_T_H_

#include <cstddef>

namespace kvlab {

// The t for which a Student-t variable is in [-t, t] with probability
// `confidence`: 12.706 for 0.95 and 1 degree of freedom, 1.96 for very many.
// Source: Student 1908, "The probable error of a mean"; the series is
// Abramowitz & Stegun 1964, Handbook of Mathematical Functions, 26.7.3 and
// 26.7.4. Cost: O(degrees_of_freedom).
// Throws ContractError unless 0 < confidence < 1 and degrees_of_freedom > 0.
double StudentT(double confidence, std::size_t degrees_of_freedom);

}  // namespace kvlab

#endif  // KVLAB_KIT_MEASURE_STUDENT_T_H_
