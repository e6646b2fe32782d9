#include "autograder/class/page/item_statistics.h"

#include <cstddef>
#include <optional>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

using Shares = std::vector<std::optional<double>>;

// Eight people, the first the best: they lose a check more each.
std::vector<ItemScores> Ladder() {
  std::vector<ItemScores> items;
  for (std::size_t item = 0; item < 8; ++item) {
    ItemScores scores = {.points = 1.0 + static_cast<double>(item),
                         .shares = {}};
    for (std::size_t person = 0; person < 8; ++person) {
      scores.shares.emplace_back(person <= item ? 1.0 : 0.0);
    }
    items.push_back(scores);
  }
  return items;
}

TEST(ItemStatisticsTest, DifficultyIsTheMeanShareOfThePoints) {
  const std::vector<ItemScores> items = {
      {.points = 4, .shares = {1.0, 0.5, std::nullopt, 0.0}}};
  const ItemStatistics found = AnalyzeItems(items).front();
  EXPECT_EQ(found.judged, 3);
  EXPECT_EQ(found.lost, 2);
  EXPECT_DOUBLE_EQ(found.difficulty, 0.5);
}

TEST(ItemStatisticsTest, ACheckThatOnlyTheWeakLoseSeparates) {
  const auto found = AnalyzeItems(Ladder());
  for (std::size_t i = 0; i + 1 < found.size(); ++i) {
    ASSERT_TRUE(found[i].discrimination.has_value());
    // All pairs are right but one: without this check, the last who passed and
    // the first who lost have the same.
    const auto pairs = static_cast<double>((i + 1) * (7 - i));
    EXPECT_DOUBLE_EQ(*found[i].discrimination, 1 - 1 / pairs);
    // 8 people prove little.
    EXPECT_LT(found[i].interval.low, 0.5);
    EXPECT_GT(found[i].interval.high, *found[i].discrimination);
    EXPECT_FALSE(found[i].flag.has_value());
  }
  EXPECT_EQ(found.back().flag, ItemFlag::kNeverLost);
  EXPECT_FALSE(found.back().discrimination.has_value());
}

TEST(ItemStatisticsTest, TheCheckItselfIsNotInTheRest) {
  // One check of 100 points that nothing else agrees with: with the total it
  // would separate perfectly.
  const std::vector<ItemScores> items = {
      {.points = 100, .shares = {1.0, 0.0, 1.0, 0.0}},
      {.points = 1, .shares = {1.0, 1.0, 0.0, 0.0}}};
  EXPECT_DOUBLE_EQ(*AnalyzeItems(items)[0].discrimination, 0);
}

TEST(ItemStatisticsTest, EqualRestsCountHalf) {
  const std::vector<ItemScores> items = {{.points = 1, .shares = {1.0, 0.0}},
                                         {.points = 1, .shares = {0.5, 0.5}}};
  EXPECT_DOUBLE_EQ(*AnalyzeItems(items)[0].discrimination, 0);
}

TEST(ItemStatisticsTest, WhatWasNotJudgedIsNotInTheRest) {
  // The first person's second check is blocked: the rest is the third alone,
  // which is full.
  const std::vector<ItemScores> items = {
      {.points = 1, .shares = {1.0, 0.0}},
      {.points = 5, .shares = {std::nullopt, 1.0}},
      {.points = 1, .shares = {1.0, 0.9}}};
  EXPECT_DOUBLE_EQ(*AnalyzeItems(items)[0].discrimination, 1);
}

TEST(ItemStatisticsTest, TheIntervalIsWilsonsForTheSmallerGroup) {
  std::vector<ItemScores> items = Ladder();
  // Lost by the best two of eight: no pair is right.
  items.push_back(
      {.points = 1, .shares = {0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0}});
  const ItemStatistics found = AnalyzeItems(items).back();
  EXPECT_DOUBLE_EQ(*found.discrimination, -1);
  // Two trials without success: up to z^2 / (2 + z^2) = 0.6576.
  EXPECT_NEAR(found.interval.low, -1, 1e-9);
  EXPECT_NEAR(found.interval.high, 2 * 0.6576 - 1, 1e-3);
  EXPECT_EQ(found.flag, ItemFlag::kSeparatesLittle);
}

TEST(ItemStatisticsTest, ChecksThatTheSamePeopleLoseAgree) {
  const std::vector<ItemScores> items = {
      {.points = 1, .shares = {1.0, 0.0, 1.0, 0.0}},
      {.points = 2, .shares = {1.0, 1.0, 0.0, 0.0}},
      {.points = 3, .shares = {1.0, 0.5, 1.0, 0.2}},
      {.points = 4, .shares = {1.0, 0.0, 1.0, std::nullopt}},
      {.points = 5, .shares = {1.0, 1.0, 1.0, 1.0}},
      {.points = 6, .shares = {1.0, 1.0, 1.0, 1.0}}};
  const std::vector<std::vector<std::size_t>> expected = {{0, 2}};
  EXPECT_EQ(ItemsThatAgree(items), expected);
}

TEST(ItemStatisticsTest, NoPeopleAndNoChecks) {
  EXPECT_TRUE(AnalyzeItems({}).empty());
  const std::vector<ItemScores> items = {{.points = 1, .shares = {}}};
  EXPECT_FALSE(AnalyzeItems(items).front().flag.has_value());
  EXPECT_TRUE(ItemsThatAgree(items).empty());
}

}  // namespace
}  // namespace kvlab::grading
