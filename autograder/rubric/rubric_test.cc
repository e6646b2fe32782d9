#include "autograder/rubric/rubric.h"

#include <string>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

// Two checks, one of which wants a number.
Checks Known() {
  const auto nothing = [](Exam&) {};
  return {AllOrNothing("plain", {}, nothing),
          AllOrNothing("measured", {"tolerance"}, nothing)};
}

const std::string kLimits = R"([limits]
call_seconds = 10
hasty_call_seconds = 2
patience = 3
reply_mib = 16
)";

const std::string kPart = R"([[parts]]
title = "Module 1"
judged = "module 1"
[[parts.tasks]]
id = "1.1"
title = "Softmax"
)";

// A check in lines of its own, so that errors have lines.
std::string CheckLines(const std::string& name, const std::string& points,
                       const std::string& more = "") {
  return "[[parts.tasks.checks]]\nname = \"" + name +
         "\"\ntitle = \"Values\"\npoints = " + points +
         "\nasked = \"a\"\nwhy = \"b\"\nwhere = \"c\"\n" + more;
}

const std::string kSettings = "settings = { tolerance = 1e-5 }\n";

Rubric Parse(const std::string& text) {
  return ParseRubric(text, "rubric.toml", Known());
}

// What the error says, without its place.
std::string ErrorOf(const std::string& text) {
  try {
    Parse(text);
  } catch (const RubricError& error) {
    return error.what();
  }
  return "accepted";
}

void ExpectError(const std::string& text, const std::string& part) {
  EXPECT_NE(ErrorOf(text).find(part), std::string::npos) << ErrorOf(text);
}

TEST(RubricTest, ReadsWhatIsThere) {
  const Rubric rubric =
      Parse(kLimits + kPart + CheckLines("plain", "40") +
            CheckLines("measured", "60",
                       kSettings + "needs = [\"plain\"]\n"
                                   "follows = [\"plain\"]\n"));
  EXPECT_EQ(rubric.limits.call.seconds, 10);
  EXPECT_EQ(rubric.limits.call.reply_bytes, std::size_t{16} << 20U);
  EXPECT_EQ(rubric.Points(), 100);
  ASSERT_EQ(rubric.parts.size(), 1U);
  EXPECT_EQ(rubric.parts[0].judged, Judged::kModule1);
  const RubricTask& task = rubric.parts[0].tasks.at(0);
  EXPECT_EQ(task.id, "1.1");
  EXPECT_EQ(task.Points(), 100);
  const RubricCheck& check = task.checks.at(1);
  EXPECT_EQ(check.run, "measured");
  EXPECT_EQ(check.settings.at("tolerance"), 1e-5);
  EXPECT_EQ(check.needs, std::vector<std::string>{"plain"});
}

TEST(RubricTest, AnyNameMayRunACheck) {
  const Rubric rubric = Parse(kLimits + kPart + CheckLines("plain", "40") +
                              CheckLines("again", "60", "run = \"plain\"\n"));
  EXPECT_EQ(rubric.parts[0].tasks[0].checks[1].run, "plain");
}

TEST(RubricTest, NamesFileAndLineOfAnUnknownKey) {
  EXPECT_EQ(ErrorOf(kLimits + "colour = \"red\"\n"),
            "rubric.toml:6: 'colour' is not known here\n"
            "  fix: correct its spelling, or remove it");
}

TEST(RubricTest, NamesAMissingKey) {
  ExpectError("[limits]\ncall_seconds = 10\n", "'reply_mib' is missing");
  ExpectError(kLimits + kPart + "[[parts.tasks.checks]]\nname = \"plain\"\n",
              "'title' is missing");
}

TEST(RubricTest, RefusesWhatIsNoNumber) {
  ExpectError(kLimits + kPart + CheckLines("plain", "\"many\""),
              "'points' is no number");
}

TEST(RubricTest, RefusesNegativePoints) {
  ExpectError(kLimits + kPart + CheckLines("plain", "-1"),
              "points are negative");
  ExpectError(kLimits + kPart + CheckLines("plain", "nan"),
              "points are negative");
}

TEST(RubricTest, RefusesAnUnknownCheck) {
  ExpectError(kLimits + kPart + CheckLines("fancy", "100"),
              "there is no check 'fancy'");
}

TEST(RubricTest, RefusesACheckTwiceInAPart) {
  ExpectError(
      kLimits + kPart + CheckLines("plain", "50") + CheckLines("plain", "50"),
      "check 'plain' stands twice in this part");
}

TEST(RubricTest, RefusesSettingsThatTheCheckDoesNotHave) {
  ExpectError(kLimits + kPart + CheckLines("plain", "100", kSettings),
              "check 'plain' has no setting 'tolerance'");
  ExpectError(kLimits + kPart + CheckLines("measured", "100"),
              "check 'measured' lacks its setting 'tolerance'");
}

TEST(RubricTest, RefusesNeedsThatDoNotStandAbove) {
  ExpectError(
      kLimits + kPart + CheckLines("plain", "100", "needs = [\"measured\"]\n"),
      "'plain' refers to 'measured', which does not stand above it");
}

TEST(RubricTest, RefusesPointsThatDoNotSumTo100) {
  ExpectError(kLimits + kPart + CheckLines("plain", "99"),
              "all points sum to 99, not to 100");
}

TEST(RubricTest, RefusesAPartThatNobodyJudges) {
  ExpectError(kLimits + "[[parts]]\ntitle = \"x\"\njudged = \"module 9\"\n",
              "'module 9' cannot be judged");
}

TEST(RubricTest, SaysWhereTheTomlIsBroken) {
  ExpectError("[limits\n", "rubric.toml:1: ");
}

TEST(RubricTest, TheCoursesOwnRubricHolds) {
  const Rubric rubric = LoadRubric("autograder/rubric.toml", AllChecks());
  EXPECT_EQ(rubric.parts.size(), 4U);
}

}  // namespace
}  // namespace kvlab::grading
