#include "autograder/scoring/late_policy.h"

#include <chrono>
#include <string>

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

// Grace is not an extension: after it, late days count from the due date.
TEST(LatePolicyTest, DaysBegunCountFromTheDueDate) {
  EXPECT_EQ(LatenessOf(kPolicy, kDue + days(1)).days_late, 1);
  EXPECT_EQ(LatenessOf(kPolicy, kDue + days(1) + seconds(1)).days_late, 2);
}

ClockTime At(const std::string& text) { return *ParseIsoTime(text); }

long DaysLate(const std::string& due, const std::string& submitted,
              const std::string& zone = "") {
  return LatenessOf({.due = At(due), .zone = zone}, At(submitted)).days_late;
}

// The end of summer time in 2026, and the beginning in 2027.
TEST(LatePolicyTest, DaysAreThoseOfTheDueDatesOwnClock) {
  for (const std::string zone : {"", "Europe/Berlin"}) {
    const std::string saturday = "2026-10-24T23:59:00+02:00";
    EXPECT_EQ(DaysLate(saturday, "2026-10-25T23:58:00+01:00", zone), 1);
    EXPECT_EQ(DaysLate(saturday, "2026-10-25T23:59:00+01:00", zone), 1);
    EXPECT_EQ(DaysLate(saturday, "2026-10-25T23:59:01+01:00", zone), 2);
    const std::string march = "2027-03-27T23:59:00+01:00";
    EXPECT_EQ(DaysLate(march, "2027-03-28T23:59:00+02:00", zone), 1);
    EXPECT_EQ(DaysLate(march, "2027-03-28T23:59:30+02:00", zone), 2);
  }
}

// Platforms give the time in UTC or on a clock of their own.
TEST(LatePolicyTest, WithAZoneItDoesNotMatterWhoseClockWasRead) {
  for (const std::string submitted :
       {"2026-10-25T22:58:00Z", "2026-10-25T15:58:00-07:00",
        "2026-10-26T00:58:00+02:00"}) {
    EXPECT_EQ(DaysLate("2026-10-24T23:59:00+02:00", submitted, "Europe/Berlin"),
              1)
        << submitted;
  }
}

// There a clock may show UTC in winter.
TEST(LatePolicyTest, BritainHasSummerTimeToo) {
  const std::string due = "2026-10-24T23:59:00+01:00";
  EXPECT_EQ(DaysLate(due, "2026-10-25T23:59:00+00:00", "Europe/London"), 1);
  EXPECT_EQ(DaysLate(due, "2026-10-25T23:59:01+00:00", "Europe/London"), 2);
}

TEST(LatePolicyTest, WhetherItIsLateIsNoMatterOfClocks) {
  for (const std::string zone : {"", "Europe/Berlin"}) {
    EXPECT_EQ(DaysLate("2026-10-24T23:59:00+02:00", "2026-10-25T00:58:59+03:00",
                       zone),
              0);
    EXPECT_EQ(DaysLate("2026-10-25T02:30:00+02:00", "2026-10-25T02:00:00+01:00",
                       zone),
              1);
  }
}

TEST(LatePolicyTest, AZoneThatThereIsNotIsNone) {
  EXPECT_FALSE(AheadOfUtc("Europe/Atlantis", kDue));
  EXPECT_EQ(AheadOfUtc("Europe/Berlin", kDue), minutes(60));
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
