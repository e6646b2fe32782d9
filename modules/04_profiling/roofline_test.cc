// Keeps the promises of roofline.h, on a machine whose roofs are round numbers.
#include "modules/04_profiling/roofline.h"

#include <cstddef>
#include <cstdint>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/roofline.h"
#include "kit/work.h"

namespace kvlab {
namespace {

// 800 B/s from the first cache, 200 from the next, 50 from memory; 400 FLOP/s.
const MachineRoofs& Machine() {
  static const MachineRoofs machine = {
      .bandwidths = {{.working_set_bytes = 1000, .bytes_per_s = 800},
                     {.working_set_bytes = 10000, .bytes_per_s = 200},
                     {.working_set_bytes = 100000, .bytes_per_s = 50}},
      .flop_per_s = 400};
  return machine;
}

WorkCounts Macs(std::uint64_t macs) { return {{macs, 0, 0, 0, 0}}; }

Traffic Weights(std::uint64_t bytes) { return {.weights = bytes}; }

TEST(BandwidthForTest, IsThatOfTheSmallestSizeThatHoldsTheSet) {
  EXPECT_EQ(BandwidthFor(Machine(), 1), 800);
  EXPECT_EQ(BandwidthFor(Machine(), 1000), 800);
  EXPECT_EQ(BandwidthFor(Machine(), 1001), 200);
  EXPECT_EQ(BandwidthFor(Machine(), 10000), 200);
  EXPECT_EQ(BandwidthFor(Machine(), 99999), 50);
}

TEST(BandwidthForTest, BeyondAllIsThatOfTheLargest) {
  EXPECT_EQ(BandwidthFor(Machine(), 100000), 50);
  EXPECT_EQ(BandwidthFor(Machine(), ~std::uint64_t{0}), 50);
}

TEST(BandwidthForTest, MustHaveBeenMeasured) {
  const BandwidthAt only = {.working_set_bytes = 8, .bytes_per_s = 3};
  EXPECT_EQ(BandwidthFor({.bandwidths = {only}, .flop_per_s = 1}, 1), 3);
  EXPECT_THROW(BandwidthFor({.bandwidths = {}, .flop_per_s = 1}, 1),
               ContractError);
}

TEST(PlaceOnRooflineTest, FewFlopPerByteAreBoundByBandwidth) {
  // A decode step: every weight of 2 bytes is used for one MAC.
  const RooflinePoint point =
      PlaceOnRoofline(Machine(), Macs(2000), Weights(4000));
  EXPECT_EQ(point.flop, 4000);
  EXPECT_EQ(point.flop_per_byte, 1);
  EXPECT_EQ(point.ridge_flop_per_byte, 2);  // 400 / 200
  EXPECT_EQ(point.bound_by, Roof::kBandwidth);
  EXPECT_EQ(point.attainable_flop_per_s, 200);
  EXPECT_EQ(point.least_s, 20);  // 4000 B at 200 B/s
}

TEST(PlaceOnRooflineTest, ManyFlopPerByteAreBoundByThePeak) {
  // A prefill of 50 tokens: the same bytes, 50 times the work.
  const RooflinePoint point =
      PlaceOnRoofline(Machine(), Macs(100000), Weights(4000));
  EXPECT_EQ(point.flop_per_byte, 50);
  EXPECT_EQ(point.bound_by, Roof::kFlopPeak);
  EXPECT_EQ(point.attainable_flop_per_s, 400);
  EXPECT_EQ(point.least_s, 500);
}

TEST(PlaceOnRooflineTest, AtTheRidgeThePeakBinds) {
  const RooflinePoint point =
      PlaceOnRoofline(Machine(), Macs(4000), Weights(4000));
  EXPECT_EQ(point.flop_per_byte, point.ridge_flop_per_byte);
  EXPECT_EQ(point.bound_by, Roof::kFlopPeak);
  EXPECT_EQ(point.attainable_flop_per_s, 400);
}

TEST(PlaceOnRooflineTest, TheRidgeMovesWithTheWorkingSet) {
  // The same intensity of 1 FLOP per byte, in three places of the machine
  EXPECT_EQ(PlaceOnRoofline(Machine(), Macs(500), Weights(1000)).bound_by,
            Roof::kFlopPeak);
  EXPECT_EQ(PlaceOnRoofline(Machine(), Macs(5000), Weights(10000))
                .attainable_flop_per_s,
            200);
  EXPECT_EQ(PlaceOnRoofline(Machine(), Macs(50000), Weights(100000))
                .attainable_flop_per_s,
            50);
}

TEST(PlaceOnRooflineTest, CountsAllWorkAndAllBytes) {
  const WorkCounts work = {{1, 20, 300, 4000, 50000}};
  const Traffic traffic = {
      .weights = 3000, .cache_read = 500, .cache_written = 20};
  const RooflinePoint point = PlaceOnRoofline(Machine(), work, traffic);
  EXPECT_EQ(point.flop, 2 * 54321);
  EXPECT_DOUBLE_EQ(point.flop_per_byte, 2.0 * 54321 / 3520);
}

TEST(PlaceOnRooflineTest, NothingHasNoPlace) {
  EXPECT_THROW(PlaceOnRoofline(Machine(), Macs(0), Weights(5)), ContractError);
  EXPECT_THROW(PlaceOnRoofline(Machine(), Macs(5), Weights(0)), ContractError);
  MachineRoofs unmeasured = Machine();
  unmeasured.flop_per_s = 0;
  EXPECT_THROW(PlaceOnRoofline(unmeasured, Macs(5), Weights(5)), ContractError);
}

}  // namespace
}  // namespace kvlab
