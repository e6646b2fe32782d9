#include "kit/kernels/instruction_set.h"

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/kernels/kernels.h"

namespace kvlab {
namespace {

TEST(InstructionSetTest, IsAvx2UnlessSomebodyAsksForMore) {
  EXPECT_EQ(InstructionSetInUse(), InstructionSet::kAvx2);
  EXPECT_EQ(&KernelsInUse(), &kernels::kAvx2Kernels);
}

TEST(InstructionSetTest, TheBestCanBeUsedAndPutBack) {
  UseInstructionSet(BestInstructionSet());
  EXPECT_EQ(InstructionSetInUse(), BestInstructionSet());
  UseInstructionSet(InstructionSet::kAvx2);
  EXPECT_EQ(&KernelsInUse(), &kernels::kAvx2Kernels);
}

// On a machine with AVX-512 the kernels differ; on one without, they are
// refused and nothing changes.
TEST(InstructionSetTest, WhatTheMachineDoesNotKnowIsRefused) {
  if (BestInstructionSet() == InstructionSet::kAvx512) {
    UseInstructionSet(InstructionSet::kAvx512);
    EXPECT_EQ(&KernelsInUse(), &kernels::kAvx512Kernels);
    UseInstructionSet(InstructionSet::kAvx2);
  } else {
    EXPECT_THROW(UseInstructionSet(InstructionSet::kAvx512), ContractError);
    EXPECT_EQ(&KernelsInUse(), &kernels::kAvx2Kernels);
  }
}

TEST(InstructionSetTest, NamesAreThoseOfTheProcessorsManual) {
  EXPECT_EQ(InstructionSetName(InstructionSet::kAvx2), "AVX2");
  EXPECT_EQ(InstructionSetName(InstructionSet::kAvx512), "AVX-512");
}

}  // namespace
}  // namespace kvlab
