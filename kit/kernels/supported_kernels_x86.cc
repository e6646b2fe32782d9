#include <array>
#include <span>

#include "kit/kernels/instruction_set.h"
#include "kit/kernels/kernels.h"
#include "kit/kernels/supported_kernels.h"

namespace kvlab {

std::span<const KernelsOfSet> SupportedKernels() {
  static constexpr std::array<KernelsOfSet, 2> kAll = {{
      {.set = InstructionSet::kAvx2, .kernels = &kernels::kAvx2Kernels},
      {.set = InstructionSet::kAvx512, .kernels = &kernels::kAvx512Kernels},
  }};
  const bool avx512 = __builtin_cpu_supports("avx512f") != 0 &&
                      __builtin_cpu_supports("avx512bw") != 0 &&
                      __builtin_cpu_supports("avx512dq") != 0 &&
                      __builtin_cpu_supports("avx512vl") != 0;
  return std::span(kAll).first(avx512 ? 2 : 1);
}

}  // namespace kvlab
