#include "kit/tensor/weight_memory.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <new>
#include <thread>
#include <vector>

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
        std::size_t{65535}, std::size_t{65536}, kHugePageBytes - 1,
        kHugePageBytes, kHugePageBytes + 5, 5 * kHugePageBytes - 4097}) {
    const std::shared_ptr<std::byte> memory = AllocateWeights(bytes);
    EXPECT_TRUE(AllZero(memory.get(), bytes)) << bytes;
    std::fill_n(memory.get(), bytes, std::byte{7});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory.get()) % 64, 0U) << bytes;
  }
}

// Those of a model: one huge page holds several, and none is left over in small
// ones.
TEST(AllocateWeightsTest, BlocksFollowEachOther) {
  const std::shared_ptr<std::byte> first = AllocateWeights(300000);
  const std::shared_ptr<std::byte> second = AllocateWeights(5 * kHugePageBytes);
  const std::shared_ptr<std::byte> third = AllocateWeights(70001);
  EXPECT_EQ(second.get() - first.get(), 300032);
  EXPECT_EQ(third.get() - second.get(), 5 * kHugePageBytes);
}

TEST(AllocateWeightsTest, ABlockLivesAsLongAsItsOwner) {
  std::vector<std::shared_ptr<std::byte>> blocks;
  for (std::size_t i = 0; i < 40; ++i) {  // more than one region
    blocks.push_back(AllocateWeights(2 * kHugePageBytes + 100 * i));
    std::fill_n(blocks[i].get(), 2 * kHugePageBytes + 100 * i,
                static_cast<std::byte>(i));
    if (i % 3 == 1) blocks[i - 1].reset();
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const std::byte* const block = blocks[i].get();
    if (block == nullptr) continue;
    EXPECT_EQ(std::count(block, block + 2 * kHugePageBytes,
                         static_cast<std::byte>(i)),
              2 * kHugePageBytes);
  }
}

// What was freed does not come back as it was left.
TEST(AllocateWeightsTest, MemoryIsZeroedWhateverItWasBefore) {
  constexpr std::size_t kBytes = 3 * kHugePageBytes;
  for (int round = 0; round < 30; ++round) {
    const std::shared_ptr<std::byte> memory = AllocateWeights(kBytes);
    ASSERT_TRUE(AllZero(memory.get(), kBytes)) << round;
    std::fill_n(memory.get(), kBytes, std::byte{7});
  }
}

// In bytes, of this process.
std::size_t Resident() {
  std::ifstream file("/proc/self/statm");
  std::size_t pages = 0;
  file >> pages >> pages;
  return pages * 4096;
}

// Fifteen such blocks leave a region almost, but not quite, room for another.
TEST(AllocateWeightsTest, MemoryGoesBackWithTheLastBlock) {
  constexpr std::size_t kBytes = 2 * kHugePageBytes + 64;
  constexpr std::size_t kBlocks = 16;
  const std::size_t before = Resident();
  std::vector<std::shared_ptr<std::byte>> blocks;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    blocks.push_back(AllocateWeights(kBytes));
    std::fill_n(blocks[i].get(), kBytes, static_cast<std::byte>(i));
  }
  for (std::size_t i = 0; i < kBlocks; ++i) {
    EXPECT_EQ(std::count(blocks[i].get(), blocks[i].get() + kBytes,
                         static_cast<std::byte>(i)),
              kBytes);
  }
  EXPECT_GT(Resident(), before + kBlocks * kBytes / 2);
  blocks.clear();
  EXPECT_LT(Resident(), before + kBytes / 2);
}

TEST(AllocateWeightsTest, ThreadsGetBlocksOfTheirOwn) {
  std::vector<std::shared_ptr<std::byte>> blocks(64);
  {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&blocks, thread] {
        for (std::size_t i = thread; i < blocks.size(); i += 4) {
          blocks[i] = AllocateWeights(100000);
          std::fill_n(blocks[i].get(), 100000, static_cast<std::byte>(i));
        }
      });
    }
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    EXPECT_EQ(std::count(blocks[i].get(), blocks[i].get() + 100000,
                         static_cast<std::byte>(i)),
              100000);
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
