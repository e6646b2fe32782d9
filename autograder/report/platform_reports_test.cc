// Tests the contents of the platforms' files; schemas_test.py tests their
// formats.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "autograder/report/autolab.h"
#include "autograder/report/classroom50.h"
#include "autograder/report/gradescope.h"
#include "autograder/report/html_report.h"
#include "autograder/report/junit.h"
#include "autograder/report/prairielearn.h"
#include "autograder/report/sample_report.h"
#include "autograder/report/sizes.h"
#include "autograder/report/text_report.h"
#include "autograder/scoring/visibility.h"
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

// Gradescope would add 0.1 and 0.2 up to 0.30000000000000004.
TEST(GradescopeTest, ABonusIsInTheTotalAsFarAsItsLimit) {
  const Json json = Json::parse(GradescopeJson(BonusSample().report));
  EXPECT_EQ(json.at("score"), 19);
  EXPECT_TRUE(Has(json.at("output"),
                  "Bonus: 4 of at most 4 points on top of the 15\n"));
}

TEST(GradescopeTest, TheTotalIsNotLeftToItsAddition) {
  Sample sample = MixedSample();
  sample.Mark(0, 0).points = 0.1;
  sample.Mark(0, 1).points = 0.2;
  const std::string text = GradescopeJson(sample.report);
  EXPECT_TRUE(Has(text, "\"score\": 2.3,")) << text;
  EXPECT_FALSE(Has(text, "0000000000")) << text;
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

TEST(GradescopeTest, ATestIsThereWhenTheRubricSays) {
  Sample sample = MixedSample();
  sample.rubric->parts[0].tasks[0].checks[1].visibility =
      Visibility::kAfterDueDate;
  EXPECT_EQ(Json::parse(GradescopeJson(sample.report)).at("tests").size(), 7U);
  sample.report.revealed = Visibility::kAfterDueDate;
  EXPECT_EQ(Json::parse(GradescopeJson(sample.report)).at("tests").size(), 8U);
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

TEST(AutolabTest, ABonusCountsAsFarAsItsLimit) {
  const Json json = Json::parse(AutolabLine(BonusSample().report));
  EXPECT_EQ(json.at("scores"),
            (Json{{"Module 1", 10.0}, {"Module 2", 5.0}, {"Module 3", 4.0}}));
  EXPECT_EQ(json.at("scoreboard").at(0), 19.0);
}

// --- PrairieLearn ---

TEST(PrairieLearnTest, TheScoreIsAShare) {
  const Json json = Json::parse(PrairieLearnJson(MixedSample().report));
  EXPECT_EQ(json.at("gradable"), true);
  EXPECT_EQ(json.at("score").get<double>(), 0.1666666667);
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

TEST(PrairieLearnTest, ABonusMakesUpForLossesAndNoMore) {
  EXPECT_EQ(Json::parse(PrairieLearnJson(BonusSample().report)).at("score"),
            1.0);
  Sample sample = BonusSample();
  Lose(sample.Mark(0, 3), 0);
  Lose(sample.Mark(0, 2), 0);  // 15 - 7 + 4 of 15
  EXPECT_EQ(Json::parse(PrairieLearnJson(sample.report)).at("score"), 0.8);
}

// --- Classroom 50 ---

TEST(Classroom50Test, WholeNumbersSumToTheWhole) {
  for (const double factor : {1.0, 0.9, 0.77, 1.0 / 3}) {
    Sample sample = MixedSample();
    sample.Mark(0, 0).points = 0.125;
    sample.report.lateness = {.policy = {}, .submitted = {}, .factor = factor};
    const Json json = Json::parse(Classroom50Json(sample.report));
    EXPECT_EQ(json.at("schema"), "classroom50/result/v1");
    EXPECT_EQ(json.at("max-score"), 2100);
    EXPECT_NEAR(json.at("score").get<double>(), 262.5 * factor, 0.5);
    long score = 0;
    long most = 0;
    for (const Json& test : json.at("tests")) {
      ASSERT_TRUE(test.at("score").is_number_integer()) << test;
      EXPECT_LE(test.at("score"), test.at("max-score")) << test;
      score += test.at("score").get<long>();
      most += test.at("max-score").get<long>();
    }
    EXPECT_EQ(json.at("score"), score);
    EXPECT_EQ(json.at("max-score"), most);
  }
}

TEST(Classroom50Test, ABonusIsInTheMaximumSoThatNoScoreExceedsIt) {
  const Json json = Json::parse(Classroom50Json(BonusSample().report));
  EXPECT_EQ(json.at("score"), 1900);
  EXPECT_EQ(json.at("max-score"), 2100);
  long score = 0;
  for (const Json& test : json.at("tests")) {
    EXPECT_LE(test.at("score"), test.at("max-score")) << test;
    score += test.at("score").get<long>();
  }
  EXPECT_EQ(score, 1900);
}

TEST(Classroom50Test, OnlyFullPointsPass) {
  const Json json = Json::parse(Classroom50Json(MixedSample().report));
  EXPECT_EQ(json.at("tests").at(0).at("passed"), true);
  EXPECT_EQ(json.at("tests").at(1).at("passed"), false);
  EXPECT_EQ(json.at("tests").at(1).at("score"), 50);
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

std::vector<std::string> AllFormats(const Report& report) {
  return {GradescopeJson(report), AutolabLine(report), PrairieLearnJson(report),
          Classroom50Json(report), JunitXml(report)};
}

TEST(PlatformReportsTest, WhateverASubmissionThrowsBecomesValidText) {
  for (const Sample& sample : {HostileSample(), WorstSample()}) {
    EXPECT_TRUE(Json::accept(GradescopeJson(sample.report)));
    EXPECT_TRUE(Json::accept(AutolabLine(sample.report)));
    EXPECT_TRUE(Json::accept(PrairieLearnJson(sample.report)));
    EXPECT_TRUE(Json::accept(Classroom50Json(sample.report)));
    ParsedJunit(sample.report);
  }
}

TEST(PlatformReportsTest, TheSeedIsTheInstructorsAlone) {
  for (const std::string& text : AllFormats(MixedSample().report)) {
    EXPECT_FALSE(Has(text, "424242"));
  }
}

TEST(PlatformReportsTest, NoFormatOutgrowsItsPlatform) {
  const Sample sample = WorstSample();
  for (const std::string& text : AllFormats(sample.report)) {
    EXPECT_LE(text.size(), kMostReportBytes);
  }
  EXPECT_LE(WithinBytes(sample.report, kMostReportBytes, FullText).size(),
            kMostReportBytes);
  EXPECT_LE(WithinBytes(sample.report, kMostPageBytes, HtmlReport).size(),
            kMostPageBytes);
}

TEST(PlatformReportsTest, AReportThatFitsIsNotShortened) {
  const Sample sample = MixedSample();
  EXPECT_EQ(WithinBytes(sample.report, kMostReportBytes, FullText),
            FullText(sample.report));
}

// One bad file made 180 KB: the compiler's errors were in every check.
TEST(PlatformReportsTest, TheCompilersWordsAreThereOnceAPart) {
  const Sample sample = BrokenSample();
  const std::string words = "does not name a type";
  for (const std::string& text :
       {GradescopeJson(sample.report), PrairieLearnJson(sample.report)}) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(words, at)) != std::string::npos;
         ++at) {
      ++count;
    }
    // PrairieLearn shows format errors and the output in different places.
    EXPECT_LE(count, 2 * sample.report.marks.parts.size()) << text;
    EXPECT_GE(count, sample.report.marks.parts.size()) << text;
  }
}

// 0.1 + 0.7 and 0.9 * 100 are what a person would write, alone and summed.
TEST(PlatformReportsTest, NumbersAreThoseThatAPersonWouldWrite) {
  Sample sample = PerfectSample();
  double points = 0.1;
  for (PartMark& part : sample.report.marks.parts) {
    for (CheckMark& mark : part.tasks[0].checks) {
      mark.points = points;
      points = points == 0.1 ? 0.7 : 0.1;
    }
  }
  sample.report.lateness = {.policy = {}, .submitted = {}, .factor = 0.9};
  for (const std::string& text : AllFormats(sample.report)) {
    for (const char* tail : {"00000000", "99999999"}) {
      const std::size_t at = text.find(tail);
      EXPECT_EQ(at, std::string::npos) << text.substr(at - 20, 40);
    }
  }
}

}  // namespace
}  // namespace kvlab::grading
