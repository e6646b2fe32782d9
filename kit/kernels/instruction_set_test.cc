#include "kit/kernels/instruction_set.h"

#include <algorithm>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/kernels/kernels.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab {
namespace {

TEST(InstructionSetTest, IsTheSmallestUnlessAnotherIsChosen) {
  EXPECT_EQ(InstructionSetInUse(), SmallestInstructionSet());
}

TEST(InstructionSetTest, TheSmallestIsThatOfTheArchitecture) {
#if defined(__aarch64__)
  EXPECT_EQ(SmallestInstructionSet(), InstructionSet::kNeon);
  EXPECT_EQ(&KernelsInUse(), &kernels::kNeonKernels);
#else
  EXPECT_EQ(SmallestInstructionSet(), InstructionSet::kAvx2);
  EXPECT_EQ(&KernelsInUse(), &kernels::kAvx2Kernels);
#endif
}

TEST(InstructionSetTest, TheBestCanBeUsedAndPutBack) {
  UseInstructionSet(BestInstructionSet());
  EXPECT_EQ(InstructionSetInUse(), BestInstructionSet());
  UseInstructionSet(SmallestInstructionSet());
  EXPECT_EQ(InstructionSetInUse(), SmallestInstructionSet());
}

// Each set either has kernels of its own, or is refused and nothing changes.
TEST(InstructionSetTest, WhatTheMachineDoesNotKnowIsRefused) {
  const std::vector<InstructionSet> supported = SupportedInstructionSets();
  std::vector<const kernels::Kernels*> seen;
  for (const InstructionSet set :
       {InstructionSet::kAvx2, InstructionSet::kAvx512,
        InstructionSet::kNeon}) {
    if (std::ranges::find(supported, set) == supported.end()) {
      const kernels::Kernels& before = KernelsInUse();
      EXPECT_THROW(UseInstructionSet(set), ContractError);
      EXPECT_THROW(UseKernelsFor(ProductKind::kRows, DType::kF16, {.set = set}),
                   ContractError);
      EXPECT_EQ(&KernelsInUse(), &before);
    } else {
      UseInstructionSet(set);
      EXPECT_EQ(InstructionSetInUse(), set);
      EXPECT_EQ(std::ranges::find(seen, &KernelsInUse()), seen.end());
      seen.push_back(&KernelsInUse());
    }
  }
  EXPECT_EQ(seen.size(), supported.size());
  UseInstructionSet(SmallestInstructionSet());
}

TEST(KernelsForTest, AreThoseOfTheSetInUse) {
  for (const InstructionSet set :
       {BestInstructionSet(), SmallestInstructionSet()}) {
    UseInstructionSet(set);
    for (const ProductKind kind : {ProductKind::kPanels, ProductKind::kRows,
                                   ProductKind::kTiles, ProductKind::kHeads}) {
      EXPECT_EQ(KernelsFor(kind, DType::kF16), ProductKernels{.set = set});
    }
  }
}

// A program that pins the set means all products: marks use AVX2.
TEST(KernelsForTest, AChoiceIsForOneKindAndTypeUntilASetIsPinned) {
  const ProductKernels far = {.bytes_ahead = 16384};
  UseKernelsFor(ProductKind::kRows, DType::kF16, far);
  EXPECT_EQ(KernelsFor(ProductKind::kRows, DType::kF16), far);
  EXPECT_EQ(KernelsFor(ProductKind::kRows, DType::kF32), ProductKernels{});
  EXPECT_EQ(KernelsFor(ProductKind::kTiles, DType::kF16), ProductKernels{});
  EXPECT_EQ(InstructionSetInUse(), SmallestInstructionSet());

  UseInstructionSet(SmallestInstructionSet());
  EXPECT_EQ(KernelsFor(ProductKind::kRows, DType::kF16), ProductKernels{});
}

TEST(KindOfProductTest, DependsOnRowsAndLayout) {
  EXPECT_EQ(KindOfProduct(1, WeightLayout::kPanels), ProductKind::kPanels);
  EXPECT_EQ(KindOfProduct(12, WeightLayout::kInOut), ProductKind::kPanels);
  EXPECT_EQ(KindOfProduct(1, WeightLayout::kOutIn), ProductKind::kRows);
  EXPECT_EQ(KindOfProduct(13, WeightLayout::kOutIn), ProductKind::kTiles);
  EXPECT_EQ(KindOfProduct(500, WeightLayout::kPanels), ProductKind::kTiles);
}

TEST(InstructionSetTest, NamesAreThoseOfTheProcessorsManual) {
  EXPECT_EQ(InstructionSetName(InstructionSet::kAvx2), "AVX2");
  EXPECT_EQ(InstructionSetName(InstructionSet::kAvx512), "AVX-512");
  EXPECT_EQ(InstructionSetName(InstructionSet::kNeon), "NEON");
}

}  // namespace
}  // namespace kvlab
