// Tests the contract of roofline.h, on a machine whose roofs are round numbers.
#include "modules/04_profiling/roofline.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/measure/roofline.h"

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

// Any number of sizes, near 1,000 bytes and far beyond 32 bits, each reached
// exactly and exceeded by one byte.
TEST(BandwidthForTest, ChangesOneByteAfterEachOfManySizes) {
  for (const std::uint64_t unit : {std::uint64_t{1000}, std::uint64_t{1} << 31U,
                                   std::uint64_t{1} << 52U}) {
    for (const std::size_t sizes : {1, 2, 5, 40}) {
      MachineRoofs machine;
      for (std::size_t i = 0; i < sizes; ++i) {
        // Bandwidths need not fall.
        machine.bandwidths.push_back(
            {.working_set_bytes = (i + 1) * unit,
             .bytes_per_s = static_cast<double>(100 + 7 * i % 11)});
      }
      EXPECT_EQ(BandwidthFor(machine, 0), 100);
      for (std::size_t i = 0; i < sizes; ++i) {
        const std::size_t next = std::min(i + 1, sizes - 1);
        EXPECT_EQ(BandwidthFor(machine, (i + 1) * unit),
                  machine.bandwidths[i].bytes_per_s);
        EXPECT_EQ(BandwidthFor(machine, (i + 1) * unit + 1),
                  machine.bandwidths[next].bytes_per_s);
      }
    }
  }
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

TEST(PlaceOnRooflineTest, ChangesAtTheRidge) {
  // 4000 bytes at 200 B/s and 400 FLOP/s: the ridge is at 4000 MACs.
  for (const std::uint64_t macs : {1, 3999, 4000, 4001, 8000}) {
    const RooflinePoint point =
        PlaceOnRoofline(Machine(), Macs(macs), Weights(4000));
    const bool peak = macs >= 4000;
    EXPECT_EQ(point.bound_by, peak ? Roof::kFlopPeak : Roof::kBandwidth)
        << macs << " MACs";
    EXPECT_DOUBLE_EQ(point.attainable_flop_per_s,
                     peak ? 400 : static_cast<double>(macs) / 10);
    EXPECT_DOUBLE_EQ(point.least_s,
                     peak ? static_cast<double>(macs) / 200 : 20);
    // The same work and bytes in parts of every kind
    if (macs < 3999) continue;
    WorkCounts work = Macs(macs - 300 * (kWorkCategories - 1));
    for (std::uint64_t& category : work.macs) {
      if (category == 0) category = 300;
    }
    const RooflinePoint parts = PlaceOnRoofline(
        Machine(), work,
        {.weights = 3400, .cache_read = 300, .cache_written = 300});
    EXPECT_EQ(parts.bound_by, point.bound_by) << macs << " MACs";
    EXPECT_EQ(parts.attainable_flop_per_s, point.attainable_flop_per_s);
  }
}

// Work of one category, bytes of one kind, sizes far beyond 32 bits: a category
// or kind that is missing, or cut off, gives a different place or none.
TEST(PlaceOnRooflineTest, TakesWorkAndBytesOfEveryKind) {
  const MachineRoofs machine = {
      .bandwidths = {{.working_set_bytes = 1000, .bytes_per_s = 64}},
      .flop_per_s = 1e9};
  for (const std::uint64_t size :
       {std::uint64_t{8}, std::uint64_t{1} << 40U, std::uint64_t{1} << 62U}) {
    for (std::size_t category = 0; category < kWorkCategories; ++category) {
      WorkCounts work;
      work.macs[category] = 2 * size;
      for (const Traffic& traffic :
           {Traffic{.weights = size}, Traffic{.cache_read = size},
            Traffic{.cache_written = size}}) {
        const RooflinePoint point = PlaceOnRoofline(machine, work, traffic);
        EXPECT_EQ(point.flop, 4 * static_cast<double>(size));
        EXPECT_EQ(point.flop_per_byte, 4);
        EXPECT_EQ(point.attainable_flop_per_s, 256);
        EXPECT_EQ(point.least_s, static_cast<double>(size) / 64);
      }
    }
  }
}

// The formulas of the header on machines with any number of bandwidths, for
// passes on either side of the ridge.
TEST(PlaceOnRooflineTest, TakesMachinesWithAnyNumberOfBandwidths) {
  for (const std::size_t sizes : {1, 2, 3, 9, 40, 70, 300}) {
    MachineRoofs machine = {.bandwidths = {}, .flop_per_s = 4096};
    for (std::size_t i = 0; i < sizes; ++i) {
      machine.bandwidths.push_back(
          {.working_set_bytes = 1024 * (i + 1),
           .bytes_per_s = 16.0 * static_cast<double>(1 + i % 7)});
    }
    for (std::size_t i = 0; i < sizes; ++i) {
      const std::uint64_t bytes = 1024 * (i + 1);
      const double bytes_per_s = 16.0 * static_cast<double>(1 + i % 7);
      for (const std::uint64_t macs_per_byte : {1, 500}) {
        const RooflinePoint point = PlaceOnRoofline(
            machine, Macs(macs_per_byte * bytes), Weights(bytes));
        const double flop_per_byte = 2.0 * static_cast<double>(macs_per_byte);
        const double attainable = std::min(4096.0, flop_per_byte * bytes_per_s);
        SCOPED_TRACE(std::to_string(sizes) + " bandwidths, " +
                     std::to_string(bytes) + " bytes");
        EXPECT_EQ(point.flop_per_byte, flop_per_byte);
        EXPECT_EQ(point.ridge_flop_per_byte, 4096 / bytes_per_s);
        EXPECT_EQ(point.attainable_flop_per_s, attainable);
        EXPECT_EQ(point.least_s, point.flop / attainable);
        EXPECT_EQ(point.bound_by, flop_per_byte * bytes_per_s >= 4096
                                      ? Roof::kFlopPeak
                                      : Roof::kBandwidth);
      }
    }
  }
}

// All three kinds together are the working set: 999 bytes of weights lie within
// the first size, with the cache's they do not.
TEST(PlaceOnRooflineTest, TheWorkingSetIsAllThatIsMoved) {
  for (const Traffic& traffic :
       {Traffic{.weights = 999, .cache_read = 2},
        Traffic{.weights = 999, .cache_written = 2},
        Traffic{.cache_read = 500, .cache_written = 501}}) {
    EXPECT_EQ(PlaceOnRoofline(Machine(), Macs(1), traffic).ridge_flop_per_byte,
              2);
  }
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
  unmeasured.bandwidths.clear();
  EXPECT_THROW(PlaceOnRoofline(unmeasured, Macs(5), Weights(5)), ContractError);
  for (const double bad :
       {0.0, -5.0, std::numeric_limits<double>::quiet_NaN()}) {
    MachineRoofs flat = Machine();
    flat.flop_per_s = bad;
    EXPECT_THROW(PlaceOnRoofline(flat, Macs(5), Weights(5)), ContractError);
    MachineRoofs still = Machine();
    still.bandwidths.front().bytes_per_s = bad;
    EXPECT_THROW(PlaceOnRoofline(still, Macs(5), Weights(5)), ContractError);
    // The bandwidth of another working set does not matter.
    EXPECT_EQ(PlaceOnRoofline(still, Macs(5), Weights(5000)).flop, 10);
  }
}

TEST(PlaceOnRooflineTest, RefusesTotalsThatWrapRound) {
  const std::uint64_t half = std::uint64_t{1} << 63U;
  EXPECT_THROW(PlaceOnRoofline(Machine(), {{half, 0, half, 0, 5}}, Weights(5)),
               ContractError);
  EXPECT_THROW(PlaceOnRoofline(Machine(), Macs(5),
                               {.weights = half, .cache_read = half}),
               ContractError);
  // And only those.
  EXPECT_EQ(PlaceOnRoofline(Machine(), Macs(5), Weights(5)).flop, 10);
}

}  // namespace
}  // namespace kvlab
