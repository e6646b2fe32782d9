#include "kit/roofline.h"

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

// A factor of six or more in quiet; the test asks for the order alone.
TEST(MeasureReadBandwidthTest, ACacheIsFasterThanMemory) {
  EXPECT_GT(MeasureReadBandwidth(16 << 10), MeasureReadBandwidth(64 << 20));
}

TEST(MeasureReadBandwidthTest, AFewBytesCannotBeTimed) {
  EXPECT_THROW(MeasureReadBandwidth(1023), ContractError);
}

// A core starts 8 to 64 float32 multiply-adds per cycle, at some GHz; what the
// compiler had left out would be infinitely fast.
TEST(MeasureFlopPeakTest, IsThatOfACore) {
  const double peak = MeasureFlopPeak();
  EXPECT_GT(peak, 1e8);
  EXPECT_LT(peak, 1e12);
}

}  // namespace
}  // namespace kvlab
