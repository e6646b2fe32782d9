#include "autograder/proof/graderlab/judgement.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

using ::testing::Test;

// Two tasks of two checks each, one point a check.
class JudgementTest : public Test {
 protected:
  JudgementTest() {
    part_.title = "Module 1";
    part_.judged = Judged::kModule;
    for (const std::string id : {"1.1", "1.2"}) {
      RubricTask task;
      task.id = id;
      for (const std::string name : {"first", "second"}) {
        RubricCheck check;
        check.name = name;
        check.points = 1;
        task.checks.push_back(check);
      }
      part_.tasks.push_back(task);
    }
    report_.marks.parts.push_back({.part = &part_, .trouble = "", .tasks = {}});
    for (const RubricTask& task : part_.tasks) {
      TaskMark mark{.task = &task, .checks = {}};
      for (const RubricCheck& check : task.checks) {
        CheckMark passed;
        passed.check = &check;
        passed.run = true;
        passed.points = 1;
        mark.checks.push_back(passed);
      }
      report_.marks.parts[0].tasks.push_back(mark);
    }
  }

  void Lose(std::size_t task, std::size_t check, const std::string& message) {
    CheckMark& mark = report_.marks.parts[0].tasks[task].checks[check];
    mark.points = 0;
    mark.came_back = message;
  }

  std::vector<std::string> DeviationsOf(const LabExpectation& expect) {
    LabCase one;
    one.expect = expect;
    return Deviations(one, report_);
  }

  RubricPart part_;
  Report report_;
};

TEST_F(JudgementTest, APlantedBugMayBeRightAloneElsewhere) {
  Lose(0, 0, "wrong");
  Lose(1, 0, "wrong");
  CheckMark& later = report_.marks.parts[0].tasks[1].checks[0];
  later.points = 0.9;
  later.alone = true;
  LabCase one;
  one.expect.loses = {"1.1 first", "1.2 first"};
  one.kind = "bug";
  EXPECT_TRUE(Deviations(one, report_).empty());
}

// But not where it attacks, which is what its first pattern names.
TEST_F(JudgementTest, AnExploitEarnsNothingWhereItAttacks) {
  Lose(0, 0, "wrong");
  Lose(1, 0, "wrong");
  CheckMark& later = report_.marks.parts[0].tasks[1].checks[0];
  later.points = 0.9;
  later.alone = true;
  LabCase one;
  one.kind = "exploit";
  one.expect.loses = {"1.1 first", "1.2 first"};
  EXPECT_TRUE(Deviations(one, report_).empty());
  one.expect.loses = {"1.2 first", "1.1 first"};
  EXPECT_EQ(Deviations(one, report_).size(), 1);
}

TEST_F(JudgementTest, ABugMayCostTwiceThePointsOfItsTask) {
  for (std::size_t check : {0, 1}) {
    Lose(0, check, "wrong");
    Lose(1, check, "wrong");
  }
  EXPECT_EQ(CostOf(report_, "1.2").lost, 4);
  EXPECT_EQ(CostOf(report_, "1.2").task_points, 2);
  EXPECT_TRUE(CostDeviations(report_, "1.2").empty());
  part_.tasks[1].checks[0].points = 0.5;
  report_.marks.parts[0].tasks[0].checks[0].points = -0.5;
  EXPECT_EQ(CostDeviations(report_, "1.2").size(), 1);
}

TEST_F(JudgementTest, WhatMeasuresATaskCountsAsItsOwn) {
  part_.tasks[1].measures = {"1.1"};
  EXPECT_EQ(CostOf(report_, "1.1").task_points, 4);
  EXPECT_EQ(CostOf(report_, "1.2").task_points, 4);
  part_.tasks[1].measures = {};
  EXPECT_EQ(CostOf(report_, "1.1").task_points, 2);
}

TEST_F(JudgementTest, FindsNothingWhereAllIsAsExpected) {
  EXPECT_TRUE(DeviationsOf({}).empty());
  Lose(0, 1, "it forgets the past");
  EXPECT_TRUE(DeviationsOf({.loses = {"1.1 second"},
                            .halves = {},
                            .may_lose = {},
                            .says = "the past"})
                  .empty());
}

TEST_F(JudgementTest, SeesWhatWasLostAndShouldNotHaveBeen) {
  Lose(1, 0, "words");
  EXPECT_EQ(
      DeviationsOf({}),
      (std::vector<std::string>{"1.2 first lost points and must not: words"}));
}

TEST_F(JudgementTest, SeesWhatPassedAndShouldNotHave) {
  EXPECT_EQ(DeviationsOf(
                {.loses = {"1.2 *"}, .halves = {}, .may_lose = {}, .says = ""}),
            (std::vector<std::string>{"1.2 first passed and must not",
                                      "1.2 second passed and must not"}));
}

TEST_F(JudgementTest, KnowsHalfPoints) {
  const LabExpectation expect = {
      .loses = {}, .halves = {"1.1 first"}, .may_lose = {}, .says = ""};
  EXPECT_EQ(DeviationsOf(expect),
            (std::vector<std::string>{"1.1 first passed and must not"}));
  Lose(0, 0, "words");
  EXPECT_EQ(
      DeviationsOf(expect),
      (std::vector<std::string>{"1.1 first earned 0 instead of 0.5: words"}));
  report_.marks.parts[0].tasks[0].checks[0].points = 0.5;
  EXPECT_TRUE(DeviationsOf(expect).empty());
}

TEST_F(JudgementTest, SeesAMessageWithoutItsHint) {
  Lose(0, 0, "words");
  const std::vector<std::string> deviations =
      DeviationsOf({.loses = {"1.1 first"},
                    .halves = {},
                    .may_lose = {},
                    .says = "the past"});
  ASSERT_EQ(deviations.size(), 1U);
  EXPECT_NE(deviations[0].find("the past"), std::string::npos);
}

TEST_F(JudgementTest, SeesWhatTheReportMustNotHold) {
  Lose(0, 0, "input 17");
  const LabExpectation expect = {.loses = {"1.1 first"},
                                 .halves = {},
                                 .may_lose = {},
                                 .says = "input",
                                 .never_says = "input [0-9]"};
  EXPECT_EQ(DeviationsOf(expect),
            (std::vector<std::string>{"the report holds 'input 1'"}));
  Lose(0, 0, "input #");
  EXPECT_TRUE(DeviationsOf(expect).empty());
}

TEST_F(JudgementTest, TheRubricsWordsAreAHintToo) {
  part_.tasks[0].checks[0].why = "queries come after the past";
  Lose(0, 0, "words");
  EXPECT_TRUE(DeviationsOf({.loses = {"1.1 first"},
                            .halves = {},
                            .may_lose = {},
                            .says = "the past"})
                  .empty());
}

TEST_F(JudgementTest, SeesANameThatTheRubricDoesNotHave) {
  EXPECT_EQ(DeviationsOf(
                {.loses = {"9.9 *"}, .halves = {}, .may_lose = {}, .says = ""}),
            (std::vector<std::string>{"the rubric has no check '9.9 *'"}));
}

TEST_F(JudgementTest, WhatMayBeLostIsNoDeviationEitherWay) {
  const LabExpectation expect = {
      .loses = {}, .halves = {}, .may_lose = {"1.1 first"}, .says = ""};
  EXPECT_TRUE(DeviationsOf(expect).empty());
  Lose(0, 0, "words");
  EXPECT_TRUE(DeviationsOf(expect).empty());
}

TEST_F(JudgementTest, WhatMustBeLostMustAlsoIfAPatternSaysThatItMay) {
  const LabExpectation expect = {
      .loses = {"1.1 first"}, .halves = {}, .may_lose = {"1.*"}, .says = ""};
  EXPECT_EQ(DeviationsOf(expect),
            (std::vector<std::string>{"1.1 first passed and must not"}));
}

TEST_F(JudgementTest, ACompilersWordsAreWhatTheAuthorReads) {
  Lose(0, 0, "");
  report_.marks.parts[0].trouble = "x.cc:1:1: error";
  LabCase one;
  one.expect.loses = {"1.1 first"};
  EXPECT_EQ(MessageTo(one, report_), "x.cc:1:1: error");
}

TEST_F(JudgementTest, AddsPointsUpByPart) {
  Lose(0, 0, "");
  LabCase one;
  one.expect.loses = {"1.*"};
  EXPECT_EQ(PointsByPart(report_), "3");
  EXPECT_EQ(ExpectedByPart(one, report_), "0");
}

}  // namespace
}  // namespace kvlab::grading
