#include "autograder/report/authors_view.h"

#include <cmath>
#include <string>
#include <vector>

#include "autograder/report/autolab.h"
#include "autograder/report/classroom50.h"
#include "autograder/report/gradescope.h"
#include "autograder/report/html_report.h"
#include "autograder/report/junit.h"
#include "autograder/report/prairielearn.h"
#include "autograder/report/sample_report.h"
#include "autograder/report/text_report.h"
#include "autograder/scoring/visibility.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

using Json = nlohmann::json;

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(AuthorsViewTest, WithoutHiddenChecksItIsTheReport) {
  const Sample sample = MixedSample();
  const AuthorsView author(sample.report);
  EXPECT_FALSE(author.ConcealsAny());
  EXPECT_EQ(FullText(author.Visible()), FullText(sample.report));
  EXPECT_EQ(HtmlReport(author.Visible()), HtmlReport(sample.report));
}

TEST(AuthorsViewTest, AHiddenCheckIsNeitherShownNorCounted) {
  const Sample sample = ConcealedSample();
  const AuthorsView author(sample.report);
  EXPECT_EQ(author.Visible().marks.Points(), 3.5 - 0.5);
  EXPECT_EQ(author.Visible().marks.MaxPoints(), 21 - 2);
  EXPECT_EQ(author.ConcealedPoints(), 0.5);
  for (const std::string& text :
       {FullText(author.Visible()), HtmlReport(author.Visible())}) {
    EXPECT_FALSE(Has(text, "NaN at row 3")) << text;
    EXPECT_TRUE(Has(text, "1 check of 2 points is not shown yet")) << text;
  }
}

TEST(AuthorsViewTest, EachKindIsShownFromItsTimeOnAndHiddenNever) {
  for (const Visibility kind :
       {Visibility::kAfterDueDate, Visibility::kAfterPublished,
        Visibility::kHidden}) {
    Sample sample = ConcealedSample();
    for (RubricPart& part : sample.rubric->parts) {
      for (RubricTask& task : part.tasks) {
        for (RubricCheck& check : task.checks) {
          if (check.visibility != Visibility::kVisible) check.visibility = kind;
        }
      }
    }
    for (const Visibility revealed :
         {Visibility::kVisible, Visibility::kAfterDueDate,
          Visibility::kAfterPublished, Visibility::kHidden}) {
      sample.report.revealed = revealed;
      EXPECT_EQ(AuthorsView(sample.report).ConcealsAny(),
                kind > revealed || kind == Visibility::kHidden);
    }
  }
}

// Everything that a platform, a build server or the author gets.
std::vector<std::string> EverythingShown(const Report& report) {
  const AuthorsView author(report);
  return {FullText(author.Visible()),   BriefText(author.Visible()),
          HtmlReport(author.Visible()), GradescopeJson(report),
          PrairieLearnJson(report),     AutolabLine(report),
          Classroom50Json(report),      JunitXml(report)};
}

// Any difference could be found out by handing in again.
TEST(AuthorsViewTest, WhatCameOfAConcealedCheckChangesNothingThatIsShown) {
  const Sample one = ConcealedSample();
  Sample other = ConcealedSample();
  CheckMark& mark = other.Mark(0, 1);
  mark.points = mark.check->points;
  mark.came_back.clear();
  mark.measured = "answered c) the prefix";
  EXPECT_EQ(EverythingShown(one.report), EverythingShown(other.report));
  EXPECT_NE(FullText(one.report), FullText(other.report));
}

TEST(AuthorsViewTest, ALateSubmissionTellsNoMore) {
  std::vector<std::vector<std::string>> shown;
  for (const double points : {0.0, 2.0}) {
    Sample sample = ConcealedSample();
    sample.Mark(0, 1).points = points;
    sample.report.lateness = {.policy = {}, .submitted = {}, .factor = 0.9};
    shown.push_back(EverythingShown(sample.report));
  }
  EXPECT_EQ(shown.front(), shown.back());
}

// No score, sum or text of a format depends on the check.
TEST(AuthorsViewTest, NoFormatKnowsWhatIsConcealed) {
  const Sample sample = ConcealedSample();
  for (const std::string& text : EverythingShown(sample.report)) {
    EXPECT_FALSE(Has(text, "NaN at row 3")) << text;
    EXPECT_FALSE(Has(text, "The second check:")) << text;
  }
  const double shown = 3.5 - 0.5;
  EXPECT_EQ(Json::parse(GradescopeJson(sample.report)).at("score"), shown);
  EXPECT_DOUBLE_EQ(
      Json::parse(PrairieLearnJson(sample.report)).at("score").get<double>(),
      std::round(shown / 19 * 1e10) / 1e10);
  EXPECT_EQ(Json::parse(AutolabLine(sample.report)).at("scoreboard").at(0),
            shown);
  const Json classroom = Json::parse(Classroom50Json(sample.report));
  EXPECT_EQ(classroom.at("score"), 100 * shown);
  EXPECT_EQ(classroom.at("max-score"), 100 * 19);
}

TEST(AuthorsViewTest, APartThatIsConcealedAltogetherHasNoScore) {
  Sample sample = PerfectSample();
  for (RubricCheck& check : sample.rubric->parts[2].tasks[0].checks) {
    check.visibility = Visibility::kAfterDueDate;
  }
  const Json scores = Json::parse(AutolabLine(sample.report)).at("scores");
  EXPECT_FALSE(scores.contains("Module 3")) << scores;
  sample.report.revealed = Visibility::kAfterDueDate;
  EXPECT_EQ(Json::parse(AutolabLine(sample.report)).at("scores").at("Module 3"),
            6);
}

TEST(AuthorsViewTest, AHiddenSpeedIsNotOnTheLeaderboard) {
  Sample sample = PerfectSample();
  sample.rubric->parts[2].tasks[0].checks[0].visibility = Visibility::kHidden;
  const Json board =
      Json::parse(GradescopeJson(sample.report)).at("leaderboard");
  EXPECT_EQ(board.size(), 3U);
}

}  // namespace
}  // namespace kvlab::grading
