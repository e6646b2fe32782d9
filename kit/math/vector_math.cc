#include "kit/math/vector_math.h"

#include <span>

#include "kit/kernels/instruction_set.h"

namespace kvlab {

void ExpInPlace(std::span<float> values) {
  KernelsInUse().exp_in_place(values);
}

void TanhInPlace(std::span<float> values) {
  KernelsInUse().tanh_in_place(values);
}

}  // namespace kvlab
