#include "autograder/scoring/scoring.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

// Notes restarts and limits; times out if `hangs` is set.
class NotingEndpoint final : public Endpoint {
 public:
  Reply Call(const Request&, const CallLimits& limits) override {
    seconds.push_back(limits.seconds);
    Reply reply;
    reply.status = hangs ? Status::kTimedOut : status;
    reply.withheld_seconds = withheld_seconds;
    reply.starved = starved;
    return reply;
  }
  std::optional<std::uint64_t> ResidentBytes() override { return 0; }
  void Restart() override { ++restarts; }

  bool hangs = false;
  Status status = Status::kOk;
  double withheld_seconds = 0;
  bool starved = false;
  int restarts = 0;
  std::vector<double> seconds;
};

Check Fixed(const std::string& name, double share) {
  return {name, {}, [share](Exam&) {
            return Verdict{share, share < 1 ? "wrong" : "", "measured"};
          }};
}

Check Asking(const std::string& name) {
  return AllOrNothing(name, {}, [](Exam& exam) { exam.AskStudent("x", {}); });
}

RubricCheck Rule(const std::string& name, double points) {
  RubricCheck check;
  check.name = name;
  check.run = name;
  check.title = "Title of " + name;
  check.points = points;
  return check;
}

class ScoringTest : public ::testing::Test {
 protected:
  ScoringTest() {
    rubric_.parts = {{.title = "Part",
                      .judged = Judged::kModule,
                      .module = "01_attention",
                      .tasks = {{.id = "1.1", .title = "Task", .checks = {}}}}};
    options_.set_up_part = [this](const RubricPart&) {
      return PartSetup{.answerers = {.student = &student_,
                                     .reference = &reference_,
                                     .baseline = nullptr,
                                     .counted = nullptr,
                                     .instructions_of_last_call = nullptr},
                       .trouble = trouble_,
                       .with_task_alone = with_task_alone_};
    };
  }

  void Add(RubricCheck rule, Check check) {
    rubric_.parts[0].tasks[0].checks.push_back(std::move(rule));
    known_.push_back(std::move(check));
  }

  std::vector<CheckMark> Score() {
    marks_ = kvlab::grading::Score(rubric_, known_, options_);
    return marks_.parts.at(0).tasks.at(0).checks;
  }

  // A check that comes out as given, with all of the code and with its task's
  // functions alone.
  Check Either(const std::string& name, double all, double alone) {
    return {name, {}, [=, this](Exam& exam) {
              const bool is_alone = exam.AllAnswerers().student == &alone_;
              return Verdict{is_alone ? alone : all, "wrong", ""};
            }};
  }

  void OfferTasksAlone() {
    with_task_alone_ = [this](const RubricTask&, const auto& judge) {
      ++judged_alone_;
      judge({.student = &alone_, .reference = &reference_});
    };
  }

  std::function<void(const RubricTask&,
                     const std::function<void(const Answerers&)>&)>
      with_task_alone_;
  NotingEndpoint student_;
  NotingEndpoint alone_;
  int judged_alone_ = 0;
  NotingEndpoint reference_;
  Rubric rubric_;
  Checks known_;
  ScoringOptions options_;
  std::string trouble_;
  std::vector<std::string> made_of_;
  Marks marks_;
};

TEST_F(ScoringTest, AddsUpShares) {
  Add(Rule("whole", 2), Fixed("whole", 1));
  Add(Rule("half", 3), Fixed("half", 0.5));
  Add(Rule("none", 4), Fixed("none", 0));
  const auto marks = Score();
  EXPECT_EQ(marks[0].points, 2);
  EXPECT_TRUE(marks[0].Passed());
  EXPECT_EQ(marks[1].points, 1.5);
  EXPECT_FALSE(marks[1].Passed());
  EXPECT_EQ(marks[2].points, 0);
  EXPECT_EQ(marks_.Points(), 3.5);
  EXPECT_EQ(marks_.MaxPoints(), 9);
}

TEST_F(ScoringTest, DoesNotRunWhatNeedsACheckThatFailed) {
  Add(Rule("first", 1), Fixed("first", 0));
  RubricCheck second = Rule("second", 1);
  second.needs = {"first"};
  Add(second, Fixed("second", 1));
  const auto marks = Score();
  EXPECT_FALSE(marks[1].run);
  EXPECT_EQ(marks[1].points, 0);
  EXPECT_EQ(marks[1].came_back, "because task 1.1 failed: Title of first");
}

TEST_F(ScoringTest, DoesNotRunWhatNeedsATaskOfWhichAnythingFailed) {
  Add(Rule("good", 1), Fixed("good", 1));
  Add(Rule("bad", 1), Fixed("bad", 0.5));
  RubricCheck later = Rule("later", 1);
  later.needs = {"1.1"};
  rubric_.parts[0].tasks.push_back(
      {.id = "1.2", .title = "Later", .checks = {later}});
  known_.push_back(Fixed("later", 1));
  Score();
  EXPECT_EQ(marks_.parts[0].tasks[1].checks[0].came_back,
            "because task 1.1 failed: Title of bad");
}

TEST_F(ScoringTest, WhatWasNotRunHasNotPassed) {
  Add(Rule("first", 1), Fixed("first", 0));
  RubricCheck second = Rule("second", 1);
  second.needs = {"first"};
  Add(second, Fixed("second", 1));
  RubricCheck third = Rule("third", 1);
  third.needs = {"second"};
  Add(third, Fixed("third", 1));
  EXPECT_EQ(Score()[2].came_back, "because task 1.1 failed: Title of second");
}

TEST_F(ScoringTest, ACheckKnowsItsTiers) {
  RubricCheck rule = Rule("a", 4);
  rule.tiers = {{10, 1}, {5, 0.5}};
  Add(rule, {"a", {}, [](Exam& exam) {
               return Verdict{ShareFor(exam.Thresholds(), 7), "", ""};
             }});
  EXPECT_EQ(Score()[0].points, 2);
}

TEST_F(ScoringTest, WhatFollowsKeepsItsPointsIfItPasses) {
  Add(Rule("first", 1), Fixed("first", 0));
  RubricCheck second = Rule("second", 1);
  second.follows = {"first"};
  Add(second, Fixed("second", 1));
  RubricCheck third = Rule("third", 1);
  third.follows = {"second", "first"};
  Add(third, Fixed("third", 0));
  const auto marks = Score();
  EXPECT_EQ(marks[1].points, 1);
  EXPECT_EQ(marks[2].points, 0);
  EXPECT_EQ(marks[2].follows, "Title of first (1.1)");
}

TEST_F(ScoringTest, AFailureWithoutACauseStandsForItself) {
  Add(Rule("first", 1), Fixed("first", 1));
  RubricCheck second = Rule("second", 1);
  second.follows = {"first"};
  Add(second, Fixed("second", 0));
  EXPECT_EQ(Score()[1].follows, "");
}

TEST_F(ScoringTest, EveryCheckMeetsAFreshWorker) {
  Add(Rule("first", 1), Asking("first"));
  Add(Rule("second", 1), Asking("second"));
  Score();
  EXPECT_EQ(student_.restarts, 2);
  EXPECT_EQ(reference_.restarts, 2);
}

TEST_F(ScoringTest, LosesPatienceWithWhatHangsEverywhere) {
  rubric_.limits = {.call = {.seconds = 10, .reply_bytes = 1},
                    .hasty_call_seconds = 2,
                    .patience = 2};
  student_.hangs = true;
  for (const std::string name : {"a", "b", "c"}) {
    Add(Rule(name, 1), Asking(name));
  }
  const auto marks = Score();
  EXPECT_EQ(student_.seconds, (std::vector<double>{10, 10, 2}));
  EXPECT_EQ(marks[2].came_back, "no answer within 2 seconds");
}

TEST_F(ScoringTest, AllAnswersTogetherHaveALimit) {
  rubric_.limits.submission_seconds = 1e-9;
  for (const std::string name : {"a", "b"}) Add(Rule(name, 1), Asking(name));
  const auto marks = Score();
  EXPECT_TRUE(marks[0].Passed());
  EXPECT_NE(marks[1].came_back.find("the submission's time is used up"),
            std::string::npos)
      << marks[1].came_back;
  EXPECT_EQ(student_.seconds.size(), 1U);  // the second was not asked
  EXPECT_TRUE(marks_.out_of_time);
}

TEST_F(ScoringTest, AllAnswersOfACheckHaveALimit) {
  rubric_.limits.check_seconds = 1e-9;
  Add(Rule("twice", 1), AllOrNothing("twice", {}, [](Exam& exam) {
        exam.AskStudent("x", {});
        exam.AskStudent("x", {});
      }));
  Add(Rule("other", 1), Asking("other"));
  const auto marks = Score();
  EXPECT_NE(marks[0].came_back.find("the answers of this check may take"),
            std::string::npos)
      << marks[0].came_back;
  EXPECT_TRUE(marks[1].Passed());
  EXPECT_FALSE(marks_.out_of_time);
}

TEST_F(ScoringTest, WhatCannotBeJudgedIsNeitherEarnedNorLost) {
  Add(Rule("busy", 2),
      {"busy", {}, [](Exam&) -> Verdict { throw CheckBlocked{"too busy"}; }});
  Add(Rule("other", 1), Fixed("other", 1));
  const auto marks = Score();
  EXPECT_TRUE(marks[0].blocked);
  EXPECT_FALSE(marks[0].Passed());
  EXPECT_EQ(marks[0].points, 0);
  EXPECT_EQ(marks[0].came_back, "too busy");
  EXPECT_EQ(marks_.BlockedPoints(), 2);
  EXPECT_EQ(marks_.Points(), 1);
}

TEST_F(ScoringTest, NoAnswerOnAMachineThatIsTooBusyIsNeitherEarnedNorLost) {
  rubric_.limits.call.seconds = 2;
  student_.hangs = true;
  student_.withheld_seconds = 10;
  student_.starved = true;
  Add(Rule("busy", 2), Asking("busy"));
  const auto marks = Score();
  EXPECT_TRUE(marks[0].blocked);
  EXPECT_NE(marks[0].came_back.find("other programs take the processors"),
            std::string::npos)
      << marks[0].came_back;
}

TEST_F(ScoringTest, NoAnswerOnAMachineThatIsBusyForAWhileIsLost) {
  rubric_.limits.call.seconds = 2;
  student_.hangs = true;
  student_.withheld_seconds = 9;
  Add(Rule("busy", 2), Asking("busy"));
  const auto marks = Score();
  EXPECT_FALSE(marks[0].blocked);
  EXPECT_EQ(marks[0].came_back, "no answer within 2 seconds");
}

TEST_F(ScoringTest, WhatTheMachineWithheldIsNotTheSubmissionsTime) {
  rubric_.limits.submission_seconds = 1e-9;
  student_.withheld_seconds = 1;  // more than these calls take
  for (const std::string name : {"a", "b"}) Add(Rule(name, 1), Asking(name));
  Score();
  EXPECT_EQ(student_.seconds.size(), 2U);
  EXPECT_FALSE(marks_.out_of_time);
}

TEST_F(ScoringTest, CodeThatCannotBeBuiltEarnsNothingAndSaysWhy) {
  trouble_ = "it does not compile";
  Add(Rule("first", 1), Fixed("first", 1));
  const auto marks = Score();
  EXPECT_FALSE(marks[0].run);
  EXPECT_EQ(marks_.Points(), 0);
  EXPECT_EQ(marks_.parts[0].trouble, "it does not compile");
}

TEST_F(ScoringTest, InputsDependOnSeedAndNameAlone) {
  std::vector<float> drawn;
  const auto draw = [&](Exam& exam) {
    drawn.push_back(exam.Randomness().NextUniform());
  };
  Add(Rule("a", 1), AllOrNothing("a", {}, draw));
  Add(Rule("b", 1), AllOrNothing("b", {}, draw));
  options_.seed = 1;
  Score();
  Score();
  options_.seed = 2;
  Score();
  EXPECT_EQ(drawn[0], drawn[2]);
  EXPECT_NE(drawn[0], drawn[1]);
  EXPECT_NE(drawn[0], drawn[4]);
}

TEST_F(ScoringTest, ACheckMayDrawOncePerAuthor) {
  std::vector<float> drawn;
  RubricCheck rule = Rule("a", 1);
  rule.settings["per_author"] = 1;
  Add(rule, AllOrNothing("a", {"per_author"}, [&](Exam& exam) {
        drawn.push_back(exam.Randomness().NextUniform());
      }));
  options_.author_seed = 7;
  options_.seed = 1;
  Score();
  options_.seed = 2;
  Score();
  options_.author_seed = 8;
  Score();
  EXPECT_EQ(drawn[0], drawn[1]);
  EXPECT_NE(drawn[0], drawn[2]);
  options_.author_seed.reset();
  Score();
  options_.author_seed = options_.seed;
  Score();
  EXPECT_EQ(drawn[3], drawn[4]);
}

TEST_F(ScoringTest, WhatIsRightAloneLosesATenth) {
  OfferTasksAlone();
  Add(Rule("cause", 1), Either("cause", 0, 0));
  RubricCheck later = Rule("later", 2);
  later.follows = {"cause"};
  Add(later, Either("later", 0, 1));
  const auto marks = Score();
  EXPECT_EQ(marks[0].points, 0);
  EXPECT_FALSE(marks[0].alone);
  EXPECT_DOUBLE_EQ(marks[1].points, 1.8);
  EXPECT_TRUE(marks[1].alone);
  EXPECT_FALSE(marks[1].Passed());
  EXPECT_EQ(marks[1].follows, "Title of cause (1.1)");
  EXPECT_EQ(marks[1].cause, "cause");
}

TEST_F(ScoringTest, TheRubricSaysWhatBeingRightAloneEarns) {
  OfferTasksAlone();
  RubricCheck rule = Rule("a", 2);
  rule.alone = 0.5;
  Add(rule, Either("a", 0, 1));
  RubricCheck never = Rule("b", 2);
  never.alone = 0;
  Add(never, Either("b", 0, 1));
  const auto marks = Score();
  EXPECT_EQ(marks[0].points, 1);
  EXPECT_EQ(marks[1].points, 0);
  EXPECT_EQ(judged_alone_, 1);
}

TEST_F(ScoringTest, WhatIsWrongAloneTooFollowsFromItsOwnTaskAtMost) {
  OfferTasksAlone();
  Add(Rule("cause", 1), Either("cause", 0, 0));
  RubricCheck same = Rule("same", 2);
  same.follows = {"cause"};
  Add(same, Either("same", 0, 0));
  RubricCheck other = Rule("other", 2);
  other.follows = {"cause"};
  rubric_.parts[0].tasks.push_back(
      {.id = "1.2", .title = "Other", .checks = {other}});
  known_.push_back(Either("other", 0, 0));
  EXPECT_EQ(Score()[1].follows, "Title of cause (1.1)");
  EXPECT_EQ(marks_.parts[0].tasks[1].checks[0].follows, "");
}

TEST_F(ScoringTest, WhatPassesIsJudgedOnce) {
  OfferTasksAlone();
  Add(Rule("a", 1), Either("a", 1, 0));
  EXPECT_EQ(Score()[0].points, 1);
  EXPECT_EQ(judged_alone_, 0);
}

TEST_F(ScoringTest, WhatIsNotDoneOrHangsIsNotJudgedAlone) {
  OfferTasksAlone();
  for (const Status status : {Status::kNotImplemented, Status::kTimedOut}) {
    student_.status = status;
    rubric_.parts[0].tasks[0].checks.clear();
    Add(Rule("a", 1), Asking("a"));
    EXPECT_EQ(Score()[0].points, 0);
  }
  EXPECT_EQ(judged_alone_, 0);
}

Check Costing(const std::string& name, double share,
              std::optional<bool> affordable) {
  return {name, {}, [=](Exam& exam) {
            if (affordable) exam.NoteCost(*affordable);
            return Verdict{share, "wrong", ""};
          }};
}

TEST_F(ScoringTest, WhatCostsTooMuchIsNotJudgedAlone) {
  OfferTasksAlone();
  Add(Rule("slow", 1), Costing("slow", 0, false));
  EXPECT_EQ(Score()[0].points, 0);
  EXPECT_EQ(judged_alone_, 0);
}

TEST_F(ScoringTest, SpeedAloneNeedsCostsThatWereKept) {
  OfferTasksAlone();
  const auto speed_after = [&](std::optional<bool> affordable) {
    rubric_.parts[0].tasks[0].checks.clear();
    known_.clear();
    Add(Rule("cost", 1), Costing("cost", 0, affordable));
    RubricCheck speed = Rule("speed", 1);
    speed.affordable = {"cost"};
    Add(speed, Either("speed", 0, 1));
    return Score()[1].points;
  };
  EXPECT_EQ(speed_after(true), 0.9);
  EXPECT_EQ(speed_after(false), 0);
  EXPECT_EQ(speed_after(std::nullopt), 0);  // never measured
}

// What came of a check, from the worst to the best.
enum class Outcome {
  kUndone,
  kTooSlow,
  kWrong,
  kWrongAndAffordable,
  kRightAlone,
  kRightAloneAndAffordable,
  kRight
};
constexpr int kOutcomes = 7;

// A rubric of checks that need, follow and ask for the costs of those above.
class RandomRubric : public ScoringTest {
 protected:
  RandomRubric() { OfferTasksAlone(); }

  void Draw(Random& random) {
    RubricTask& task = rubric_.parts[0].tasks[0];
    task.checks.clear();
    known_.clear();
    for (std::size_t i = 0; i < kChecks; ++i) {
      RubricCheck rule =
          Rule(Name(i), 1 + std::floor(random.NextUniform() * 4));
      for (std::size_t above = 0; above < i; ++above) {
        if (random.NextUniform() < 0.2F) rule.needs.push_back(Name(above));
        if (random.NextUniform() < 0.2F) rule.affordable.push_back(Name(above));
        if (random.NextUniform() < 0.3F) rule.follows.push_back(Name(above));
      }
      Add(rule, Drawn(i));
      outcomes_[i] = static_cast<Outcome>(random.NextUniform() * kOutcomes);
    }
  }

  double PointsNow() {
    Score();
    return marks_.Points();
  }

  static constexpr std::size_t kChecks = 7;
  std::array<Outcome, kChecks> outcomes_ = {};

 private:
  static std::string Name(std::size_t i) {
    return {static_cast<char>('a' + i)};
  }

  Check Drawn(std::size_t i) {
    return {Name(i), {}, [this, i](Exam& exam) {
              const Outcome outcome = outcomes_[i];
              if (outcome == Outcome::kUndone) {
                student_.status = Status::kNotImplemented;
                exam.AskStudent("x", {});
              }
              if (outcome == Outcome::kTooSlow) exam.NoteCost(false);
              if (outcome == Outcome::kWrongAndAffordable ||
                  outcome == Outcome::kRightAloneAndAffordable) {
                exam.NoteCost(true);
              }
              const bool alone = exam.AllAnswerers().student == &alone_ &&
                                 outcome >= Outcome::kRightAlone;
              const bool right = outcome == Outcome::kRight || alone;
              return Verdict{right ? 1.0 : 0.0, "", ""};
            }};
  }
};

TEST_F(RandomRubric, WhatBecomesRightNeverLowersTheMark) {
  constexpr int kRounds = 2000;
  Random random(12);
  for (int round = 0; round < kRounds; ++round) {
    Draw(random);
    const double before = PointsNow();
    for (Outcome& outcome : outcomes_) {
      const Outcome was = std::exchange(outcome, Outcome::kRight);
      EXPECT_GE(PointsNow(), before - 1e-9) << "round " << round;
      outcome = was;
    }
  }
}

TEST_F(RandomRubric, WhatIsNotDoneOrBreaksNeverRaisesTheMark) {
  constexpr int kRounds = 2000;
  Random random(13);
  for (int round = 0; round < kRounds; ++round) {
    Draw(random);
    const double before = PointsNow();
    for (Outcome& outcome : outcomes_) {
      for (const Outcome worse : {Outcome::kUndone, Outcome::kWrong}) {
        // Becoming cheap is not becoming worse.
        if (worse >= outcome) continue;
        const Outcome was = std::exchange(outcome, worse);
        EXPECT_LE(PointsNow(), before + 1e-9) << "round " << round;
        outcome = was;
      }
    }
  }
}

TEST_F(RandomRubric, WhatIsNotDoneAtAllEarnsNothing) {
  Random random(14);
  Draw(random);
  outcomes_.fill(Outcome::kUndone);
  EXPECT_EQ(PointsNow(), 0);
  EXPECT_EQ(judged_alone_, 0);
}

// Marks of a part of 10 points and of a bonus of 6 points.
Marks WithBonus(const Rubric& rubric, double points, double bonus) {
  Marks marks;
  marks.most_bonus = rubric.most_bonus;
  for (const auto& [i, earned] : {std::pair(0U, points), {1U, bonus}}) {
    const RubricPart& part = rubric.parts[i];
    const RubricTask& task = part.tasks[0];
    marks.parts.push_back({.part = &part,
                           .trouble = "",
                           .tasks = {{.task = &task,
                                      .checks = {{.check = &task.checks[0],
                                                  .run = true,
                                                  .points = earned}}}}});
  }
  return marks;
}

Rubric RubricWithBonus(double most_bonus) {
  Rubric rubric;
  rubric.most_bonus = most_bonus;
  for (const auto& [bonus, points] : {std::pair(false, 10.0), {true, 6.0}}) {
    rubric.parts.push_back({.title = "Part",
                            .bonus = bonus,
                            .tasks = {{.id = "1.1",
                                       .title = "Task",
                                       .checks = {Rule("check", points)}}}});
  }
  return rubric;
}

// A seventh of 100 is 14.2857, and seven of those are 99.9999.
TEST(MarksTest, SharesOfPointsAddUpToWhatWasSharedOut) {
  RubricPart part;
  for (std::size_t i = 0; i < 7; ++i) {
    part.tasks.push_back({.id = "1." + std::to_string(i + 1),
                          .title = "Task",
                          .checks = {Rule("check", 100.0 / 7)}});
  }
  Marks marks;
  marks.parts = {{.part = &part, .trouble = "", .tasks = {}}};
  for (const RubricTask& task : part.tasks) {
    const RubricCheck& check = task.checks[0];
    marks.parts[0].tasks.push_back(
        {.task = &task,
         .checks = {{.check = &check, .run = true, .points = check.points}}});
  }
  EXPECT_EQ(marks.parts[0].tasks[0].Points(), 14.2857);
  EXPECT_EQ(marks.parts[0].Points(), 100);
  EXPECT_EQ(marks.Points(), 100);
  for (TaskMark& task : marks.parts[0].tasks) task.checks[0].blocked = true;
  EXPECT_EQ(marks.BlockedPoints(), 100);
  EXPECT_EQ(marks.JudgedPoints(), 0);
  part.bonus = true;
  marks.most_bonus = 100;
  EXPECT_EQ(marks.BonusPoints(), 100);
}

TEST(BonusTest, ABonusIsOnTopOfThePointsThatAreAsked) {
  const Rubric rubric = RubricWithBonus(6);
  const Marks marks = WithBonus(rubric, 7, 2);
  EXPECT_EQ(marks.Points(), 9);
  EXPECT_EQ(marks.BonusPoints(), 2);
  EXPECT_EQ(marks.MaxPoints(), 10);
  EXPECT_EQ(marks.MaxBonusPoints(), 6);
  EXPECT_EQ(WithBonus(rubric, 10, 6).Points(), 16);
}

TEST(BonusTest, ButOnlyUpToItsLimit) {
  const Rubric rubric = RubricWithBonus(4);
  EXPECT_EQ(WithBonus(rubric, 7, 3).Points(), 10);
  EXPECT_EQ(WithBonus(rubric, 7, 5).Points(), 11);
  EXPECT_EQ(WithBonus(rubric, 7, 5).MaxBonusPoints(), 4);
}

TEST(BonusTest, ABonusThatCouldNotBeJudgedIsProvisionalButNotMissing) {
  const Rubric rubric = RubricWithBonus(4);
  Marks marks = WithBonus(rubric, 7, 0);
  marks.parts[1].tasks[0].checks[0].blocked = true;
  EXPECT_EQ(marks.BlockedPoints(), 6);
  EXPECT_EQ(marks.JudgedPoints(), 10);
  marks.parts[0].tasks[0].checks[0].blocked = true;
  EXPECT_EQ(marks.JudgedPoints(), 0);
}

TEST(BonusTest, PointsAreCountedInTurnUntilTheLimit) {
  const Rubric rubric = RubricWithBonus(4);
  CountedPoints counted(rubric.most_bonus);
  EXPECT_EQ(counted.Of(rubric.parts[1], 3), 3);
  EXPECT_EQ(counted.Of(rubric.parts[0], 10), 10);
  EXPECT_EQ(counted.Of(rubric.parts[1], 3), 1);
  EXPECT_EQ(counted.Of(rubric.parts[1], 3), 0);
}

TEST_F(ScoringTest, TheLimitOfTheBonusIsTheRubrics) {
  Add(Rule("good", 10), Fixed("good", 1));
  rubric_.parts[0].bonus = true;
  rubric_.most_bonus = 4;
  Score();
  EXPECT_EQ(marks_.Points(), 4);
  EXPECT_EQ(marks_.MaxPoints(), 0);
}

TEST_F(ScoringTest, PartsThatAreNotWantedAreLeftOut) {
  Add(Rule("a", 1), Fixed("a", 1));
  options_.wanted = [](const RubricPart& part) {
    return part.module == "02_transformer";
  };
  EXPECT_TRUE(kvlab::grading::Score(rubric_, known_, options_).parts.empty());
}

TEST_F(ScoringTest, WhatFailsWithAllCodeFollowsFromAFaultOfItsOwnModules) {
  for (const char* module : {"01_attention", "04_other"}) {
    RubricPart& part = rubric_.parts.emplace_back(rubric_.parts[0]);
    part.module = module;
    const std::string name = std::string("of ") + module;
    part.tasks[0].checks = {Rule(name, 1)};
    known_.push_back(Fixed(name, 0));
  }
  rubric_.parts.erase(rubric_.parts.begin());
  RubricPart& whole = rubric_.parts.emplace_back(rubric_.parts[0]);
  whole.judged = Judged::kEverything;
  whole.tasks[0].checks = {Rule("whole", 1)};
  known_.push_back(Fixed("whole", 0));
  options_.set_up_part = [&](const RubricPart&) {
    return PartSetup{.answerers = {.student = &student_},
                     .trouble = "",
                     .modules = made_of_};
  };
  const auto cause = [&] {
    marks_ = kvlab::grading::Score(rubric_, known_, options_);
    return marks_.parts.at(2).tasks.at(0).checks.at(0).cause;
  };
  made_of_ = {"01_attention"};
  EXPECT_EQ(cause(), "of 01_attention");
  made_of_ = {"04_other"};
  EXPECT_EQ(cause(), "of 04_other");
  made_of_ = {"02_third"};
  EXPECT_EQ(cause(), "");
}

// Counts its runs in `runs`.
Check Counted(const std::string& name, double share, int& runs) {
  return {name, {}, [share, &runs](Exam&) {
            ++runs;
            return Verdict{share, share < 1 ? "wrong" : "", "measured"};
          }};
}

// An earlier grading, of which `again` is to be run again.
Marks Without(const Marks& marks, const std::string& again) {
  Marks kept = marks;
  for (PartMark& part : kept.parts) {
    for (TaskMark& task : part.tasks) {
      std::erase_if(task.checks, [&](const CheckMark& mark) {
        return mark.check->name == again;
      });
    }
  }
  return kept;
}

TEST_F(ScoringTest, WhatHasAMarkIsNotRunAgain) {
  int first = 0;
  int second = 0;
  Add(Rule("first", 1), Counted("first", 0.5, first));
  Add(Rule("second", 2), Counted("second", 1, second));
  Score();
  const Marks kept = Without(marks_, "second");
  options_.earlier = &kept;
  const auto marks = Score();
  EXPECT_EQ(first, 1);
  EXPECT_EQ(second, 2);
  EXPECT_EQ(marks[0].points, 0.5);
  EXPECT_EQ(marks[0].measured, "measured");
  EXPECT_EQ(marks[1].points, 2);
}

TEST_F(ScoringTest, APartThatHasAllItsMarksNeedsNoCode) {
  int runs = 0;
  RubricCheck needy = Rule("needy", 1);
  needy.needs = {"first"};
  Add(Rule("first", 1), Counted("first", 0, runs));
  Add(needy, Counted("needy", 1, runs));
  Score();
  const Marks kept = marks_;
  EXPECT_FALSE(HasChecksToRun(rubric_.parts[0], &kept));
  EXPECT_TRUE(HasChecksToRun(rubric_.parts[0], nullptr));
  options_.earlier = &kept;
  options_.set_up_part = [](const RubricPart&) { return PartSetup{}; };
  const auto marks = Score();
  EXPECT_EQ(runs, 1);
  EXPECT_FALSE(marks[1].run);
  EXPECT_EQ(marks[1].cause, "first");
}

TEST_F(ScoringTest, APartThatCouldNotBeBuiltStaysSo) {
  trouble_ = "it does not compile";
  Add(Rule("first", 1), Fixed("first", 1));
  Score();
  const Marks kept = marks_;
  options_.earlier = &kept;
  trouble_ = "";
  EXPECT_FALSE(Score()[0].run);
  EXPECT_EQ(marks_.parts[0].trouble, "it does not compile");
}

// What was not run because of a check is run once that check passes, and the
// other way round.
TEST_F(ScoringTest, WhatNeedsACheckThatIsRunAgainFollowsIt) {
  double share = 0;
  int runs = 0;
  Add(Rule("first", 1), {"first", {}, [&share](Exam&) {
                           return Verdict{share, "", ""};
                         }});
  RubricCheck needy = Rule("needy", 1);
  needy.needs = {"first"};
  Add(needy, Counted("needy", 1, runs));
  Score();
  EXPECT_EQ(runs, 0);

  share = 1;
  const Marks failed = Without(marks_, "first");
  options_.earlier = &failed;
  EXPECT_TRUE(Score()[1].Passed());
  EXPECT_EQ(runs, 1);

  share = 0;
  const Marks passed = Without(marks_, "first");
  options_.earlier = &passed;
  EXPECT_FALSE(Score()[1].run);
  EXPECT_EQ(runs, 1);
}

TEST_F(ScoringTest, TheCauseOfAFailureIsThatOfToday) {
  double share = 0;
  Add(Rule("first", 1), {"first", {}, [&share](Exam&) {
                           return Verdict{share, "", ""};
                         }});
  RubricCheck after = Rule("after", 1);
  after.follows = {"first"};
  Add(after, Fixed("after", 0));
  EXPECT_EQ(Score()[1].cause, "first");
  share = 1;
  const Marks kept = Without(marks_, "first");
  options_.earlier = &kept;
  const auto marks = Score();
  EXPECT_EQ(marks[1].cause, "");
  EXPECT_EQ(marks[1].follows, "");
}

TEST_F(ScoringTest, CostsThatWereKeptStillAllowSpeedAlone) {
  RubricCheck cost = Rule("cost", 1);
  Add(cost, AllOrNothing("cost", {}, [](Exam& exam) {
        exam.NoteCost(true);
        exam.Fail("wrong");
      }));
  RubricCheck speed = Rule("speed", 1);
  speed.affordable = {"cost"};
  Add(speed, Either("speed", 0, 1));
  OfferTasksAlone();
  EXPECT_TRUE(Score()[1].alone);
  const Marks kept = Without(marks_, "speed");
  options_.earlier = &kept;
  EXPECT_TRUE(Score()[1].alone);
}

// Two hang and use up the patience; the third is run again and is in a hurry.
TEST_F(ScoringTest, PatienceAndTimeCountAcrossGradings) {
  rubric_.limits.patience = 2;
  rubric_.limits.call.seconds = 5;
  rubric_.limits.hasty_call_seconds = 1;
  student_.hangs = true;
  for (const char* name : {"a", "b", "c"}) Add(Rule(name, 1), Asking(name));
  Score();
  const Marks kept = Without(marks_, "c");
  options_.earlier = &kept;
  student_.seconds.clear();
  Score();
  ASSERT_EQ(student_.seconds.size(), 1U);
  EXPECT_LE(student_.seconds[0], 1);
}

TEST_F(ScoringTest, AFaultOfTheGraderIsNoMark) {
  Add(Rule("a", 1),
      AllOrNothing("a", {}, [](Exam& exam) { exam.Setting("not given"); }));
  EXPECT_THROW(Score(), GraderError);
}

}  // namespace
}  // namespace kvlab::grading
