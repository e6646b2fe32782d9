// Tests the contract of blocks.h.
#include "modules/09_toy/blocks.h"

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

TEST(BlocksForTest, AnyTokenLeftOverTakesABlock) {
  EXPECT_EQ(BlocksFor(32, 16), 2U);
  EXPECT_EQ(BlocksFor(33, 16), 3U);
  EXPECT_EQ(BlocksFor(47, 16), 3U);
}

TEST(BlocksForTest, NoTokensTakeNoBlock) { EXPECT_EQ(BlocksFor(0, 16), 0U); }

TEST(BlocksForTest, RefusesBlocksOfNoTokens) {
  EXPECT_THROW(BlocksFor(3, 0), ContractError);
}

TEST(EmptySlotsTest, AreThoseOfTheLastBlock) {
  EXPECT_EQ(EmptySlots(32, 16), 0U);
  EXPECT_EQ(EmptySlots(33, 16), 15U);
  EXPECT_EQ(EmptySlots(0, 7), 0U);
}

TEST(EmptySlotsTest, RefusesBlocksOfNoTokens) {
  EXPECT_THROW(EmptySlots(3, 0), ContractError);
}

}  // namespace
}  // namespace kvlab
