#include "autograder/rubric/late_policy.h"

#include <chrono>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_seconds;

// 2027-01-15 22:59:00 UTC
const sys_seconds kDue = sys_seconds(seconds(1800053940));

// 10 % a day after two free days, down to 40 %.
const LatePolicy kPolicy = {.due = kDue,
                            .grace_minutes = 15,
                            .percent_per_day = 10,
                            .free_days = 2,
                            .floor_percent = 40};

double FactorAfter(seconds late) {
  return LatenessOf(kPolicy, kDue + late).factor;
}

TEST(LatePolicyTest, InTimeCostsNothing) {
  EXPECT_EQ(FactorAfter(-days(30)), 1);
  EXPECT_EQ(FactorAfter(seconds(0)), 1);
}

TEST(LatePolicyTest, GraceCostsNothingAndNoLateDay) {
  EXPECT_EQ(LatenessOf(kPolicy, kDue + minutes(15)).days_late, 0);
  EXPECT_EQ(LatenessOf(kPolicy, kDue + minutes(15) + seconds(1)).days_late, 1);
}

// Grace is no extension: whoever misses it is late from the due date on.
TEST(LatePolicyTest, DaysBegunCountFromTheDueDate) {
  EXPECT_EQ(LatenessOf(kPolicy, kDue + days(1)).days_late, 1);
  EXPECT_EQ(LatenessOf(kPolicy, kDue + days(1) + seconds(1)).days_late, 2);
}

TEST(LatePolicyTest, FreeDaysAreNotCharged) {
  EXPECT_EQ(FactorAfter(days(2)), 1);
  EXPECT_EQ(FactorAfter(days(2) + hours(1)), 0.9);
  EXPECT_EQ(FactorAfter(days(5)), 0.7);
}

TEST(LatePolicyTest, NothingGoesBelowTheFloor) {
  EXPECT_EQ(FactorAfter(days(8)), 0.4);
  EXPECT_EQ(FactorAfter(days(400)), 0.4);
}

TEST(LatePolicyTest, WithoutAFloorNothingIsLeftInTheEnd) {
  LatePolicy policy = kPolicy;
  policy.floor_percent = 0;
  EXPECT_EQ(LatenessOf(policy, kDue + days(400)).factor, 0);
}

TEST(LatePolicyTest, TheComputationIsToldInFull) {
  EXPECT_EQ(LatenessText(LatenessOf(kPolicy, kDue + days(3)), 87.5),
            "due 2027-01-15 22:59:00 UTC, submitted 2027-01-18 22:59:00 UTC: "
            "3 days late, 2 of them free; 1 x 10 % off, 90 % count; "
            "87.5 points count as 78.75");
  EXPECT_EQ(LatenessText(LatenessOf(kPolicy, kDue), 87.5),
            "due 2027-01-15 22:59:00 UTC, submitted 2027-01-15 22:59:00 UTC: "
            "in time; 87.5 points count as 87.5");
  EXPECT_EQ(LatenessText(LatenessOf(kPolicy, kDue + days(20)), 50),
            "due 2027-01-15 22:59:00 UTC, submitted 2027-02-04 22:59:00 UTC: "
            "20 days late, 2 of them free; 18 x 10 % off, but 40 % always "
            "count; 50 points count as 20");
}

}  // namespace
}  // namespace kvlab::grading
