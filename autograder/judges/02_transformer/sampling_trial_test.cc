#include "autograder/judges/02_transformer/sampling_trial.h"

#include <cmath>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

// Probabilities 1/2, 1/4, 1/8, 1/8 at temperature 1, out of order; ids 0 and 3
// are equal.
const std::vector<float> kLogits = {std::log(1.0F), std::log(4.0F),
                                    std::log(2.0F), std::log(1.0F)};

TEST(SamplingTrialTest, SlotsFallInProbabilityAndFillTheUnit) {
  const std::vector<Slot> slots = Slots(kLogits, {.temperature = 1});
  ASSERT_EQ(slots.size(), 4U);
  EXPECT_EQ(slots[0].id, 1);
  EXPECT_EQ(slots[1].id, 2);
  EXPECT_EQ(slots[2].id, 0);  // of equal ones the lowest first
  EXPECT_EQ(slots[3].id, 3);
  EXPECT_NEAR(slots[1].begin, 0.5, 1e-6);
  EXPECT_NEAR(slots[1].end, 0.75, 1e-6);
  EXPECT_NEAR(slots[3].end, 1, 1e-6);
}

TEST(SamplingTrialTest, TopKSharesTheUnitAmongThoseKept) {
  const std::vector<Slot> slots =
      Slots(kLogits, {.temperature = 1, .top_k = 2});
  ASSERT_EQ(slots.size(), 2U);
  EXPECT_NEAR(slots[0].end, 2.0 / 3, 1e-6);
}

TEST(SamplingTrialTest, TemperatureZeroKeepsTheLargest) {
  const std::vector<Slot> slots = Slots(kLogits, {.temperature = 0});
  ASSERT_EQ(slots.size(), 1U);
  EXPECT_EQ(Drawn(slots, 0.9), 1);
}

TEST(SamplingTrialTest, AChoiceNearABorderIsNotClear) {
  const std::vector<float> logits = {0, 1, 2, 3};
  const Sampling sampling = {.temperature = 1, .top_k = 2};
  const double border = Slots(logits, sampling)[0].end;
  EXPECT_TRUE(Clear(logits, sampling, border / 2, 1e-3));
  EXPECT_FALSE(Clear(logits, sampling, border + 1e-5, 1e-3));
}

TEST(SamplingTrialTest, NearlyEqualLogitsAreNotClear) {
  EXPECT_FALSE(Clear(std::vector<float>{1.0F, 1.0001F}, {}, 0.5, 1e-3));
  EXPECT_TRUE(Clear(std::vector<float>{1.0F, 1.1F}, {}, 0.5, 1e-3));
}

}  // namespace
}  // namespace kvlab::grading
