#include "kit/tensor/weight_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>

#include "gtest/gtest.h"

namespace kvlab {
namespace {

bool AllZero(const std::byte* data, std::size_t bytes) {
  return std::all_of(data, data + bytes,
                     [](std::byte b) { return b == std::byte{0}; });
}

// Around a cache line, a page and a huge page.
TEST(AllocateWeightsTest, GivesZeroedMemoryThatCanBeWrittenToItsEnd) {
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{64}, std::size_t{4097},
        kHugePageBytes - 1, kHugePageBytes, kHugePageBytes + 5,
        5 * kHugePageBytes - 4097}) {
    const std::shared_ptr<std::byte> memory = AllocateWeights(bytes);
    EXPECT_TRUE(AllZero(memory.get(), bytes)) << bytes;
    std::fill_n(memory.get(), bytes, std::byte{7});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.get()) % 64, 0U) << bytes;
  }
}

TEST(AllocateWeightsTest, WhatFillsAHugePageBeginsAtOne) {
  for (const std::size_t bytes : {kHugePageBytes, 2 * kHugePageBytes + 1}) {
    const std::shared_ptr<std::byte> memory = AllocateWeights(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.get()) % kHugePageBytes,
              0U);
  }
}

TEST(AllocateWeightsTest, WhatNobodyHasIsRefused) {
  EXPECT_THROW(AllocateWeights(std::numeric_limits<std::size_t>::max() / 4),
               std::bad_alloc);
  EXPECT_THROW(AllocateWeights(std::numeric_limits<std::size_t>::max() - 1),
               std::bad_alloc);
}

}  // namespace
}  // namespace kvlab
