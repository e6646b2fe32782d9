#include "kit/measure/roofline.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

// A factor of six or more on an idle machine; the test checks only the order,
// of the best of many readings by turns: another program can slow all of the
// one kind that are taken in a row.
TEST(ReadingRoofTest, ACacheIsFasterThanMemory) {
  const ReadingRoof cache(16 << 10);
  const ReadingRoof memory(64 << 20);
  double from_cache = 0;
  double from_memory = 0;
  for (int turn = 0; turn < 10; ++turn) {
    from_cache = std::max(from_cache, cache.BytesPerSecond());
    from_memory = std::max(from_memory, memory.BytesPerSecond());
  }
  EXPECT_GT(from_cache, from_memory);
}

TEST(MeasureReadBandwidthTest, AFewBytesCannotBeTimed) {
  EXPECT_THROW(MeasureReadBandwidth(1023), ContractError);
}

// A core starts 8 to 64 float32 multiply-adds per cycle, at some GHz; a loop
// that the compiler dropped would be infinitely fast.
TEST(MeasureFlopPeakTest, IsThatOfACore) {
  const double peak = MeasureFlopPeak();
  EXPECT_GT(peak, 1e8);
  EXPECT_LT(peak, 1e12);
}

TEST(MeasureRoofsTest, HasABandwidthForEveryWorkingSet) {
  const std::vector<std::size_t> sizes = {16 << 10, 64 << 20};
  const MachineRoofs roofs = MeasureRoofs(sizes);
  ASSERT_EQ(roofs.bandwidths.size(), 2U);
  EXPECT_EQ(roofs.bandwidths[0].working_set_bytes, sizes[0]);
  EXPECT_EQ(roofs.bandwidths[1].working_set_bytes, sizes[1]);
  EXPECT_GT(roofs.bandwidths[0].bytes_per_s, 0);
  EXPECT_GT(roofs.bandwidths[1].bytes_per_s, 0);
  EXPECT_GT(roofs.flop_per_s, 1e8);
}

TEST(MeasureRoofsTest, RefusesSizesThatDoNotRise) {
  EXPECT_THROW(MeasureRoofs({}), ContractError);
  const std::vector<std::size_t> twice = {2048, 2048};
  EXPECT_THROW(MeasureRoofs(twice), ContractError);
}

}  // namespace
}  // namespace kvlab
