// For tests that hold for every instruction set.
#ifndef KVLAB_KIT_KERNELS_INSTRUCTION_SET_TESTING_H_
#define KVLAB_KIT_KERNELS_INSTRUCTION_SET_TESTING_H_

#include <string>

#include "gtest/gtest.h"
#include "kit/kernels/instruction_set.h"

namespace kvlab {

// Runs `test` with each set that this machine supports, names the set in
// failures, and restores the one in use before.
template <typename Test>
void WithEveryInstructionSet(Test test) {
  const InstructionSet before = InstructionSetInUse();
  for (const InstructionSet set : SupportedInstructionSets()) {
    UseInstructionSet(set);
    SCOPED_TRACE(std::string(InstructionSetName(set)));
    test();
    if (::testing::Test::HasFatalFailure()) break;
  }
  UseInstructionSet(before);
}

}  // namespace kvlab

#endif  // KVLAB_KIT_KERNELS_INSTRUCTION_SET_TESTING_H_
