// A report that comes back from the database is the report that went in.
#include "autograder/class/mark_record.h"

#include <optional>
#include <string>

#include "autograder/report/html_report.h"
#include "autograder/report/report.h"
#include "autograder/report/sample_report.h"
#include "autograder/report/text_report.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

RestoredReport Roundtrip(const Sample& sample) {
  RestoredReport restored =
      Restore(RubricRecord(*sample.rubric), MarksRecord(sample.report));
  restored.report.name = sample.report.name;
  restored.report.lateness = sample.report.lateness;
  restored.report.revealed = sample.report.revealed;
  return restored;
}

TEST(MarkRecordTest, NothingThatAReportShowsIsLost) {
  for (const Sample& sample : {MixedSample(), PerfectSample(), BonusSample(),
                               BrokenSample(), ConcealedSample()}) {
    const RestoredReport restored = Roundtrip(sample);
    EXPECT_EQ(FullText(restored.report), FullText(sample.report));
    EXPECT_EQ(InstructorText(restored.report), InstructorText(sample.report));
    EXPECT_EQ(HtmlReport(restored.report), HtmlReport(sample.report));
    EXPECT_EQ(restored.report.Points(), sample.report.Points());
    EXPECT_EQ(RubricRecord(*restored.rubric), RubricRecord(*sample.rubric));
    EXPECT_EQ(MarksRecord(restored.report), MarksRecord(sample.report));
  }
}

TEST(MarkRecordTest, EveryTimedPairIsKept) {
  Sample sample = MixedSample();
  auto& speedup = sample.Mark(2, 0).measurements.speedups.at(0);
  speedup.timed = {{.baseline = 1.5, .student = 0.25, .reference = 0.125},
                   {.baseline = 1.625, .student = 0.1, .reference = 1e-7}};
  const RestoredReport restored = Roundtrip(sample);
  const auto& timed = restored.report.marks.parts[2]
                          .tasks[0]
                          .checks[0]
                          .measurements.speedups.at(0)
                          .timed;
  ASSERT_EQ(timed.size(), 2U);
  EXPECT_EQ(timed[0].baseline, 1.5);
  EXPECT_EQ(timed[0].student, 0.25);
  EXPECT_EQ(timed[1].student, 0.1);
  EXPECT_EQ(timed[1].reference, 1e-7);
}

TEST(MarkRecordTest, WhatOtherChecksDependOnIsKept) {
  Sample sample = MixedSample();
  sample.Mark(0, 1).facts = {.affordable = false,
                             .own_fault = true,
                             .timed_out = true,
                             .waited_seconds = 1.25};
  const RestoredReport restored = Roundtrip(sample);
  const auto& checks = restored.report.marks.parts[0].tasks[0].checks;
  EXPECT_EQ(checks[1].facts.affordable, false);
  EXPECT_TRUE(checks[1].facts.own_fault);
  EXPECT_TRUE(checks[1].facts.timed_out);
  EXPECT_EQ(checks[1].facts.waited_seconds, 1.25);
  EXPECT_EQ(checks[0].facts.affordable, std::nullopt);
}

TEST(MarkRecordTest, AllThatARubricJudgesByIsKept) {
  Sample sample = MixedSample();
  RubricCheck& check = sample.rubric->parts[0].tasks[0].checks[1];
  check.needs = {"first"};
  check.follows = {"first", "1.1"};
  check.alone = 0.25;
  check.affordable = {"first"};
  check.settings = {{"tolerance", 1e-5}, {"cases", 3}};
  check.tiers = {{.at_least = 5, .share = 1}, {.at_least = 2.5, .share = 0.5}};
  sample.rubric->limits.call.seconds = 7.5;
  sample.rubric->parts[0].tasks[0].measures = {"1.0"};
  const RestoredReport restored = Roundtrip(sample);
  EXPECT_TRUE(restored.is_complete);
  EXPECT_EQ(RubricRecord(*restored.rubric), RubricRecord(*sample.rubric));
  const RubricCheck& again = restored.rubric->parts[0].tasks[0].checks[1];
  EXPECT_EQ(again.settings, check.settings);
  EXPECT_EQ(again.tiers.at(1).at_least, 2.5);
  EXPECT_EQ(again.follows, check.follows);
  EXPECT_EQ(restored.rubric->limits.call.seconds, 7.5);
}

// As version 2026.2 wrote them.
TEST(MarkRecordTest, RecordsWithoutSettingsAndFactsCanBeRead) {
  const RestoredReport restored = Restore(
      R"({"most_bonus":0,"parts":[{"title":"P","judged":0,"module":"m",
          "bonus":false,"tasks":[{"id":"1.1","title":"T","checks":[
          {"name":"a","run":"a","title":"A","points":2,"asked":"","why":"",
           "where":"","visibility":"visible"}]}]}]})",
      R"({"seed":1,"isolation":"full","graded_at":"","build_seconds":0,
          "check_seconds":0,"answered_as":"","out_of_time":false,
          "notices":[],"parts":[{"part":"P","trouble":"","tasks":[
          {"task":"1.1","checks":[{"check":"a","run":true,"points":2,
           "blocked":false,"alone":false,"came_back":"","follows":"",
           "cause":"","measured":"","seconds":1,"speedups":[],
           "cache_memory":[]}]}]}]})");
  EXPECT_FALSE(restored.is_complete);
  EXPECT_EQ(restored.report.marks.Points(), 2);
}

TEST(MarkRecordTest, BlockedChecksStayBlocked) {
  Sample sample = PerfectSample();
  sample.Mark(0, 1).blocked = true;
  sample.Mark(0, 1).points = 0;
  EXPECT_EQ(Roundtrip(sample).report.marks.BlockedPoints(), 2);
}

TEST(MarkRecordTest, TheLargestSeedAndBytesOfAnyKind) {
  Sample sample = HostileSample();
  sample.report.seed = 18446744073709551615U;
  sample.report.notices.emplace_back("not UTF-8: \xFF");
  const RestoredReport restored = Roundtrip(sample);
  EXPECT_EQ(restored.report.seed, 18446744073709551615U);
  EXPECT_EQ(restored.report.notices.back(), "not UTF-8: \uFFFD");
}

TEST(MarkRecordTest, MarksOfAnotherRubricAreRefused) {
  const Sample sample = MixedSample();
  Sample other = MixedSample();
  other.rubric->parts[0].tasks[0].checks[0].name = "another";
  EXPECT_THROW(Restore(RubricRecord(*other.rubric), MarksRecord(sample.report)),
               DataError);
  EXPECT_THROW(Restore("{}", "{}"), DataError);
  EXPECT_THROW(Restore("", "{"), DataError);
}

}  // namespace
}  // namespace kvlab::grading
