#include "autograder/report/authors_view.h"

#include <string>

#include "autograder/report/github_classroom.h"
#include "autograder/report/gradescope.h"
#include "autograder/report/html_report.h"
#include "autograder/report/prairielearn.h"
#include "autograder/report/sample_report.h"
#include "autograder/report/text_report.h"
#include "autograder/rubric/visibility.h"
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

TEST(AuthorsViewTest, PlatformsGetAllPointsAndNoHiddenWords) {
  const Sample sample = ConcealedSample();
  const std::string prairielearn = PrairieLearnJson(sample.report);
  EXPECT_FALSE(Has(prairielearn, "NaN at row 3"));
  EXPECT_DOUBLE_EQ(Json::parse(prairielearn).at("score").get<double>(),
                   3.5 / 21);
  const std::string github = GithubClassroomJson(sample.report);
  EXPECT_FALSE(Has(github, "NaN at row 3"));
  double sum = 0;
  const Json json = Json::parse(github);
  for (const Json& test : json.at("tests")) {
    sum += test.at("score").get<double>();
  }
  EXPECT_EQ(sum, 3.5);
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
