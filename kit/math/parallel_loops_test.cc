#include "kit/math/parallel_loops.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "kit/math/threads.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

// Fewer, as many and more than there are steps; most do not divide them.
constexpr std::array<std::size_t, 5> kThreads = {1, 2, 3, 6, 64};

class ParallelLoopsTest : public ::testing::Test {
 protected:
  ~ParallelLoopsTest() override { SetThreads(1); }
};

// Shapes alone: ForEachHead reads no element.
struct Shapes {
  std::size_t batch = 1;
  std::size_t heads = 1;
  std::size_t kv_heads = 1;
  std::size_t new_len = 1;
  std::size_t total_len = 1;
};

template <typename Attend>
void ForEachHeadOf(const Shapes& shapes, const Attend& attend) {
  const Tensor4 queries =
      Tensor4::from_shape({shapes.batch, shapes.heads, shapes.new_len, 2});
  const Tensor4 keys =
      Tensor4::from_shape({shapes.batch, shapes.kv_heads, shapes.total_len, 2});
  ForEachHead(queries, View(keys), attend);
}

// How many calls run at the moment.
class Running {
 public:
  explicit Running(std::atomic<int>& count) : count_(count) { ++count_; }
  ~Running() { --count_; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  std::atomic<int>& count_;
};

void WaitUntil(const std::atomic<bool>& flag) {
  while (!flag) std::this_thread::yield();
}

using ForEachHeadTest = ParallelLoopsTest;
using ForEachPieceTest = ParallelLoopsTest;

// Also with a size of 1 on either axis, and with none.
TEST_F(ForEachHeadTest, CallsEveryRowAndHeadOnceOnAnyNumberOfThreads) {
  for (const std::size_t threads : kThreads) {
    SetThreads(threads);
    for (const std::array<std::size_t, 2> sizes :
         {std::array<std::size_t, 2>{2, 6},
          {3, 5},
          {1, 4},
          {7, 1},
          {1, 1},
          {0, 4},
          {4, 0}}) {
      const auto [batch, heads] = sizes;
      std::vector<std::atomic<int>> calls(batch * heads);
      std::atomic<int> elsewhere = 0;
      ForEachHeadOf({.batch = batch, .heads = heads},
                    [&](std::size_t b, std::size_t h, Matrix) {
                      if (b < sizes[0] && h < sizes[1]) {
                        ++calls[b * sizes[1] + h];
                      } else {
                        ++elsewhere;
                      }
                    });
      for (std::size_t i = 0; i < calls.size(); ++i) {
        EXPECT_EQ(calls[i], 1)
            << "row " << i / heads << ", head " << i % heads << " of [" << batch
            << ", " << heads << "], " << threads << " threads";
      }
      EXPECT_EQ(elsewhere, 0) << "a row or a head that does not exist";
    }
  }
}

// As many rows as queries and as many columns as keys, whatever the number of
// key/value heads; every element can be written.
TEST_F(ForEachHeadTest, GivesScoresOfNewByTotal) {
  for (const std::size_t threads : kThreads) {
    SetThreads(threads);
    std::atomic<int> wrong = 0;
    ForEachHeadOf(
        {.batch = 2, .heads = 4, .kv_heads = 2, .new_len = 3, .total_len = 11},
        [&](std::size_t, std::size_t, Matrix scores) {
          if (scores.rows != 3 || scores.cols != 11) ++wrong;
          for (std::size_t i = 0; i < scores.rows; ++i) {
            for (float& score : scores.Row(i)) score = 1.0F;
          }
        });
    EXPECT_EQ(wrong, 0) << threads << " threads";
  }
}

// Each of the two writes its number, waits until the other has written, and
// then finds its own: alone, neither would return.
TEST_F(ForEachHeadTest, CallsAtTheSameTimeHaveScoresOfTheirOwn) {
  SetThreads(2);
  std::atomic<int> written = 0;
  std::array<float, 2> found = {};
  ForEachHeadOf({.heads = 2}, [&](std::size_t, std::size_t h, Matrix scores) {
    scores.Row(0)[0] = static_cast<float>(h + 1);
    ++written;
    while (written < 2) std::this_thread::yield();
    found.at(h) = scores.Row(0)[0];
  });
  EXPECT_EQ(found[0], 1.0F);
  EXPECT_EQ(found[1], 2.0F);
}

TEST_F(ForEachHeadTest, ThrowsAgainWhatACallThrows) {
  for (const std::size_t threads : kThreads) {
    SetThreads(threads);
    const std::string message = MessageOf<std::runtime_error>([] {
      ForEachHeadOf({.batch = 2, .heads = 3},
                    [](std::size_t b, std::size_t h, Matrix) {
                      if (b == 1 && h == 0) throw std::runtime_error("row 1");
                    });
    });
    EXPECT_EQ(message, "row 1") << threads << " threads";
  }
}

// Head 0 throws while head 1 runs, and head 1 takes its time afterwards.
TEST_F(ForEachHeadTest, NothingRunsAnyMoreWhenItThrows) {
  SetThreads(2);
  std::atomic<int> running = 0;
  std::atomic<bool> second_runs = false;
  std::atomic<bool> first_throws = false;
  std::atomic<bool> second_ends = false;
  EXPECT_THROW(ForEachHeadOf({.heads = 2},
                             [&](std::size_t, std::size_t h, Matrix) {
                               const Running guard(running);
                               if (h == 0) {
                                 WaitUntil(second_runs);
                                 first_throws = true;
                                 throw std::runtime_error("head 0");
                               }
                               second_runs = true;
                               WaitUntil(first_throws);
                               for (int i = 0; i < 1000; ++i) {
                                 std::this_thread::yield();
                               }
                               second_ends = true;
                             }),
               std::runtime_error);
  EXPECT_EQ(running, 0);
  EXPECT_TRUE(second_ends);
}

TEST_F(ForEachHeadTest, IsAsBeforeAfterAnException) {
  SetThreads(2);
  EXPECT_THROW(ForEachHeadOf({.heads = 2},
                             [](std::size_t, std::size_t, Matrix) {
                               throw std::runtime_error("both");
                             }),
               std::runtime_error);

  // Both at the same time again: each waits for the other.
  std::atomic<int> arrived = 0;
  ForEachHeadOf({.heads = 2}, [&](std::size_t, std::size_t, Matrix) {
    ++arrived;
    while (arrived < 2) std::this_thread::yield();
  });
  EXPECT_EQ(arrived, 2);
}

// Shorter and longer than a piece, and no multiple of one.
TEST_F(ForEachPieceTest, CoversEveryElementOnceOnAnyNumberOfThreads) {
  for (const std::size_t threads : kThreads) {
    SetThreads(threads);
    for (const std::size_t count :
         {std::size_t{0}, std::size_t{1}, kPieceLength - 1, kPieceLength,
          kPieceLength + 1, 3 * kPieceLength, 7 * kPieceLength + 5}) {
      std::vector<float> values(count, 0.0F);
      ForEachPiece(values, [](std::span<float> piece, std::span<float>) {
        for (float& value : piece) ++value;
      });
      for (std::size_t i = 0; i < count; ++i) {
        ASSERT_EQ(values[i], 1.0F) << "element " << i << " of " << count << ", "
                                   << threads << " threads";
      }
    }
  }
}

// Overwriting the buffer changes no value, not even that of another thread.
TEST_F(ForEachPieceTest, GivesABufferAsLongAsThePieceAndApartFromIt) {
  for (const std::size_t threads : kThreads) {
    SetThreads(threads);
    std::vector<float> values(7 * kPieceLength + 5);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = static_cast<float>(i);
    }
    std::atomic<int> wrong = 0;
    ForEachPiece(values, [&](std::span<float> piece, std::span<float> buffer) {
      if (buffer.size() != piece.size()) ++wrong;
      for (std::size_t i = 0; i < buffer.size(); ++i) buffer[i] = -piece[i];
      for (std::size_t i = 0; i < piece.size(); ++i) piece[i] = 2 * buffer[i];
    });
    EXPECT_EQ(wrong, 0);
    for (std::size_t i = 0; i < values.size(); ++i) {
      ASSERT_EQ(values[i], -2.0F * static_cast<float>(i))
          << "element " << i << ", " << threads << " threads";
    }
  }
}

TEST_F(ForEachPieceTest, ThrowsAgainWhatACallThrowsAndNothingRunsAnyMore) {
  for (const std::size_t threads : kThreads) {
    SetThreads(threads);
    std::vector<float> values(5 * kPieceLength, 0.0F);
    values.back() = 1.0F;
    std::atomic<int> running = 0;
    const std::string message = MessageOf<std::runtime_error>([&] {
      ForEachPiece(values, [&](std::span<float> piece, std::span<float>) {
        const Running guard(running);
        if (piece.back() == 1.0F) throw std::runtime_error("the last piece");
      });
    });
    EXPECT_EQ(message, "the last piece") << threads << " threads";
    EXPECT_EQ(running, 0) << threads << " threads";
  }
}

}  // namespace
}  // namespace kvlab
