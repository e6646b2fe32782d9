#include "autograder/report/report.h"

#include <algorithm>
#include <string>
#include <vector>

#include "autograder/report/gradescope.h"
#include "autograder/report/text_report.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

RubricCheck Rule(const std::string& name, double points) {
  RubricCheck check;
  check.name = name;
  check.title = "The " + name + " check";
  check.points = points;
  check.asked = "What was asked.";
  check.why = "Why it matters.";
  check.where = "header.h, Function";
  return check;
}

CheckMark MarkOf(const RubricCheck& check, double points,
                 const std::string& came_back) {
  CheckMark mark;
  mark.check = &check;
  mark.run = true;
  mark.points = points;
  mark.came_back = came_back;
  return mark;
}

// One part with a check that passed, one that failed, one that follows from it
// and one that was not run; another part that does not compile.
class ReportTest : public ::testing::Test {
 protected:
  ReportTest() {
    one_.title = "Module 1: attention";
    one_.tasks = {{.id = "1.1",
                   .title = "Softmax",
                   .checks = {Rule("first", 1), Rule("second", 2),
                              Rule("third", 3), Rule("fourth", 4)}}};
    two_.title = "Module 2: transformer";
    two_.tasks = {{.id = "2.1", .title = "Norm", .checks = {Rule("fifth", 5)}}};
    const auto& rules = one_.tasks[0].checks;
    TaskMark softmax = {.task = &one_.tasks[0],
                        .checks = {MarkOf(rules[0], 1, ""),
                                   MarkOf(rules[1], 0.5, "NaN at row 3"),
                                   MarkOf(rules[2], 0, "NaN at row 4"),
                                   MarkOf(rules[3], 0, "because of second")}};
    softmax.checks[0].measured = "7 times as fast";
    softmax.checks[2].follows = "The second check (1.1)";
    softmax.checks[3].run = false;
    TaskMark norm = {.task = &two_.tasks[0],
                     .checks = {MarkOf(two_.tasks[0].checks[0], 0, "broken")}};
    norm.checks[0].run = false;
    report_.name = "alice";
    report_.seed = 424242;
    report_.notices = {"ignored, since no module asks for it: notes.txt"};
    report_.marks.parts = {
        {.part = &one_, .trouble = "", .tasks = {softmax}},
        {.part = &two_, .trouble = "a.cc:1:2: error", .tasks = {norm}}};
  }

  RubricPart one_;
  RubricPart two_;
  Report report_;
};

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(ReportTest, TheFullTextSaysWhatIsToBeDone) {
  const std::string text = FullText(report_);
  EXPECT_TRUE(Has(text, "alice")) << text;
  EXPECT_TRUE(Has(text, "1.5 of 15")) << text;
  EXPECT_TRUE(Has(text, "asked       What was asked.\n")) << text;
  EXPECT_TRUE(Has(text, "came back   NaN at row 3\n")) << text;
  EXPECT_TRUE(Has(text, "why         Why it matters.\n")) << text;
  EXPECT_TRUE(Has(text, "where       header.h, Function\n")) << text;
  EXPECT_TRUE(Has(text, "measured    7 times as fast\n")) << text;
  EXPECT_TRUE(Has(text, "follows     probably from: The second check (1.1)\n"))
      << text;
  EXPECT_TRUE(Has(text, "not run     because of second\n")) << text;
  EXPECT_TRUE(Has(text, "    a.cc:1:2: error\n")) << text;
  EXPECT_TRUE(Has(text, "notes.txt")) << text;
  EXPECT_FALSE(Has(text, "424242")) << text;  // the seed is the instructor's
}

TEST_F(ReportTest, LinesFitATerminal) {
  RubricCheck& check = one_.tasks[0].checks[1];
  for (int i = 0; i < 40; ++i) check.asked += " More was asked.";
  std::size_t line = 0;
  for (const char letter : FullText(report_)) {
    line = letter == '\n' ? 0 : line + 1;
    EXPECT_LE(line, 80U);
  }
}

TEST_F(ReportTest, TheBriefTextCountsConsequences) {
  const std::string text = BriefText(report_);
  EXPECT_TRUE(Has(text, "NaN at row 3")) << text;
  EXPECT_FALSE(Has(text, "NaN at row 4")) << text;
  EXPECT_FALSE(Has(text, "because of second")) << text;
  EXPECT_TRUE(Has(text, "3 more checks lost 12 points as a consequence"))
      << text;
}

TEST_F(ReportTest, TheInstructorGetsTheSeed) {
  EXPECT_TRUE(Has(InstructorText(report_), "424242"));
}

TEST_F(ReportTest, TheSummaryHasALinePerSubmission) {
  const std::string table = SummaryTable(std::vector<Report>{report_, report_});
  EXPECT_TRUE(Has(table, "Module 1")) << table;
  EXPECT_TRUE(Has(table, "1.5 of 10")) << table;
  EXPECT_EQ(std::ranges::count(table, '\n'), 3);
}

TEST_F(ReportTest, GradescopeGetsATestPerCheck) {
  const auto json = nlohmann::json::parse(GradescopeJson(report_));
  EXPECT_EQ(json.at("score"), 1.5);
  EXPECT_TRUE(json.at("execution_time").is_number_integer());
  ASSERT_EQ(json.at("tests").size(), 6U);  // five checks, one for instructors
  const auto& second = json.at("tests").at(1);
  EXPECT_EQ(second.at("score"), 0.5);
  EXPECT_EQ(second.at("max_score"), 2);
  EXPECT_EQ(second.at("status"), "failed");
  EXPECT_EQ(second.at("name"), "Softmax: The second check");
  EXPECT_EQ(second.at("number"), "1.1.2");
  EXPECT_EQ(second.at("visibility"), "visible");
  EXPECT_TRUE(Has(second.at("output"), "came back: NaN at row 3"));
}

TEST_F(ReportTest, TheSeedIsHiddenFromStudentsOnGradescope) {
  const auto json = nlohmann::json::parse(GradescopeJson(report_));
  for (const auto& test : json.at("tests")) {
    if (Has(test.at("output"), "424242")) {
      EXPECT_EQ(test.at("visibility"), "hidden");
      EXPECT_EQ(test.at("max_score"), 0);
    }
  }
  EXPECT_FALSE(Has(json.at("output"), "424242"));
}

TEST_F(ReportTest, WhateverASubmissionThrowsBecomesValidJson) {
  report_.marks.parts[0].tasks[0].checks[1].came_back =
      std::string("\xFF\x00\x80 \"\\", 6);
  EXPECT_TRUE(nlohmann::json::accept(GradescopeJson(report_)));
}

}  // namespace
}  // namespace kvlab::grading
