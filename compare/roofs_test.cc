#include "compare/roofs.h"

#include <cstddef>

#include "gtest/gtest.h"

namespace kvlab {
namespace {

constexpr double kSeconds = 0.02;

TEST(RoofsTest, ABufferHasTheSizeAskedForAndIsFilled) {
  const ReadBuffer buffer(1000);
  ASSERT_EQ(buffer.Values().size(), 250);
  EXPECT_EQ(buffer.Values().front(), 1.0F);
  EXPECT_EQ(buffer.Values().back(), 1.0F);
}

TEST(RoofsTest, ReadingIsTimedOnOneThreadAndOnTwo) {
  const ReadBuffer buffer(1U << 20U);
  for (const std::size_t threads : {1, 2}) {
    EXPECT_GT(MeasureReading(buffer.Values(), threads, kSeconds), 0.0);
  }
}

TEST(RoofsTest, MultiplyingIsTimedOnOneThreadAndOnTwo) {
  for (const std::size_t threads : {1, 2}) {
    EXPECT_GT(MeasureMultiplyAdd(threads, kSeconds), 0.0);
  }
}

}  // namespace
}  // namespace kvlab
