// That the formats are right is for schemas_test.py to say; here is what they
// say.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "autograder/report/autolab.h"
#include "autograder/report/github_classroom.h"
#include "autograder/report/gradescope.h"
#include "autograder/report/junit.h"
#include "autograder/report/prairielearn.h"
#include "autograder/report/sample_report.h"
#include "autograder/rubric/visibility.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "pugixml.hpp"

namespace kvlab::grading {
namespace {

using Json = nlohmann::json;

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// --- Gradescope ---

TEST(GradescopeTest, EachCheckIsATest) {
  const Json json = Json::parse(GradescopeJson(MixedSample().report));
  EXPECT_TRUE(json.at("execution_time").is_number_integer());
  ASSERT_EQ(json.at("tests").size(), 8U);
  const Json& second = json.at("tests").at(1);
  EXPECT_EQ(second.at("score"), 0.5);
  EXPECT_EQ(second.at("max_score"), 2);
  EXPECT_EQ(second.at("status"), "failed");
  EXPECT_EQ(second.at("name"), "Softmax: The second check");
  EXPECT_EQ(second.at("number"), "1.1.2");
  EXPECT_EQ(second.at("visibility"), "visible");
  EXPECT_TRUE(Has(second.at("output"), "came back: NaN at row 3"));
}

TEST(GradescopeTest, TheTotalIsLeftToItsAddition) {
  const Sample sample = MixedSample();
  const Json json = Json::parse(GradescopeJson(sample.report));
  EXPECT_FALSE(json.contains("score"));
  double sum = 0;
  for (const Json& test : json.at("tests")) {
    sum += test.at("score").get<double>();
  }
  EXPECT_EQ(sum, sample.report.marks.Points());
}

// A hidden test would hide the total from the student.
TEST(GradescopeTest, NoTestIsHiddenAndNoTestTellsTheSeed) {
  const std::string text = GradescopeJson(MixedSample().report);
  const Json json = Json::parse(text);
  for (const Json& test : json.at("tests")) {
    EXPECT_EQ(test.at("visibility"), "visible");
  }
  EXPECT_EQ(json.at("stdout_visibility"), "hidden");
  EXPECT_FALSE(Has(text, "424242"));
}

TEST(GradescopeTest, ATestIsSeenWhenTheRubricSays) {
  Sample sample = MixedSample();
  sample.rubric->parts[0].tasks[0].checks[1].visibility =
      Visibility::kAfterDueDate;
  const Json json = Json::parse(GradescopeJson(sample.report));
  EXPECT_EQ(json.at("tests").at(0).at("visibility"), "visible");
  EXPECT_EQ(json.at("tests").at(1).at("visibility"), "after_due_date");
}

TEST(GradescopeTest, ALateSubmissionIsNotAddedUp) {
  Sample sample = MixedSample();
  sample.report.lateness = {.policy = {}, .submitted = {}, .factor = 0.5};
  const Json json = Json::parse(GradescopeJson(sample.report));
  EXPECT_EQ(json.at("score"), sample.report.marks.Points() / 2);
  EXPECT_TRUE(Has(json.at("output"), "3.5 points count as 1.75"));
}

TEST(GradescopeTest, TheLeaderboardHoldsWhatWasMeasured) {
  const Json board =
      Json::parse(GradescopeJson(PerfectSample().report)).at("leaderboard");
  ASSERT_EQ(board.size(), 4U);
  EXPECT_EQ(board.at(0), (Json{{"name", "Speedup, 50 tokens"},
                               {"value", 14.2},
                               {"order", "desc"}}));
  EXPECT_EQ(board.at(3), (Json{{"name", "Cache memory (MiB), batch 4"},
                               {"value", 64.0},
                               {"order", "asc"}}));
  EXPECT_TRUE(Json::parse(GradescopeJson(BrokenSample().report))
                  .at("leaderboard")
                  .empty());
}

// --- Autolab ---

TEST(AutolabTest, OneLineHoldsThePointsOfEachPart) {
  const std::string line = AutolabLine(MixedSample().report);
  EXPECT_EQ(std::ranges::count(line, '\n'), 1);
  EXPECT_EQ(line.back(), '\n');
  const Json json = Json::parse(line);
  EXPECT_EQ(json.at("scores"),
            (Json{{"Module 1", 1.5}, {"Module 2", 0.0}, {"Module 3", 2.0}}));
  EXPECT_EQ(json.at("scoreboard"), (Json{3.5, 14.2, 4.1}));
}

TEST(AutolabTest, TheScoreboardKeepsItsColumnsIfNothingWasMeasured) {
  EXPECT_EQ(Json::parse(AutolabLine(BrokenSample().report)).at("scoreboard"),
            (Json{0.0, 0.0, 0.0}));
}

// --- PrairieLearn ---

TEST(PrairieLearnTest, TheScoreIsAShare) {
  const Json json = Json::parse(PrairieLearnJson(MixedSample().report));
  EXPECT_EQ(json.at("gradable"), true);
  EXPECT_DOUBLE_EQ(json.at("score").get<double>(), 3.5 / 21);
  EXPECT_EQ(json.at("tests").at(1).at("points"), 0.5);
  EXPECT_EQ(json.at("tests").at(1).at("max_points"), 2);
  EXPECT_EQ(json.at("images").size(), 2U);
}

TEST(PrairieLearnTest, WhatCannotBeRunCostsNoAttempt) {
  const Json json = Json::parse(PrairieLearnJson(BrokenSample().report));
  EXPECT_EQ(json.at("gradable"), false);
  EXPECT_FALSE(json.contains("score"));
  EXPECT_TRUE(Has(json.at("format_errors").at(0), "does not name a type"));
}

TEST(PrairieLearnTest, TheFileStaysBelowItsLimit) {
  EXPECT_LT(PrairieLearnJson(MixedSample().report).size(), 1000000U);
}

// --- GitHub Classroom ---

TEST(GithubClassroomTest, TheWorstTestIsTheStatus) {
  const auto status = [](const Sample& sample) {
    return Json::parse(GithubClassroomJson(sample.report)).at("status");
  };
  EXPECT_EQ(status(PerfectSample()), "pass");
  EXPECT_EQ(status(MixedSample()), "error");  // a part does not compile
  Sample failed = PerfectSample();
  failed.Mark(0, 0).points = 0;
  EXPECT_EQ(status(failed), "fail");
}

TEST(GithubClassroomTest, ScoresSumToThePoints) {
  const Json json = Json::parse(GithubClassroomJson(MixedSample().report));
  EXPECT_EQ(json.at("max_score"), 21);
  double sum = 0;
  for (const Json& test : json.at("tests")) {
    sum += test.at("score").get<double>();
  }
  EXPECT_EQ(sum, 3.5);
}

TEST(GithubClassroomTest, NoMessageCommandsTheWorkflow) {
  const Json json = Json::parse(GithubClassroomJson(HostileSample().report));
  for (const Json& test : json.at("tests")) {
    EXPECT_FALSE(Has(test.at("message"), "\n::")) << test;
  }
}

// --- JUnit ---

pugi::xml_document ParsedJunit(const Report& report) {
  pugi::xml_document document;
  EXPECT_TRUE(document.load_string(JunitXml(report).c_str()));
  return document;
}

TEST(JunitTest, LostPointsAreFailuresAndTroubleIsAnError) {
  const pugi::xml_document xml = ParsedJunit(MixedSample().report);
  const pugi::xml_node one = xml.child("testsuites").first_child();
  EXPECT_EQ(one.attribute("tests").as_int(), 4);
  EXPECT_EQ(one.attribute("failures").as_int(), 2);
  EXPECT_EQ(one.attribute("skipped").as_int(), 1);
  const pugi::xml_node second = one.child("testcase").next_sibling();
  EXPECT_STREQ(second.attribute("name").value(), "1.1.2 The second check");
  EXPECT_STREQ(second.child("failure").attribute("message").value(),
               "NaN at row 3");
  const pugi::xml_node two = one.next_sibling();
  EXPECT_EQ(two.attribute("errors").as_int(), 1);
  EXPECT_TRUE(Has(two.child_value("system-err"), "was not declared"));
}

// --- all of them ---

TEST(PlatformReportsTest, WhateverASubmissionThrowsBecomesValidText) {
  const Sample sample = HostileSample();
  EXPECT_TRUE(Json::accept(GradescopeJson(sample.report)));
  EXPECT_TRUE(Json::accept(AutolabLine(sample.report)));
  EXPECT_TRUE(Json::accept(PrairieLearnJson(sample.report)));
  EXPECT_TRUE(Json::accept(GithubClassroomJson(sample.report)));
  ParsedJunit(sample.report);
}

TEST(PlatformReportsTest, TheSeedIsTheInstructorsAlone) {
  const Sample sample = MixedSample();
  for (const std::string& text :
       {GradescopeJson(sample.report), AutolabLine(sample.report),
        PrairieLearnJson(sample.report), GithubClassroomJson(sample.report),
        JunitXml(sample.report)}) {
    EXPECT_FALSE(Has(text, "424242"));
  }
}

}  // namespace
}  // namespace kvlab::grading
