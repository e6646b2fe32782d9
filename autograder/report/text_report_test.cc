#include "autograder/report/text_report.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <regex>
#include <sstream>
#include <string>
#include <vector>

#include "autograder/report/check_rows.h"
#include "autograder/report/course_version.h"
#include "autograder/report/sample_report.h"
#include "autograder/scoring/late_policy.h"
#include "fmt/format.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(TextReportTest, TheFullTextSaysWhatIsToBeDone) {
  const std::string text = FullText(MixedSample().report);
  EXPECT_TRUE(Has(text, "alice")) << text;
  EXPECT_TRUE(Has(text, "3.5 of 21")) << text;
  EXPECT_TRUE(Has(text, "asked       What was asked.\n")) << text;
  EXPECT_TRUE(Has(text, "came back   NaN at row 3\n")) << text;
  EXPECT_TRUE(Has(text, "why         Why it matters.\n")) << text;
  EXPECT_TRUE(Has(text, "where       header.h, Function\n")) << text;
  EXPECT_TRUE(Has(text, "measured    7 times as fast\n")) << text;
  EXPECT_TRUE(Has(text, "follows     probably from: The second check (1.1)\n"))
      << text;
  EXPECT_TRUE(Has(text, "not run     because of second\n")) << text;
  EXPECT_TRUE(Has(text, "    modules/02_transformer/layers.cc:12:3: error"))
      << text;
  EXPECT_TRUE(Has(text, "notes.txt")) << text;
  EXPECT_FALSE(Has(text, "424242")) << text;  // the seed is the instructor's
}

TEST(TextReportTest, TheFirstLinesSayWhereToBegin) {
  Sample sample = MixedSample();
  sample.Mark(0, 2).cause = sample.Mark(0, 1).check->name;
  sample.Mark(0, 3).cause = sample.Mark(0, 2).check->name;  // so it follows too
  const std::string text = FullText(sample.report);
  const std::string two_lines = text.substr(0, text.find("note"));
  EXPECT_TRUE(Has(two_lines,
                  "begin       2 of the 5 checks that lost points "
                  "follow from one: 1.1"))
      << text;
  EXPECT_TRUE(Has(two_lines, "Begin there.")) << text;
  EXPECT_EQ(Overview(sample.report).find("2 of the 5"), 0U);
}

TEST(TextReportTest, SaysNothingOfCausesWhereThereAreNone) {
  EXPECT_FALSE(Has(FullText(PerfectSample().report), "begin"));
}

TEST(TextReportTest, ABonusIsOnTopAndCountsAsFarAsItsLimit) {
  const std::string text = FullText(BonusSample().report);
  EXPECT_TRUE(Has(text, "19 of 15")) << text;
  EXPECT_TRUE(Has(text, "bonus       4 of at most 4 points on top of the 15\n"))
      << text;
  EXPECT_TRUE(Has(text, "Module 3: memoization (bonus)")) << text;
  EXPECT_TRUE(Has(text, "5 of 6")) << text;  // what it earned by itself
  EXPECT_FALSE(Has(FullText(PerfectSample().report), "onus"));
}

TEST(TextReportTest, ABonusThatCannotBeJudgedIsNotMissingFromTheRest) {
  Sample sample = BonusSample();
  sample.Mark(2, 0).blocked = true;
  Lose(sample.Mark(2, 0), 0);
  const std::string text = FullText(sample.report);
  EXPECT_TRUE(Has(text, "18 of 15")) << text;  // 15 + 1 + 2
  sample.Mark(0, 0).blocked = true;
  Lose(sample.Mark(0, 0), 0);
  EXPECT_TRUE(Has(FullText(sample.report), "17 of 14"));
}

TEST(TextReportTest, WhatIsRightAloneSaysWhatItLost) {
  Sample sample = MixedSample();
  sample.Mark(0, 2).alone = true;
  sample.Mark(0, 2).points = 0.9 * sample.Mark(0, 2).check->points;
  // Wherever the lines are broken.
  const std::string text =
      std::regex_replace(FullText(sample.report), std::regex("\\s+"), " ");
  EXPECT_TRUE(Has(text, "of this task alone it passes")) << text;
}

TEST(TextReportTest, LatePointsAreComputedWhereTheAuthorSeesIt) {
  using std::chrono::sys_seconds;
  const sys_seconds due{std::chrono::seconds(1800053940)};
  Sample sample = MixedSample();
  sample.report.lateness = LatenessOf({.due = due, .percent_per_day = 20},
                                      due + std::chrono::hours(30));
  const std::string text = FullText(sample.report);
  EXPECT_TRUE(Has(text, "2.1 of 21\n")) << text;
  EXPECT_TRUE(Has(text, "2 x 20 % off, 60 % count; 3.5 points")) << text;
}

TEST(TextReportTest, LinesFitATerminal) {
  Sample sample = MixedSample();
  sample.report.marks.parts[1].trouble.clear();  // a compiler's lines stay
  for (RubricPart& part : sample.rubric->parts) {
    for (int i = 0; i < 40; ++i) {
      part.tasks[0].checks[0].asked += " More was asked.";
    }
  }
  std::size_t line = 0;
  for (const char letter : FullText(sample.report)) {
    line = letter == '\n' ? 0 : line + 1;
    EXPECT_LE(line, 80U);
  }
}

TEST(TextReportTest, TheBriefTextCountsConsequences) {
  const std::string text = BriefText(MixedSample().report);
  EXPECT_TRUE(Has(text, "NaN at row 3")) << text;
  EXPECT_FALSE(Has(text, "NaN at row 4")) << text;
  EXPECT_FALSE(Has(text, "because of second")) << text;
  EXPECT_TRUE(Has(text, "3 more checks lost 12 points as a consequence"))
      << text;
}

TEST(TextReportTest, NoWordOfASubmissionCommandsTheTerminal) {
  const Sample sample = HostileSample();
  EXPECT_FALSE(Has(FullText(sample.report), "\x1B"));
  EXPECT_FALSE(Has(BriefText(sample.report), "\x1B"));
}

TEST(TextReportTest, TheInstructorGetsTheSeed) {
  EXPECT_TRUE(Has(InstructorText(MixedSample().report), "424242"));
}

TEST(TextReportTest, TextsNameTheVersionOfTheCourse) {
  const std::string version = std::string("kvlab ") + kCourseVersion + "\n";
  EXPECT_TRUE(FullText(MixedSample().report).ends_with(version));
  EXPECT_TRUE(
      Has(InstructorText(MixedSample().report), "course      " + version));
}

TEST(TextReportTest, TheSummaryHasALinePerSubmission) {
  const Sample sample = MixedSample();
  const std::vector<Report> two = {sample.report, sample.report};
  const std::string table = SummaryTable(two);
  EXPECT_TRUE(Has(table, "Module 1")) << table;
  EXPECT_TRUE(Has(table, "1.5 of 10")) << table;
  EXPECT_EQ(std::ranges::count(table, '\n'), 3);
  EXPECT_FALSE(Has(table, "PROVISIONAL")) << table;
}

TEST(TextReportTest, ColumnsOfTheSummaryAreAsWideAsWhatIsInThem) {
  Sample sample = MixedSample();
  Lose(sample.Mark(2, 0), 0.123456);
  sample.report.name = std::string(60, 'n');
  Sample other = MixedSample();
  const std::vector<Report> two = {sample.report, other.report};
  const std::string table = SummaryTable(two);
  std::istringstream lines(table);
  std::string line;
  std::size_t width = 0;
  while (std::getline(lines, line)) {
    EXPECT_EQ(line.size(), width == 0 ? line.size() : width) << table;
    width = line.size();
  }
  EXPECT_TRUE(Has(table, sample.report.name + "  ")) << table;
}

TEST(TextReportTest, TheSummarySaysWhichMarksAreProvisional) {
  Sample sample = MixedSample();
  CheckMark& mark = sample.Mark(2, 0);
  mark.blocked = true;
  Lose(mark, 0);
  const std::vector<Report> one = {sample.report};
  EXPECT_TRUE(Has(SummaryTable(one),
                  fmt::format("PROVISIONAL: {:g} points could not be judged\n",
                              mark.check->points)))
      << SummaryTable(one);
}

}  // namespace
}  // namespace kvlab::grading
