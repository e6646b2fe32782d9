#include "autograder/machine/abreast/abreast.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <latch>
#include <stdexcept>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

TEST(RunAbreastTest, DoesEachJobOnce) {
  std::array<std::atomic<int>, 50> done{};
  RunAbreast(done.size(), [&](std::size_t i) { ++done[i]; });
  for (const std::atomic<int>& times : done) EXPECT_EQ(times, 1);
  RunAbreast(0, [](std::size_t) { FAIL() << "there is no job"; });
}

// Each waits for the other: alone, neither would end.
TEST(RunAbreastTest, RunsTwoAtATime) {
  std::latch both(2);
  RunAbreast(2, [&](std::size_t) { both.arrive_and_wait(); });
}

TEST(RunAbreastTest, AnErrorComesOutAndTheOtherThreadGoesOn) {
  std::atomic<int> done = 0;
  EXPECT_THROW(RunAbreast(20,
                          [&](std::size_t i) {
                            if (i == 3) throw std::runtime_error("job 3");
                            ++done;
                          }),
               std::runtime_error);
  EXPECT_EQ(done, 19);
}

}  // namespace
}  // namespace kvlab::grading
