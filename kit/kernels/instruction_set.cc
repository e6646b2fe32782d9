#include "kit/kernels/instruction_set.h"

#include <atomic>
#include <string>
#include <string_view>

#include "kit/error.h"
#include "kit/kernels/kernels.h"

namespace kvlab {
namespace {

std::atomic<InstructionSet> in_use = InstructionSet::kAvx2;

}  // namespace

std::string_view InstructionSetName(InstructionSet set) {
  return set == InstructionSet::kAvx2 ? "AVX2" : "AVX-512";
}

InstructionSet BestInstructionSet() {
  const bool avx512 = __builtin_cpu_supports("avx512f") != 0 &&
                      __builtin_cpu_supports("avx512bw") != 0 &&
                      __builtin_cpu_supports("avx512dq") != 0 &&
                      __builtin_cpu_supports("avx512vl") != 0;
  return avx512 ? InstructionSet::kAvx512 : InstructionSet::kAvx2;
}

InstructionSet InstructionSetInUse() {
  return in_use.load(std::memory_order_relaxed);
}

void UseInstructionSet(InstructionSet set) {
  if (set > BestInstructionSet()) {
    throw ContractError("UseInstructionSet: this machine does not support  " +
                            std::string(InstructionSetName(set)),
                        "its kernels would crash the program",
                        "ask BestInstructionSet() first");
  }
  in_use.store(set, std::memory_order_relaxed);
}

const kernels::Kernels& KernelsInUse() {
  return InstructionSetInUse() == InstructionSet::kAvx512
             ? kernels::kAvx512Kernels
             : kernels::kAvx2Kernels;
}

}  // namespace kvlab
