#include "autograder/scoring/rubric.h"

#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>

#include "autograder/scoring/iso_time.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

// A check that wants nothing, one that wants a number, one that wants tiers.
Checks Known() {
  const auto nothing = [](Exam&) {};
  Check timed = AllOrNothing("timed", {}, nothing);
  timed.tiers_of = "speedup";
  return {AllOrNothing("plain", {}, nothing),
          AllOrNothing("measured", {"tolerance"}, nothing), timed};
}

const std::string kLimits = R"([limits]
build_seconds = 300
submission_seconds = 300
check_seconds = 30
call_seconds = 10
hasty_call_seconds = 2
patience = 3
reply_mib = 16
)";

// All of the course but its limits: one part, of all points.
const std::string kOnePart = R"([[parts]]
rubric = "part.toml"
points = 100
)";

const std::string kPart = R"(title = "Module 1"
judged = "module"
module = "01_attention"
[[tasks]]
id = "1.1"
title = "Softmax"
)";

// A check on separate lines, so that errors name its lines.
std::string CheckLines(const std::string& name, const std::string& points,
                       const std::string& more = "") {
  return "[[tasks.checks]]\nname = \"" + name +
         "\"\ntitle = \"Values\"\npoints = " + points +
         "\nasked = \"a\"\nwhy = \"b\"\nwhere = \"c\"\n" + more;
}

const std::string kSettings = "settings = { tolerance = 1e-5 }\n";

using PartTexts = std::map<std::string, std::string>;

Rubric ParseCourse(const std::string& course, const PartTexts& parts) {
  const PartReader read = [&](const std::string& name) -> RubricText {
    const auto found = parts.find(name);
    if (found == parts.end()) throw std::runtime_error("there is no " + name);
    return {.file = name, .toml = found->second};
  };
  return ParseRubric({.file = "rubric.toml", .toml = course}, read, Known());
}

// A course of one part, of which this is the text.
Rubric Parse(const std::string& part) {
  return ParseCourse(kLimits + kOnePart, {{"part.toml", part}});
}

// What the error of a course says.
std::string CourseErrorOf(const std::string& course,
                          const PartTexts& parts = {}) {
  try {
    ParseCourse(course, parts);
  } catch (const DataError& error) {
    return error.what();
  }
  return "accepted";
}

std::string ErrorOf(const std::string& part) {
  return CourseErrorOf(kLimits + kOnePart, {{"part.toml", part}});
}

void ExpectError(const std::string& part, const std::string& says) {
  EXPECT_NE(ErrorOf(part).find(says), std::string::npos) << ErrorOf(part);
}

void ExpectCourseError(const std::string& course, const PartTexts& parts,
                       const std::string& says) {
  const std::string error = CourseErrorOf(course, parts);
  EXPECT_NE(error.find(says), std::string::npos) << error;
}

TEST(RubricTest, ReadsWhatIsThere) {
  const Rubric rubric =
      Parse(kPart + CheckLines("plain", "40") +
            CheckLines("measured", "60",
                       kSettings + "needs = [\"plain\"]\n"
                                   "follows = [\"plain\"]\n"));
  EXPECT_EQ(rubric.limits.call.seconds, 10);
  EXPECT_EQ(rubric.limits.call.reply_bytes, std::size_t{16} << 20U);
  EXPECT_EQ(rubric.Points(), 100);
  EXPECT_EQ(rubric.most_bonus, 0);
  ASSERT_EQ(rubric.parts.size(), 1U);
  EXPECT_EQ(rubric.parts[0].judged, Judged::kModule);
  EXPECT_EQ(rubric.parts[0].module, "01_attention");
  const RubricTask& task = rubric.parts[0].tasks.at(0);
  EXPECT_EQ(task.id, "1.1");
  EXPECT_EQ(task.Points(), 100);
  const RubricCheck& check = task.checks.at(1);
  EXPECT_EQ(check.run, "measured");
  EXPECT_EQ(check.settings.at("tolerance"), 1e-5);
  EXPECT_EQ(check.needs, std::vector<std::string>{"plain"});
}

TEST(RubricTest, AnyNameMayRunACheck) {
  const Rubric rubric = Parse(kPart + CheckLines("plain", "40") +
                              CheckLines("again", "60", "run = \"plain\"\n"));
  EXPECT_EQ(rubric.parts[0].tasks[0].checks[1].run, "plain");
}

TEST(RubricTest, NamesFileAndLineOfAnUnknownKey) {
  EXPECT_EQ(CourseErrorOf(kLimits + "colour = \"red\"\n"),
            "rubric.toml:9: 'colour' is not known here\n"
            "  why: the marks are computed from it\n"
            "  fix: correct its spelling, or remove it");
  EXPECT_EQ(ErrorOf("colour = \"red\"\n" + kPart + CheckLines("plain", "100")),
            "part.toml:1: 'colour' is not known here\n"
            "  why: the marks are computed from it\n"
            "  fix: correct its spelling, or remove it");
}

TEST(RubricTest, NamesAMissingKey) {
  ExpectCourseError(
      "[limits]\nbuild_seconds = 300\nsubmission_seconds = 300\n"
      "check_seconds = 30\ncall_seconds = 10\n",
      {}, "'reply_mib' is missing");
  ExpectError(kPart + "[[tasks.checks]]\nname = \"plain\"\n",
              "'title' is missing");
}

TEST(RubricTest, RefusesWhatIsNoNumber) {
  ExpectError(kPart + CheckLines("plain", "\"many\""),
              "'points' must be a number");
}

TEST(RubricTest, RefusesNegativePoints) {
  ExpectError(kPart + CheckLines("plain", "-1"),
              "part.toml:10: points are negative");
  ExpectError(kPart + CheckLines("plain", "nan"), "'points' must be a number");
}

TEST(RubricTest, RefusesANegativeTolerance) {
  ExpectError(kPart + CheckLines("measured", "100",
                                 "settings = { tolerance = -1e-5 }\n"),
              "part.toml:14: setting 'tolerance' is negative");
}

TEST(RubricTest, RefusesAnUnknownCheck) {
  ExpectError(kPart + CheckLines("fancy", "100"), "there is no check 'fancy'");
}

TEST(RubricTest, RefusesACheckTwiceInAPart) {
  ExpectError(kPart + CheckLines("plain", "50") + CheckLines("plain", "50"),
              "part.toml:15: 'plain' appears twice in this part");
}

TEST(RubricTest, RefusesSettingsThatTheCheckDoesNotHave) {
  ExpectError(kPart + CheckLines("plain", "100", kSettings),
              "check 'plain' has no setting 'tolerance'");
  ExpectError(kPart + CheckLines("measured", "100"),
              "check 'measured' lacks its setting 'tolerance'");
}

std::string TwoChecks(const std::string& more_of_plain,
                      const std::string& more_of_measured) {
  return kPart + CheckLines("plain", "40", more_of_plain) +
         CheckLines("measured", "60", kSettings + more_of_measured);
}

TEST(RubricTest, AWholeTaskMayBeNeeded) {
  const Rubric rubric =
      Parse(kPart + CheckLines("plain", "40") +
            "[[tasks]]\nid = \"1.2\"\ntitle = \"More\"\n" +
            CheckLines("measured", "60", kSettings + "needs = [\"1.1\"]\n"));
  EXPECT_EQ(rubric.parts[0].tasks[1].checks[0].needs,
            std::vector<std::string>{"1.1"});
}

std::string MeasuringTask(const std::string& measures) {
  return kPart + CheckLines("plain", "40") +
         "[[tasks]]\nid = \"1.2\"\ntitle = \"More\"\nmeasures = [\"" +
         measures + "\"]\n" + CheckLines("measured", "60", kSettings);
}

TEST(RubricTest, ATaskMayMeasureTasksAboveIt) {
  const Rubric rubric = Parse(MeasuringTask("1.1"));
  EXPECT_EQ(rubric.parts[0].tasks[0].measures, std::vector<std::string>{});
  EXPECT_EQ(rubric.parts[0].tasks[1].measures, std::vector<std::string>{"1.1"});
}

TEST(RubricTest, RefusesToMeasureWhatIsNotAbove) {
  ExpectError(MeasuringTask("1.2"), "'1.2' is not a task above '1.2'");
  ExpectError(MeasuringTask("1.7"), "'1.7' is not a task above '1.2'");
}

TEST(RubricTest, RefusesNeedsThatAreNotThere) {
  ExpectError(TwoChecks("", "needs = [\"plane\"]\n"),
              "part.toml:22: 'measured' refers to 'plane', which is neither "
              "a check nor a task of this part");
}

TEST(RubricTest, RefusesNeedsThatStandBelow) {
  ExpectError(TwoChecks("needs = [\"measured\"]\n", ""),
              "part.toml:14: 'plain' refers to 'measured', which is not "
              "above it");
}

TEST(RubricTest, RefusesNeedsThatGoRoundInACircle) {
  ExpectError(TwoChecks("needs = [\"plain\"]\n", ""),
              "part.toml:14: circular reference: plain -> plain");
  ExpectError(TwoChecks("needs = [\"measured\"]\n", "needs = [\"plain\"]\n"),
              "circular reference: plain -> measured -> plain");
  ExpectError(TwoChecks("needs = [\"1.1\"]\n", ""),
              "circular reference: plain -> plain");
}

TEST(RubricTest, TheSameHoldsForWhatFollows) {
  ExpectError(TwoChecks("follows = [\"measured\"]\n", ""),
              "'plain' refers to 'measured', which is not above it");
  ExpectError(TwoChecks("follows = [\"1.7\"]\n", ""),
              "'plain' refers to '1.7', which is neither");
}

std::string Tiered(const std::string& tiers) {
  return kPart + CheckLines("timed", "100", "tiers = [" + tiers + "]\n");
}

TEST(RubricTest, AndForTheCostsThatACheckAsksFor) {
  ExpectError(TwoChecks("affordable = [\"measured\"]\n", ""),
              "'plain' refers to 'measured', which is not above it");
}

TEST(RubricTest, BeingRightAloneIsWorthLessThanBeingRight) {
  EXPECT_EQ(Parse(TwoChecks("", "")).parts[0].tasks[0].checks[0].alone,
            kAloneShare);
  EXPECT_EQ(
      Parse(TwoChecks("alone = 0.5\n", "")).parts[0].tasks[0].checks[0].alone,
      0.5);
  for (const std::string share : {"1", "-0.1"}) {
    ExpectError(TwoChecks("alone = " + share + "\n", ""),
                "give 0 or more, and less than 1");
  }
  ExpectError(TwoChecks("alone = nan\n", ""), "'alone' must be a number");
}

TEST(RubricTest, ReadsTiers) {
  const Rubric rubric =
      Parse(Tiered("{ at_least = 10, share = 1 }, { at_least = 5, share = 0.5 "
                   "}, { at_least = 2, share = 0.1 }"));
  const Tiers& tiers = rubric.parts[0].tasks[0].checks[0].tiers;
  ASSERT_EQ(tiers.size(), 3U);
  EXPECT_EQ(tiers[1].at_least, 5);
  EXPECT_EQ(tiers[1].share, 0.5);
}

TEST(RubricTest, RefusesTiersOutOfOrder) {
  ExpectError(
      Tiered("{ at_least = 5, share = 1 }, { at_least = 10, share = 0.5 }"),
      "part.toml:14: tiers are out of order: 10 for a share of 0.5 is "
      "below 5 for 1");
  ExpectError(
      Tiered("{ at_least = 5, share = 1 }, { at_least = 2, share = 1 }"),
      "tiers are out of order");
  ExpectError(Tiered("{ at_least = 5, share = 0.5 }"),
              "the first tier does not give full points");
  ExpectError(Tiered("{ at_least = -5, share = 1 }"),
              "'at_least' is out of range");
  ExpectError(Tiered("{ at_least = 5, share = 1, colour = 1 }"),
              "'colour' is not known here");
  ExpectError(Tiered(""), "'tiers'");
}

TEST(RubricTest, TiersBelongToTheChecksThatMeasure) {
  ExpectError(kPart + CheckLines("timed", "100"),
              "check 'timed' lacks its tiers");
  ExpectError(kPart + CheckLines("plain", "100",
                                 "tiers = [{ at_least = 1, share = 1 }]\n"),
              "part.toml:14: check 'plain' has no tiers");
}

TEST(RubricTest, ACheckIsSeenAsItsTaskUnlessItSaysOtherwise) {
  const Rubric rubric = Parse(
      kPart + "visibility = \"after_due_date\"\n" + CheckLines("plain", "40") +
      CheckLines("measured", "60", kSettings + "visibility = \"hidden\"\n"));
  const RubricTask& task = rubric.parts[0].tasks[0];
  EXPECT_EQ(task.checks[0].visibility, Visibility::kAfterDueDate);
  EXPECT_EQ(task.checks[1].visibility, Visibility::kHidden);
}

TEST(RubricTest, RefusesAVisibilityThatThereIsNot) {
  ExpectError(TwoChecks("visibility = \"secret\"\n", ""),
              "part.toml:14: 'secret' is not a valid visibility\n  why: the "
              "marks are computed from it\n  fix: choose one "
              "of: visible, after_due_date, after_published, hidden");
}

std::string WithPolicy(const std::string& policy) {
  return kLimits + "[late_policy]\n" + policy + kOnePart;
}

// A part that is not what its course is about.
const PartTexts kAnyPart = {{"part.toml", kPart + CheckLines("plain", "1")}};

TEST(RubricTest, ReadsALatePolicy) {
  const Rubric rubric =
      ParseCourse(WithPolicy("due = 2027-01-15T23:59:00+01:00\n"
                             "grace_minutes = 10\npercent_per_day = 12.5\n"
                             "free_days = 2\nfloor_percent = 50\n"),
                  kAnyPart);
  ASSERT_TRUE(rubric.late_policy);
  EXPECT_EQ(TimeText(rubric.late_policy->due), "2027-01-15 23:59:00 +01:00");
  EXPECT_EQ(rubric.late_policy->grace_minutes, 10);
  EXPECT_EQ(rubric.late_policy->percent_per_day, 12.5);
  EXPECT_EQ(rubric.late_policy->free_days, 2);
  EXPECT_EQ(rubric.late_policy->floor_percent, 50);
}

TEST(RubricTest, RefusesABadDate) {
  ExpectCourseError(WithPolicy("due = 2027-02-29T23:59:00Z\n"), kAnyPart,
                    "rubric.toml:10: ");
  ExpectCourseError(WithPolicy("due = 2027-01-15T23:59:00\n"), kAnyPart,
                    "rubric.toml:10: 'due' must be a date with time and zone");
  ExpectCourseError(WithPolicy("due = \"tomorrow\"\n"), kAnyPart,
                    "rubric.toml:10: 'due' must be a date with time and zone");
  ExpectCourseError(WithPolicy("percent_per_day = 10\n"), kAnyPart,
                    "'due' is missing");
}

TEST(RubricTest, RefusesALatePolicyThatCannotBe) {
  const std::string due = "due = 2027-01-15T23:59:00Z\n";
  ExpectCourseError(WithPolicy(due + "percent_per_day = 110\n"), kAnyPart,
                    "rubric.toml:11: 'percent_per_day' must be a percentage");
  ExpectCourseError(WithPolicy(due + "floor_percent = -1\n"), kAnyPart,
                    "'floor_percent' must be a percentage");
  ExpectCourseError(WithPolicy(due + "grace_minutes = -1\n"), kAnyPart,
                    "'grace_minutes' is negative");
  ExpectCourseError(WithPolicy(due + "free_days = 1.5\n"), kAnyPart,
                    "'free_days' must be a whole number, 0 or more");
  ExpectCourseError(WithPolicy(due + "mercy = 1\n"), kAnyPart,
                    "'mercy' is not known here");
  ExpectCourseError(WithPolicy(due + "zone = \"Europe/Atlantis\"\n"), kAnyPart,
                    "there is no time zone 'Europe/Atlantis'");
  ExpectCourseError(WithPolicy(due + "zone = \"Europe/Berlin\"\n"), kAnyPart,
                    "there it is 2027-01-16 00:59:00 +01:00 then");
  EXPECT_EQ(
      ParseCourse(WithPolicy(due + "zone = \"Europe/London\"\n"), kAnyPart)
          .late_policy->zone,
      "Europe/London");
}

const std::string kWhole = R"(title = "All together"
judged = "everything"
[[tasks]]
id = "E"
title = "All"
)";

TEST(RubricTest, RefusesAPartThatNobodyJudges) {
  ExpectError("title = \"x\"\njudged = \"module 9\"\n",
              "part.toml:2: 'module 9' cannot be judged");
}

TEST(RubricTest, APartNamesItsModuleUnlessItJudgesEverything) {
  ExpectError("title = \"x\"\njudged = \"quiz\"\n", "'module' is missing");
  ExpectError(
      "module = \"01_attention\"\n" + kWhole + CheckLines("plain", "100"),
      "'module' is not known here");
  EXPECT_EQ(Parse(kWhole + CheckLines("plain", "100")).parts[0].Worker(),
            "everything");
}

// The lines of the course that give a part its points.
std::string PartLines(const std::string& file, const std::string& points,
                      const std::string& more = "") {
  return "[[parts]]\nrubric = \"" + file + "\"\npoints = " + points + "\n" +
         more;
}

const std::string kIsBonus = "bonus = true\n";

// a.toml has 1 + 3 points of its own, b.toml 5.
const PartTexts kTwoParts = {
    {"a.toml",
     kPart + CheckLines("plain", "1") + CheckLines("measured", "3", kSettings)},
    {"b.toml", kWhole + CheckLines("plain", "5")}};

TEST(RubricTest, PartsStandInTheOrderOfTheCourse) {
  const Rubric rubric = ParseCourse(
      kLimits + PartLines("b.toml", "90") + PartLines("a.toml", "10"),
      kTwoParts);
  ASSERT_EQ(rubric.parts.size(), 2U);
  EXPECT_EQ(rubric.parts[0].title, "All together");
  EXPECT_EQ(rubric.parts[1].title, "Module 1");
}

TEST(RubricTest, TheCourseSaysWhatAPartIsWorthAndItsChecksShareIt) {
  const Rubric rubric = ParseCourse(
      kLimits + PartLines("a.toml", "60") + PartLines("b.toml", "40"),
      kTwoParts);
  const RubricTask& task = rubric.parts[0].tasks[0];
  EXPECT_DOUBLE_EQ(task.checks[0].points, 15);  // 60 * 1/4
  EXPECT_DOUBLE_EQ(task.checks[1].points, 45);
  EXPECT_DOUBLE_EQ(rubric.parts[1].Points(), 40);
}

TEST(RubricTest, APartOfItsOwnPointsKeepsThemToTheLastBit) {
  const Rubric rubric = ParseCourse(
      kLimits + PartLines("a.toml", "4") + PartLines("b.toml", "96"),
      kTwoParts);
  EXPECT_EQ(rubric.parts[0].tasks[0].checks[1].points, 3);
}

TEST(RubricTest, RefusesPartsThatDoNotSumTo100) {
  ExpectCourseError(
      kLimits + PartLines("a.toml", "4") + PartLines("b.toml", "95"), kTwoParts,
      "the points of all parts, bonus aside, sum to 99, not to 100\n  why: "
      "the marks are computed from it\n  fix: change the 'points' of some "
      "[[parts]]");
}

TEST(RubricTest, RefusesAPartWhoseChecksHaveNothingToShare) {
  ExpectCourseError(kLimits + kOnePart,
                    {{"part.toml", kPart + CheckLines("plain", "0")}},
                    "part.toml: its checks have no points");
}

TEST(RubricTest, RefusesAPartWithoutPoints) {
  ExpectCourseError(kLimits + PartLines("a.toml", "0"), kTwoParts,
                    "rubric.toml:11: 'points' is out of range");
  ExpectCourseError(kLimits + "[[parts]]\nrubric = \"a.toml\"\n", kTwoParts,
                    "'points' is missing");
}

TEST(RubricTest, RefusesAPartTwice) {
  ExpectCourseError(
      kLimits + PartLines("a.toml", "50") + PartLines("a.toml", "50"),
      kTwoParts, "rubric.toml:13: 'a.toml' is named twice");
}

TEST(RubricTest, RefusesAWordOfAPartThatIsNotKnown) {
  ExpectCourseError(kLimits + PartLines("a.toml", "100", "bonsu = true\n"),
                    kTwoParts, "rubric.toml:12: 'bonsu' is not known here");
}

TEST(RubricTest, ABonusIsOnTopOfThe100) {
  const Rubric rubric = ParseCourse(kLimits + PartLines("a.toml", "100") +
                                        PartLines("b.toml", "10", kIsBonus) +
                                        "[bonus]\nmost_points = 8\n",
                                    kTwoParts);
  EXPECT_EQ(rubric.Points(), 100);
  EXPECT_FALSE(rubric.parts[0].bonus);
  EXPECT_TRUE(rubric.parts[1].bonus);
  EXPECT_EQ(rubric.parts[1].Points(), 10);
  EXPECT_EQ(rubric.most_bonus, 8);
}

TEST(RubricTest, ABonusNeedsALimitAndALimitABonus) {
  ExpectCourseError(
      kLimits + PartLines("a.toml", "100") + PartLines("b.toml", "5", kIsBonus),
      kTwoParts,
      "'All together' is a bonus, and nothing limits how much of it counts");
  ExpectCourseError(kLimits + PartLines("a.toml", "100", "bonus = false\n") +
                        "[bonus]\nmost_points = 8\n",
                    kTwoParts, "no part is a bonus");
  ExpectCourseError(kLimits + PartLines("a.toml", "100", "bonus = \"yes\"\n"),
                    kTwoParts, "rubric.toml:12: 'bonus' must be true or false");
  ExpectCourseError(kLimits + PartLines("a.toml", "100") +
                        PartLines("b.toml", "5", kIsBonus) +
                        "[bonus]\nmost_points = -1\n",
                    kTwoParts, "'most_points' is out of range");
}

TEST(RubricTest, SaysWhereTheTomlIsBroken) {
  ExpectCourseError("[limits\n", {}, "rubric.toml:1: ");
  ExpectError("title = \n", "part.toml:1: ");
}

class RubricFilesTest : public ::testing::Test {
 protected:
  RubricFilesTest() {
    std::filesystem::create_directories(course_ / "judges");
    std::filesystem::create_directories(own_);
  }

  static void Write(const std::filesystem::path& file,
                    const std::string& text) {
    std::ofstream(file) << text;
  }

  static std::string LoadErrorOf(const std::filesystem::path& file,
                                 const std::filesystem::path& parts = {}) {
    try {
      LoadRubric(file, Known(), parts);
    } catch (const DataError& error) {
      return error.what();
    }
    return "accepted";
  }

  const std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) /
      ::testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::filesystem::path course_ = folder_ / "course";
  const std::filesystem::path own_ = folder_ / "own";
  const std::string text_ = kLimits + PartLines("judges/a.toml", "100");
  const std::string part_ = kPart + CheckLines("plain", "100");
};

TEST_F(RubricFilesTest, PartsAreLookedForBesideTheRubric) {
  Write(course_ / "rubric.toml", text_);
  Write(course_ / "judges/a.toml", part_);
  EXPECT_EQ(LoadRubric(course_ / "rubric.toml", Known()).parts[0].title,
            "Module 1");
}

TEST_F(RubricFilesTest, AnInstructorsRubricUsesThePartsOfTheCourse) {
  Write(own_ / "mine.toml", text_);
  Write(course_ / "judges/a.toml", part_);
  EXPECT_EQ(LoadRubric(own_ / "mine.toml", Known(), course_).parts[0].title,
            "Module 1");
}

TEST_F(RubricFilesTest, ButAPartBesideItComesFirst) {
  std::filesystem::create_directories(own_ / "judges");
  Write(own_ / "mine.toml", text_);
  Write(own_ / "judges/a.toml", kWhole + CheckLines("plain", "1"));
  Write(course_ / "judges/a.toml", part_);
  EXPECT_EQ(LoadRubric(own_ / "mine.toml", Known(), course_).parts[0].title,
            "All together");
}

TEST_F(RubricFilesTest, SaysWhichFileCannotBeRead) {
  const std::filesystem::path file = own_ / "mine.toml";
  EXPECT_EQ(LoadErrorOf(file),
            file.string() +
                ": cannot be read\n  why: the marks are computed from it\n"
                "  fix: give the path of a rubric.toml");
  Write(file, text_);
  EXPECT_EQ(
      LoadErrorOf(file, course_),
      file.string() + ": the rubric of a part cannot be read: " +
          (own_ / "judges/a.toml").string() +
          "\n  why: its checks and their points are in it\n  fix: 'rubric' "
          "in [[parts]] is a path from the folder of this file");
}

}  // namespace
}  // namespace kvlab::grading
