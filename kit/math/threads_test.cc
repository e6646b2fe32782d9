#include "kit/math/threads.h"

#include <atomic>
#include <cstddef>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

class ThreadsTest : public ::testing::Test {
 protected:
  ~ThreadsTest() override { SetThreads(1); }
};

TEST_F(ThreadsTest, ThereIsOneUnlessMoreAreAskedFor) {
  EXPECT_EQ(Threads(), 1U);
}

TEST_F(ThreadsTest, NoneAndTooManyAreRefusedAndChangeNothing) {
  SetThreads(3);
  EXPECT_THROW(SetThreads(0), ContractError);
  EXPECT_THROW(SetThreads(kMostThreads + 1), ContractError);
  EXPECT_EQ(Threads(), 3U);
}

// Also with fewer items than threads, or none.
TEST_F(ThreadsTest, TheRangesMakeUpTheWholeAndOverlapNowhere) {
  for (const std::size_t threads : {1, 2, 3, 7}) {
    SetThreads(threads);
    for (const std::size_t count : {0, 1, 2, 6, 7, 100}) {
      std::vector<std::atomic<int>> visits(count);
      ForRanges(count, [&](std::size_t begin, std::size_t end) {
        for (std::size_t i = begin; i < end; ++i) ++visits[i];
      });
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_EQ(visits[i], 1) << i << " of " << count << ", " << threads;
      }
    }
  }
}

// Each of the two waits until the other has come: alone, neither would return.
TEST_F(ThreadsTest, TheyRunAtTheSameTime) {
  SetThreads(2);
  std::atomic<int> arrived = 0;
  std::mutex mutex;
  std::set<std::thread::id> who;
  ForRanges(2, [&](std::size_t begin, std::size_t end) {
    EXPECT_EQ(end - begin, 1U);
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    who.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(who.size(), 2U);
}

TEST_F(ThreadsTest, WhatOneOfThemThrowsComesOut) {
  SetThreads(2);
  const std::string message = MessageOf<std::runtime_error>([] {
    ForRanges(2, [](std::size_t begin, std::size_t) {
      if (begin == 1) throw std::runtime_error("from the second");
    });
  });
  EXPECT_EQ(message, "from the second");
}

TEST_F(ThreadsTest, WithinARangeNothingIsSplitAgain) {
  SetThreads(2);
  std::atomic<int> inner = 0;
  ForRanges(2, [&](std::size_t, std::size_t) {
    ForRanges(10, [&](std::size_t begin, std::size_t end) {
      EXPECT_EQ(begin, 0U);
      EXPECT_EQ(end, 10U);
      ++inner;
    });
  });
  EXPECT_EQ(inner, 2);
}

}  // namespace
}  // namespace kvlab
