#include "autograder/scoring/iso_time.h"

#include <string>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

std::string InUtc(const std::string& text) {
  const auto time = ParseIsoTime(text);
  return time ? TimeText(time->time) : "refused";
}

TEST(IsoTimeTest, TheZoneCounts) {
  EXPECT_EQ(InUtc("2027-01-15T23:59:00+01:00"), "2027-01-15 22:59:00 UTC");
  EXPECT_EQ(InUtc("2027-01-15T23:59:00-0530"), "2027-01-16 05:29:00 UTC");
  EXPECT_EQ(InUtc("2027-01-15T23:59:00Z"), "2027-01-15 23:59:00 UTC");
}

TEST(IsoTimeTest, TheClockIsRemembered) {
  EXPECT_EQ(TimeText(*ParseIsoTime("2027-01-15T23:59:00+01:00")),
            "2027-01-15 23:59:00 +01:00");
  EXPECT_EQ(TimeText(*ParseIsoTime("2018-07-01T14:22:32.365935-07:00")),
            "2018-07-01 14:22:32 -07:00");
  EXPECT_EQ(TimeText(*ParseIsoTime("2027-01-15T23:59:00-03:30")),
            "2027-01-15 23:59:00 -03:30");
}

TEST(IsoTimeTest, SecondsMayBeLeftOutAndTheirFractionsDoNotCount) {
  EXPECT_EQ(InUtc("2027-01-15T23:59Z"), "2027-01-15 23:59:00 UTC");
  EXPECT_EQ(InUtc("2027-01-15 23:59:07.999999Z"), "2027-01-15 23:59:07 UTC");
}

TEST(IsoTimeTest, KnowsLeapYears) {
  EXPECT_EQ(InUtc("2028-02-29T00:00Z"), "2028-02-29 00:00:00 UTC");
  EXPECT_EQ(InUtc("2027-02-29T00:00Z"), "refused");
}

TEST(IsoTimeTest, NoYearIsTooFar) {
  EXPECT_EQ(InUtc("9999-12-31T23:59:59Z"), "9999-12-31 23:59:59 UTC");
  EXPECT_EQ(InUtc("0001-01-01T00:00Z"), "0001-01-01 00:00:00 UTC");
}

TEST(IsoTimeTest, RefusesWhatIsNoTime) {
  for (const std::string text :
       {"", "yesterday", "2027-01-15", "2027-01-15T23:59", "2027-13-01T00:00Z",
        "2027-01-32T00:00Z", "2027-01-00T00:00Z", "2027-01-15T24:00Z",
        "2027-01-15T23:60Z", "2027-01-15T23:59:60Z", "2027-1-15T23:59Z",
        "2027-01-15T23:59Z ", "2027-01-15T23:59:Z", "15.1.2027 23:59",
        "2027-01-15T23:59+1", "+027-01-15T23:59Z", "2027-01-15T23:59+24:00",
        "2027-01-15T23:59+01:60"}) {
    EXPECT_EQ(InUtc(text), "refused") << text;
  }
}

}  // namespace
}  // namespace kvlab::grading
