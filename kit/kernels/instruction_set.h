// Which vector instructions the kernels use. A program has kernels for each set
// of the architecture that it was built for, and runs on every machine with the
// smallest: x86-64-v3, or any 64-bit ARM.
#ifndef KVLAB_KIT_KERNELS_INSTRUCTION_SET_H_
#define KVLAB_KIT_KERNELS_INSTRUCTION_SET_H_

#include <string_view>
#include <vector>

#include "kit/kernels/kernels.h"

namespace kvlab {

enum class InstructionSet {
  kAvx2,    // AVX2, FMA and F16C, part of x86-64-v3
  kAvx512,  // AVX-512 F, BW, DQ and VL: x86-64-v4
  kNeon,    // part of every 64-bit ARM
};

// "AVX2", "AVX-512", "NEON"
std::string_view InstructionSetName(InstructionSet set);

// Those that this processor and its operating system support, of the program's;
// the smallest first.
std::vector<InstructionSet> SupportedInstructionSets();

// The one that every machine of this architecture supports: AVX2 or NEON.
InstructionSet SmallestInstructionSet();

// The widest that is supported.
InstructionSet BestInstructionSet();

// The smallest unless another was chosen: measuring and marking must be the
// same on every machine, and valgrind supports no wider set. A program that
// wants the machine's best calls UseInstructionSet(BestInstructionSet()).
InstructionSet InstructionSetInUse();

// From now on all threads of this process use `set`. Throws ContractError,
// changing nothing, if the machine does not support it.
void UseInstructionSet(InstructionSet set);

// The kernels of the set in use.
const kernels::Kernels& KernelsInUse();

}  // namespace kvlab

#endif  // KVLAB_KIT_KERNELS_INSTRUCTION_SET_H_
