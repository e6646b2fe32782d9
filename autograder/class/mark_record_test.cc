// A report that comes back from the database is the report that went in.
#include "autograder/class/mark_record.h"

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
