// Which vector instructions the kernels use. One binary holds kernels for each
// set and runs on every machine with the smallest (x86-64-v3).
#ifndef KVLAB_KIT_KERNELS_INSTRUCTION_SET_H_
#define KVLAB_KIT_KERNELS_INSTRUCTION_SET_H_

#include <string_view>

#include "kit/kernels/kernels.h"

namespace kvlab {

enum class InstructionSet {
  kAvx2,    // AVX2, FMA and F16C, part of x86-64-v3
  kAvx512,  // AVX-512 F, BW, DQ and VL: x86-64-v4
};

// "AVX2", "AVX-512"
std::string_view InstructionSetName(InstructionSet set);

// The widest that this processor and its operating system support.
InstructionSet BestInstructionSet();

// AVX2 unless another was chosen: measuring and marking must be the same on
// every machine, and valgrind supports no wider set. A program that wants the
// machine's best calls UseInstructionSet(BestInstructionSet()).
InstructionSet InstructionSetInUse();

// From now on all threads of this process use `set`. Throws ContractError,
// changing nothing, if the machine does not support it.
void UseInstructionSet(InstructionSet set);

// The kernels of the set in use.
const kernels::Kernels& KernelsInUse();

}  // namespace kvlab

#endif  // KVLAB_KIT_KERNELS_INSTRUCTION_SET_H_
