#include "kit/measure/roofline.h"

#include <cstddef>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

// A factor of six or more on an idle machine; the test checks only the order.
TEST(MeasureReadBandwidthTest, ACacheIsFasterThanMemory) {
  EXPECT_GT(MeasureReadBandwidth(16 << 10), MeasureReadBandwidth(64 << 20));
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
