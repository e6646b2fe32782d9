// The cost of a prompt and of a decode step in the reference:
// multiply-accumulates, bytes copied and allocations. These counts are the same
// on every machine and in every run, so they are compared exactly. If one
// grows, find out why; if one shrinks, write the new count here.
#include <cstddef>
#include <cstdint>

#include "autograder/proof/reference_counts/reference_run.h"
#include "gtest/gtest.h"
#include "kit/math/work.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/copy.h"
#include "kit/testing/testing.h"
#include "modules/03_memoization/allocation_counter.h"

namespace kvlab {
namespace {

constexpr std::size_t kPrompt = 64;

// Counted with the libstdc++ and xtensor of Debian 12.
constexpr std::uint64_t kAllocationsOfPrefill = 70;
constexpr std::uint64_t kBytesOfPrefill = 5381376;
constexpr std::uint64_t kAllocationsOfStep = 70;
constexpr std::uint64_t kBytesOfStep = 91156;

struct Counts {
  WorkCounts work;
  std::uint64_t copied_bytes = 0;
  std::uint64_t allocations = 0;
  std::uint64_t allocated_bytes = 0;
};

Counts CountsOf(ReferenceRun& run, std::size_t tokens) {
  const WorkCounts work = CountedWork();
  const std::uint64_t copied = CopiedBytes();
  const std::uint64_t allocations = AllocationCount();
  const std::uint64_t allocated = AllocatedBytes();
  run.Feed(tokens);
  return {.work = CountedWork() - work,
          .copied_bytes = CopiedBytes() - copied,
          .allocations = AllocationCount() - allocations,
          .allocated_bytes = AllocatedBytes() - allocated};
}

// A pass over `tokens` new tokens behind `past` others, in closed form.
void ExpectWork(const Gpt2Config& config, const WorkCounts& work,
                std::uint64_t past, std::uint64_t tokens) {
  const std::uint64_t d = config.d_model;
  const std::uint64_t layers = config.num_layers;
  EXPECT_EQ(work[Work::kQkv], layers * tokens * d * 3 * d);
  EXPECT_EQ(work[Work::kProjection], layers * tokens * d * d);
  EXPECT_EQ(work[Work::kMlp], layers * tokens * 2 * d * config.d_mlp);
  // Scores and weighted sums, the masked half included.
  EXPECT_EQ(work[Work::kAttention], layers * 2 * tokens * (past + tokens) * d);
  EXPECT_EQ(work[Work::kHead], d * config.vocab_size);
}

// Keys and values of each new token, once.
std::uint64_t NewCacheBytes(const Gpt2Config& config, std::uint64_t tokens) {
  return config.num_layers * 2 * tokens * config.d_model * sizeof(float);
}

class ReferenceCountsTest : public ::testing::Test {
 protected:
  ReferenceRun run_{TestData("models/shakespeare-gpt2")};
};

TEST_F(ReferenceCountsTest, APrefillDoesEachProductOnce) {
  const Counts prefill = CountsOf(run_, kPrompt);
  ExpectWork(run_.Config(), prefill.work, 0, kPrompt);
  EXPECT_EQ(prefill.copied_bytes, NewCacheBytes(run_.Config(), kPrompt));
}

TEST_F(ReferenceCountsTest, AStepDoesTheWorkOfOneTokenWhateverLiesBeforeIt) {
  run_.Feed(kPrompt);
  for (const std::uint64_t past : {kPrompt, kPrompt + 1}) {
    const Counts step = CountsOf(run_, 1);
    ExpectWork(run_.Config(), step.work, past, 1);
    EXPECT_EQ(step.copied_bytes, NewCacheBytes(run_.Config(), 1));
  }
}

TEST_F(ReferenceCountsTest, APrefillAllocatesItsActivationsAndNoMore) {
  const Counts prefill = CountsOf(run_, kPrompt);
  EXPECT_EQ(prefill.allocations, kAllocationsOfPrefill);
  EXPECT_EQ(prefill.allocated_bytes, kBytesOfPrefill);
}

TEST_F(ReferenceCountsTest, AStepAllocatesTheSameWhereverItStands) {
  run_.Feed(kPrompt);
  const Counts first = CountsOf(run_, 1);
  EXPECT_EQ(first.allocations, kAllocationsOfStep);
  EXPECT_EQ(first.allocated_bytes, kBytesOfStep);
  run_.Feed(100);
  const Counts later = CountsOf(run_, 1);
  EXPECT_EQ(later.allocations, first.allocations);
  // A score for each of the 101 tokens that have come since, in each layer.
  EXPECT_EQ(later.allocated_bytes - first.allocated_bytes,
            run_.Config().num_layers * 101 * sizeof(float));
}

}  // namespace
}  // namespace kvlab
