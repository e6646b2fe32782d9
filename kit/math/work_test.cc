#include "kit/math/work.h"

#include <cstddef>
#include <cstdint>
#include <limits>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

TEST(CountedWorkTest, KeepsTheCategoriesApart) {
  const WorkCounts before = CountedWork();
  CountMacs(Work::kQkv, 1);
  CountMacs(Work::kAttention, 20);
  CountMacs(Work::kProjection, 300);
  CountMacs(Work::kMlp, 4000);
  CountMacs(Work::kHead, 50000);
  CountMacs(Work::kAttention, 20);
  const WorkCounts counted = CountedWork() - before;
  EXPECT_EQ(counted[Work::kQkv], 1U);
  EXPECT_EQ(counted[Work::kAttention], 40U);
  EXPECT_EQ(counted[Work::kProjection], 300U);
  EXPECT_EQ(counted[Work::kMlp], 4000U);
  EXPECT_EQ(counted[Work::kHead], 50000U);
  EXPECT_EQ(counted.Total(), 54341U);
}

TEST(WorkCountsTest, AddUpCategoryByCategory) {
  const WorkCounts a = {{1, 2, 3, 4, 5}};
  const WorkCounts b = {{10, 20, 30, 40, 50}};
  EXPECT_EQ(a + b, (WorkCounts{{11, 22, 33, 44, 55}}));
  const WorkCounts huge = {{0, 0, std::numeric_limits<std::uint64_t>::max()}};
  EXPECT_EQ((huge + WorkCounts{}), huge);
  EXPECT_THROW(huge + a, ContractError);
}

TEST(WorkCountsTest, RefuseATotalThatWouldWrapRound) {
  const std::uint64_t half = std::uint64_t{1} << 63U;
  EXPECT_EQ((WorkCounts{{half, half - 1, 0, 0, 0}}.Total()), 2 * half - 1);
  EXPECT_THROW((WorkCounts{{half, 0, half, 0, 0}}.Total()), ContractError);
}

TEST(CountedWorkTest, LosesNothingBetweenThreads) {
  const WorkCounts before = CountedWork();
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < 4; ++t) {
    threads.emplace_back([] {
      for (std::size_t i = 0; i < 10000; ++i) CountMacs(Work::kMlp, 3);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ((CountedWork() - before)[Work::kMlp], 4U * 10000 * 3);
}

TEST(WorkNameTest, NamesEveryCategory) {
  EXPECT_EQ(WorkName(Work::kQkv), "qkv");
  EXPECT_EQ(WorkName(Work::kAttention), "attention");
  EXPECT_EQ(WorkName(Work::kProjection), "projection");
  EXPECT_EQ(WorkName(Work::kMlp), "mlp");
  EXPECT_EQ(WorkName(Work::kHead), "head");
}

// Counting backwards would hide work.
TEST(CountedWorkTest, OnlyGrows) {
  const WorkCounts before = CountedWork();
  EXPECT_THROW(CountMacs(Work::kQkv, 0 - std::uint64_t{1}), ContractError);
  EXPECT_THROW(CountMacs(Work::kQkv, std::uint64_t{1} << 48U), ContractError);
  EXPECT_EQ(CountedWork(), before);
}

}  // namespace
}  // namespace kvlab
