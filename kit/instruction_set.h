// Which vector instructions the kernels use. One binary holds kernels for each
// set and runs wherever the smallest does (x86-64-v3).
#ifndef KVLAB_KIT_INSTRUCTION_SET_H_
#define KVLAB_KIT_INSTRUCTION_SET_H_

#include <string_view>

#include "kit/kernels/kernels.h"

namespace kvlab {

enum class InstructionSet {
  kAvx2,    // AVX2, FMA and F16C: all that x86-64-v3 promises
  kAvx512,  // AVX-512 F, BW, DQ and VL: x86-64-v4
};

// "AVX2", "AVX-512"
std::string_view InstructionSetName(InstructionSet set);

// The widest that this processor and its operating system know.
InstructionSet BestInstructionSet();

// AVX2 unless another was chosen: what a course measures and marks has to be
// the same on every machine, and valgrind knows no more. A program that wants
// the machine's best says UseInstructionSet(BestInstructionSet()).
InstructionSet InstructionSetInUse();

// From now on all threads of this process use `set`. Throws ContractError,
// changing nothing, if the machine does not know it.
void UseInstructionSet(InstructionSet set);

// The kernels of the set in use.
const kernels::Kernels& KernelsInUse();

}  // namespace kvlab

#endif  // KVLAB_KIT_INSTRUCTION_SET_H_
