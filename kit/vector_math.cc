#include "kit/vector_math.h"

#include <cmath>
#include <span>

namespace kvlab {

void ExpInPlace(std::span<float> values) {
  for (float& value : values) value = std::exp(value);
}

void TanhInPlace(std::span<float> values) {
  for (float& value : values) value = std::tanh(value);
}

}  // namespace kvlab
