// What module 4's given header exact.h promises. Not among the module's own
// tests, which all fail with the stubs: these would pass.
#include "modules/04_profiling/exact.h"

#include <cstdint>
#include <limits>

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

TEST(ExactTest, IsExactUpToTheLargestNumberOf64Bits) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ((Exact(kMost - 1) + Exact(1)).Value(), kMost);
  // 3 * 5 * 17 * 257 * 65537 * 641 * 6700417 is 2^64 - 1.
  EXPECT_EQ((Exact(641) * 6700417 * 65537 * 257 * 255).Value(), kMost);
}

TEST(ExactTest, RefusesTwoToThe64AndMore) {
  const Exact half(std::uint64_t{1} << 63U);
  EXPECT_THROW((half + half).Value(), ContractError);
  EXPECT_THROW((half * 2).Value(), ContractError);
  EXPECT_THROW((half * 2 + Exact(1)).Value(), ContractError);
}

TEST(ExactTest, MayGrowBeyond64BitsOnTheWayToZero) {
  const Exact large(std::uint64_t{1} << 40U);
  EXPECT_EQ((large * large * 0).Value(), 0U);
  EXPECT_EQ((Exact(0) * large * large).Value(), 0U);
}

}  // namespace
}  // namespace kvlab
