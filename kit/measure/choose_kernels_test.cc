#include "kit/measure/choose_kernels.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "kit/kernels/instruction_set.h"
#include "kit/math/linear_algebra.h"
#include "kit/math/work.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

constexpr std::uint64_t kSeed = 9;

// A model whose matrices are in panels, as LoadGpt2 leaves them.
Gpt2Weights ModelOfWidth(std::size_t width) {
  Random random(kSeed);
  Gpt2Weights weights = RandomGpt2Weights(random, {.num_layers = 1,
                                                   .num_heads = 1,
                                                   .d_model = width,
                                                   .d_mlp = 4 * width,
                                                   .max_positions = 8,
                                                   .vocab_size = 4096});
  for (BlockWeights& block : weights.blocks) {
    for (LinearWeights* const linear : {&block.attn.c_attn, &block.attn.c_proj,
                                        &block.mlp.c_fc, &block.mlp.c_proj}) {
      linear->weight = linear->weight.InPanels();
    }
  }
  return weights;
}

class ChooseKernelsTest : public ::testing::Test {
 protected:
  void TearDown() override { UseInstructionSet(SmallestInstructionSet()); }
};

TEST_F(ChooseKernelsTest, UsesWhatItChose) {
  const std::vector<ChosenKernels> choices = ChooseKernels(ModelOfWidth(192));
  // Panels, the tied head by rows, and tiles; all in F32.
  ASSERT_EQ(choices.size(), 3U);
  for (const ChosenKernels& choice : choices) {
    EXPECT_EQ(choice.type, DType::kF32);
    EXPECT_EQ(KernelsFor(choice.kind, choice.type), choice.kernels);
  }
  EXPECT_EQ(InstructionSetInUse(), BestInstructionSet());
}

// The keys and values of a cache that no loaded matrix tells about.
TEST_F(ChooseKernelsTest, AModelWithALongContextChoosesForItsCacheToo) {
  Random random(kSeed);
  const Gpt2Weights weights = RandomGpt2Weights(random, {.num_layers = 2,
                                                         .num_heads = 3,
                                                         .d_model = 96,
                                                         .d_mlp = 96,
                                                         .max_positions = 4096,
                                                         .vocab_size = 32});
  const std::vector<ChosenKernels> choices = ChooseKernels(weights);
  ASSERT_EQ(choices.size(), 1U);
  EXPECT_EQ(choices[0].kind, ProductKind::kHeads);
  EXPECT_EQ(choices[0].kernels.set, BestInstructionSet());
  EXPECT_EQ(KernelsFor(ProductKind::kHeads, DType::kF32), choices[0].kernels);
}

// So that a tiny model gives the same bits each time.
TEST_F(ChooseKernelsTest, AModelWithLittleToReadKeepsTheDefault) {
  EXPECT_TRUE(ChooseKernels(ModelOfWidth(16)).empty());
  EXPECT_EQ(KernelsFor(ProductKind::kPanels, DType::kF32),
            ProductKernels{.set = BestInstructionSet()});
}

TEST_F(ChooseKernelsTest, CountsNoWork) {
  const Gpt2Weights weights = ModelOfWidth(192);
  const WorkCounts before = CountedWork();
  ChooseKernels(weights);
  EXPECT_EQ(CountedWork(), before);
}

// Marks must not depend on the machine: a program that pins AVX2 has its bits,
// whatever was chosen before. And the distance changes none.
TEST_F(ChooseKernelsTest, PinnedBitsDoNotDependOnTheChoice) {
  const Gpt2Weights weights = ModelOfWidth(192);
  const WeightMatrix& panels = weights.blocks[0].attn.c_attn.weight;
  Random random(kSeed);
  const Tensor2 x = RandomTensor2(random, {1, panels.In()});
  const auto product = [&](const WeightMatrix& weight) {
    Tensor2 out = Tensor2::from_shape({1, weight.Out()});
    Linear(Work::kHead, Rows(x), weight, {}, Rows(out));
    return out;
  };
  const Tensor2 panels_before = product(panels);
  const Tensor2 head_before = product(weights.lm_head);

  ChooseKernels(weights);
  UseInstructionSet(SmallestInstructionSet());
  EXPECT_TRUE(Near(product(panels), panels_before, 0.0F));
  EXPECT_TRUE(Near(product(weights.lm_head), head_before, 0.0F));

  const Tensor2 keys = RandomTensor2(random, {40, 64});
  const Tensor2 query = RandomTensor2(random, {1, 64});
  const auto attend = [&] {
    Tensor2 scores = Tensor2::from_shape({1, 40});
    Tensor2 out = Tensor2::from_shape({1, 64});
    MatMulTransposed(Work::kAttention, Rows(query), Rows(keys), Rows(scores));
    MatMul(Work::kAttention, Rows(scores), Rows(keys), Rows(out));
    return out;
  };
  const Tensor2 attended_before = attend();
  for (const std::uint32_t ahead : {0U, 2048U, 16384U}) {
    UseKernelsFor(ProductKind::kPanels, DType::kF32, {.bytes_ahead = ahead});
    UseKernelsFor(ProductKind::kRows, DType::kF32, {.bytes_ahead = ahead});
    UseKernelsFor(ProductKind::kHeads, DType::kF32, {.bytes_ahead = ahead});
    EXPECT_TRUE(Near(attend(), attended_before, 0.0F));
    EXPECT_TRUE(Near(product(panels), panels_before, 0.0F));
    EXPECT_TRUE(Near(product(weights.lm_head), head_before, 0.0F));
  }
}

// Made-up speeds, from here on.

TEST(FastestKernelsTest, WithoutADifferenceTheDefaultStays) {
  const auto speed = [](const ProductKernels&) { return 10.0; };
  EXPECT_EQ(FastestKernels(ProductKind::kRows, speed),
            ProductKernels{.set = BestInstructionSet()});
}

// The tied head in F16 on a Xeon.
TEST(FastestKernelsTest, TheNarrowerSetIsChosenWhereItIsFaster) {
  const auto speed = [](const ProductKernels& kernels) {
    return kernels.set == SmallestInstructionSet() ? 15.1 : 10.0;
  };
  for (const ProductKind kind : {ProductKind::kRows, ProductKind::kTiles}) {
    EXPECT_EQ(FastestKernels(kind, speed), ProductKernels{});
  }
}

TEST(FastestKernelsTest, TheDistanceIsThatOfTheChosenSet) {
  const auto speed = [](const ProductKernels& kernels) {
    return (kernels.set == SmallestInstructionSet() ? 15.0 : 10.0) +
           (kernels.bytes_ahead == 4096 ? 2.0 : 0.0);
  };
  EXPECT_EQ(FastestKernels(ProductKind::kPanels, speed),
            ProductKernels{.bytes_ahead = 4096});
}

TEST(FastestKernelsTest, TheHardwareMayPrefetchBetter) {
  const auto speed = [](const ProductKernels& kernels) {
    return kernels.bytes_ahead == 0 ? 32.2 : 26.2;
  };
  for (const ProductKind kind :
       {ProductKind::kPanels, ProductKind::kRows, ProductKind::kHeads}) {
    EXPECT_EQ(FastestKernels(kind, speed),
              (ProductKernels{.set = BestInstructionSet(), .bytes_ahead = 0}));
  }
}

TEST(FastestKernelsTest, HeadsKeepTheWidestSet) {
  const auto speed = [](const ProductKernels& kernels) {
    return kernels.set == SmallestInstructionSet() ? 15.0 : 10.0;
  };
  EXPECT_EQ(FastestKernels(ProductKind::kHeads, speed),
            ProductKernels{.set = BestInstructionSet()});
}

TEST(FastestKernelsTest, TilesHaveNoDistance) {
  const auto speed = [](const ProductKernels& kernels) {
    return static_cast<double>(kernels.bytes_ahead);
  };
  EXPECT_EQ(FastestKernels(ProductKind::kTiles, speed),
            ProductKernels{.set = BestInstructionSet()});
}

// A turn is disturbed by up to a fifth, and each fifth one by a half.
TEST(FastestKernelsTest, NoiseDoesNotChangeTheChoice) {
  Random random(kSeed);
  const auto noise = [&] {
    return random.NextBelow(5) == 0 ? random.NextUniform(0.5F, 1.0F)
                                    : random.NextUniform(0.8F, 1.0F);
  };
  int displaced = 0;
  int missed = 0;
  constexpr int kTrials = 200;
  for (int trial = 0; trial < kTrials; ++trial) {
    const ProductKernels even = FastestKernels(
        ProductKind::kRows, [&](const ProductKernels&) { return noise(); });
    displaced += even == ProductKernels{.set = BestInstructionSet()} ? 0 : 1;
    const ProductKernels best =
        FastestKernels(ProductKind::kRows, [&](const ProductKernels& kernels) {
          return noise() * (kernels.bytes_ahead == 4096 ? 1.5 : 1.0);
        });
    missed += best.bytes_ahead == 4096 ? 0 : 1;
  }
  EXPECT_LE(displaced, kTrials / 10) << "seed " << kSeed;
  EXPECT_LE(missed, kTrials / 10) << "seed " << kSeed;
}

TEST(ChosenKernelsTextTest, NamesKindTypeSetAndDistance) {
  EXPECT_EQ(
      ChosenKernelsText({ProductKind::kRows,
                         DType::kF16,
                         {.set = InstructionSet::kAvx2, .bytes_ahead = 2048}}),
      "rows in F16: AVX2, 2 KiB ahead");
  EXPECT_EQ(
      ChosenKernelsText({ProductKind::kHeads,
                         DType::kF32,
                         {.set = InstructionSet::kAvx512, .bytes_ahead = 0}}),
      "keys and values in F32: AVX-512, prefetched by hardware");
  EXPECT_EQ(
      ChosenKernelsText(
          {ProductKind::kTiles, DType::kF16, {.set = InstructionSet::kAvx2}}),
      "tiles in F16: AVX2");
}

}  // namespace
}  // namespace kvlab
