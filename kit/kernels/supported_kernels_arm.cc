#include <array>
#include <span>

#include "kit/kernels/instruction_set.h"
#include "kit/kernels/kernels.h"
#include "kit/kernels/supported_kernels.h"

namespace kvlab {

std::span<const KernelsOfSet> SupportedKernels() {
  static constexpr std::array<KernelsOfSet, 1> kAll = {{
      {.set = InstructionSet::kNeon, .kernels = &kernels::kNeonKernels},
  }};
  return kAll;
}

}  // namespace kvlab
