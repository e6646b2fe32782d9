#include "kit/kernels/instruction_set.h"

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include "kit/error.h"
#include "kit/kernels/kernels.h"
#include "kit/kernels/supported_kernels.h"

namespace kvlab {
namespace {

std::atomic<const KernelsOfSet*>& InUse() {
  static std::atomic<const KernelsOfSet*> in_use = &SupportedKernels().front();
  return in_use;
}

}  // namespace

std::string_view InstructionSetName(InstructionSet set) {
  switch (set) {
    case InstructionSet::kAvx2:
      return "AVX2";
    case InstructionSet::kAvx512:
      return "AVX-512";
    case InstructionSet::kNeon:
      return "NEON";
  }
  return "";
}

std::vector<InstructionSet> SupportedInstructionSets() {
  std::vector<InstructionSet> sets;
  for (const KernelsOfSet& each : SupportedKernels()) sets.push_back(each.set);
  return sets;
}

InstructionSet SmallestInstructionSet() {
  return SupportedKernels().front().set;
}

InstructionSet BestInstructionSet() { return SupportedKernels().back().set; }

InstructionSet InstructionSetInUse() {
  return InUse().load(std::memory_order_relaxed)->set;
}

void UseInstructionSet(InstructionSet set) {
  for (const KernelsOfSet& each : SupportedKernels()) {
    if (each.set != set) continue;
    InUse().store(&each, std::memory_order_relaxed);
    return;
  }
  throw ContractError("UseInstructionSet: this machine does not support " +
                          std::string(InstructionSetName(set)),
                      "its kernels would crash the program",
                      "ask SupportedInstructionSets() first");
}

const kernels::Kernels& KernelsInUse() {
  return *InUse().load(std::memory_order_relaxed)->kernels;
}

}  // namespace kvlab
