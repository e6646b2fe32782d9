#include "autograder/machine/parallel/parallel.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <latch>
#include <stdexcept>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

TEST(RunInParallelTest, DoesEachJobOnce) {
  std::array<std::atomic<int>, 50> done{};
  RunInParallel(done.size(), [&](std::size_t i) { ++done[i]; });
  for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
  RunInParallel(0, [](std::size_t) { FAIL() << "there is no job"; });
}

// Each waits for the other: alone, neither would end.
TEST(RunInParallelTest, RunsTwoAtATime) {
  std::latch both(2);
  RunInParallel(2, [&](std::size_t) { both.arrive_and_wait(); });
}

TEST(RunInParallelTest, AnErrorComesOutAndTheOtherThreadGoesOn) {
  std::atomic<int> done = 0;
  EXPECT_THROW(RunInParallel(20,
                             [&](std::size_t i) {
                               if (i == 3) throw std::runtime_error("job 3");
                               ++done;
                             }),
               std::runtime_error);
  EXPECT_EQ(done, 19);
}

}  // namespace
}  // namespace kvlab::grading
