#include "autograder/scoring/rubric.h"

#include <string>

#include "autograder/scoring/iso_time.h"
#include "gtest/gtest.h"

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

const std::string kPart = R"([[parts]]
title = "Module 1"
judged = "module"
module = "01_attention"
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
  const Rubric rubric = Parse(kLimits + kPart + CheckLines("plain", "40") +
                              CheckLines("again", "60", "run = \"plain\"\n"));
  EXPECT_EQ(rubric.parts[0].tasks[0].checks[1].run, "plain");
}

TEST(RubricTest, NamesFileAndLineOfAnUnknownKey) {
  EXPECT_EQ(ErrorOf(kLimits + "colour = \"red\"\n"),
            "rubric.toml:9: 'colour' is not known here\n"
            "  fix: correct its spelling, or remove it");
}

TEST(RubricTest, NamesAMissingKey) {
  ExpectError(
      "[limits]\nbuild_seconds = 300\nsubmission_seconds = 300\n"
      "check_seconds = 30\ncall_seconds = 10\n",
      "'reply_mib' is missing");
  ExpectError(kLimits + kPart + "[[parts.tasks.checks]]\nname = \"plain\"\n",
              "'title' is missing");
}

TEST(RubricTest, RefusesWhatIsNoNumber) {
  ExpectError(kLimits + kPart + CheckLines("plain", "\"many\""),
              "'points' is no number");
}

TEST(RubricTest, RefusesNegativePoints) {
  ExpectError(kLimits + kPart + CheckLines("plain", "-1"),
              "rubric.toml:19: points are negative");
  ExpectError(kLimits + kPart + CheckLines("plain", "nan"),
              "'points' is no number");
}

TEST(RubricTest, RefusesANegativeTolerance) {
  ExpectError(
      kLimits + kPart +
          CheckLines("measured", "100", "settings = { tolerance = -1e-5 }\n"),
      "rubric.toml:23: setting 'tolerance' is negative");
}

TEST(RubricTest, RefusesAnUnknownCheck) {
  ExpectError(kLimits + kPart + CheckLines("fancy", "100"),
              "there is no check 'fancy'");
}

TEST(RubricTest, RefusesACheckTwiceInAPart) {
  ExpectError(
      kLimits + kPart + CheckLines("plain", "50") + CheckLines("plain", "50"),
      "rubric.toml:24: 'plain' stands twice in this part");
}

TEST(RubricTest, RefusesSettingsThatTheCheckDoesNotHave) {
  ExpectError(kLimits + kPart + CheckLines("plain", "100", kSettings),
              "check 'plain' has no setting 'tolerance'");
  ExpectError(kLimits + kPart + CheckLines("measured", "100"),
              "check 'measured' lacks its setting 'tolerance'");
}

std::string TwoChecks(const std::string& more_of_plain,
                      const std::string& more_of_measured) {
  return kLimits + kPart + CheckLines("plain", "40", more_of_plain) +
         CheckLines("measured", "60", kSettings + more_of_measured);
}

TEST(RubricTest, AWholeTaskMayBeNeeded) {
  const Rubric rubric =
      Parse(kLimits + kPart + CheckLines("plain", "40") +
            "[[parts.tasks]]\nid = \"1.2\"\ntitle = \"More\"\n" +
            CheckLines("measured", "60", kSettings + "needs = [\"1.1\"]\n"));
  EXPECT_EQ(rubric.parts[0].tasks[1].checks[0].needs,
            std::vector<std::string>{"1.1"});
}

TEST(RubricTest, RefusesNeedsThatAreNotThere) {
  ExpectError(TwoChecks("", "needs = [\"plane\"]\n"),
              "rubric.toml:31: 'measured' refers to 'plane', which is neither "
              "a check nor a task of this part");
}

TEST(RubricTest, RefusesNeedsThatStandBelow) {
  ExpectError(TwoChecks("needs = [\"measured\"]\n", ""),
              "rubric.toml:23: 'plain' refers to 'measured', which does not "
              "stand above it");
}

TEST(RubricTest, RefusesNeedsThatGoRoundInACircle) {
  ExpectError(TwoChecks("needs = [\"plain\"]\n", ""),
              "rubric.toml:23: this goes round in a circle: plain -> plain");
  ExpectError(TwoChecks("needs = [\"measured\"]\n", "needs = [\"plain\"]\n"),
              "this goes round in a circle: plain -> measured -> plain");
  ExpectError(TwoChecks("needs = [\"1.1\"]\n", ""),
              "this goes round in a circle: plain -> plain");
}

TEST(RubricTest, TheSameHoldsForWhatFollows) {
  ExpectError(TwoChecks("follows = [\"measured\"]\n", ""),
              "'plain' refers to 'measured', which does not stand above it");
  ExpectError(TwoChecks("follows = [\"1.7\"]\n", ""),
              "'plain' refers to '1.7', which is neither");
}

std::string Tiered(const std::string& tiers) {
  return kLimits + kPart +
         CheckLines("timed", "100", "tiers = [" + tiers + "]\n");
}

TEST(RubricTest, AndForTheCostsThatACheckAsksFor) {
  ExpectError(TwoChecks("affordable = [\"measured\"]\n", ""),
              "'plain' refers to 'measured', which does not stand above it");
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
  ExpectError(TwoChecks("alone = nan\n", ""), "'alone' is no number");
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
      "rubric.toml:23: tiers are out of order: 10 for a share of 0.5 stands "
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
  ExpectError(kLimits + kPart + CheckLines("timed", "100"),
              "check 'timed' lacks its tiers");
  ExpectError(
      kLimits + kPart +
          CheckLines("plain", "100", "tiers = [{ at_least = 1, share = 1 }]\n"),
      "rubric.toml:23: check 'plain' has no tiers");
}

TEST(RubricTest, ACheckIsSeenAsItsTaskUnlessItSaysOtherwise) {
  const Rubric rubric = Parse(
      kLimits + kPart + "visibility = \"after_due_date\"\n" +
      CheckLines("plain", "40") +
      CheckLines("measured", "60", kSettings + "visibility = \"hidden\"\n"));
  const RubricTask& task = rubric.parts[0].tasks[0];
  EXPECT_EQ(task.checks[0].visibility, Visibility::kAfterDueDate);
  EXPECT_EQ(task.checks[1].visibility, Visibility::kHidden);
}

TEST(RubricTest, RefusesAVisibilityThatThereIsNot) {
  ExpectError(TwoChecks("visibility = \"secret\"\n", ""),
              "rubric.toml:23: 'secret' is no visibility\n  fix: choose one "
              "of: visible, after_due_date, after_published, hidden");
}

std::string WithPolicy(const std::string& policy) {
  return kLimits + "[late_policy]\n" + policy + kPart +
         CheckLines("plain", "100");
}

TEST(RubricTest, ReadsALatePolicy) {
  const Rubric rubric =
      Parse(WithPolicy("due = 2027-01-15T23:59:00+01:00\ngrace_minutes = 10\n"
                       "percent_per_day = 12.5\nfree_days = 2\nfloor_percent = "
                       "50\n"));
  ASSERT_TRUE(rubric.late_policy);
  EXPECT_EQ(TimeText(rubric.late_policy->due), "2027-01-15 23:59:00 +01:00");
  EXPECT_EQ(rubric.late_policy->grace_minutes, 10);
  EXPECT_EQ(rubric.late_policy->percent_per_day, 12.5);
  EXPECT_EQ(rubric.late_policy->free_days, 2);
  EXPECT_EQ(rubric.late_policy->floor_percent, 50);
}

TEST(RubricTest, RefusesABadDate) {
  ExpectError(WithPolicy("due = 2027-02-29T23:59:00Z\n"), "rubric.toml:10: ");
  ExpectError(WithPolicy("due = 2027-01-15T23:59:00\n"),
              "rubric.toml:10: 'due' is no date with time and zone");
  ExpectError(WithPolicy("due = \"tomorrow\"\n"),
              "rubric.toml:10: 'due' is no date with time and zone");
  ExpectError(WithPolicy("percent_per_day = 10\n"), "'due' is missing");
}

TEST(RubricTest, RefusesALatePolicyThatCannotBe) {
  const std::string due = "due = 2027-01-15T23:59:00Z\n";
  ExpectError(WithPolicy(due + "percent_per_day = 110\n"),
              "rubric.toml:11: 'percent_per_day' is no percentage");
  ExpectError(WithPolicy(due + "floor_percent = -1\n"),
              "'floor_percent' is no percentage");
  ExpectError(WithPolicy(due + "grace_minutes = -1\n"),
              "'grace_minutes' is negative");
  ExpectError(WithPolicy(due + "free_days = 1.5\n"), "'free_days' is no count");
  ExpectError(WithPolicy(due + "mercy = 1\n"), "'mercy' is not known here");
  ExpectError(WithPolicy(due + "zone = \"Europe/Atlantis\"\n"),
              "there is no time zone 'Europe/Atlantis'");
  ExpectError(WithPolicy(due + "zone = \"Europe/Berlin\"\n"),
              "there it is 2027-01-16 00:59:00 +01:00 then");
  EXPECT_EQ(
      Parse(WithPolicy(due + "zone = \"Europe/London\"\n")).late_policy->zone,
      "Europe/London");
}

TEST(RubricTest, RefusesPointsThatDoNotSumTo100) {
  ExpectError(kLimits + kPart + CheckLines("plain", "99"),
              "all points sum to 99, not to 100");
}

TEST(RubricTest, RefusesAPartThatNobodyJudges) {
  ExpectError(kLimits + "[[parts]]\ntitle = \"x\"\njudged = \"module 9\"\n",
              "rubric.toml:11: 'module 9' cannot be judged");
}

TEST(RubricTest, APartNamesItsModuleUnlessItJudgesEverything) {
  ExpectError(kLimits + "[[parts]]\ntitle = \"x\"\njudged = \"quiz\"\n",
              "'module' is missing");
  const std::string whole =
      "[[parts]]\ntitle = \"x\"\njudged = \"everything\"\n";
  const std::string task = "[[parts.tasks]]\nid = \"E\"\ntitle = \"y\"\n";
  ExpectError(kLimits + whole + "module = \"01_attention\"\n" + task +
                  CheckLines("plain", "100"),
              "'module' is not known here");
  const Rubric rubric =
      Parse(kLimits + whole + task + CheckLines("plain", "100"));
  EXPECT_EQ(rubric.parts[0].Worker(), "everything");
}

TEST(RubricTest, SaysWhereTheTomlIsBroken) {
  ExpectError("[limits\n", "rubric.toml:1: ");
}

}  // namespace
}  // namespace kvlab::grading
