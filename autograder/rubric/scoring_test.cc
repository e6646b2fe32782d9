#include "autograder/rubric/scoring.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

// Notes restarts and limits; answers nothing in time if it is told so.
class NotingEndpoint final : public Endpoint {
 public:
  Reply Call(const Request&, const CallLimits& limits) override {
    seconds.push_back(limits.seconds);
    Reply reply;
    reply.status = hangs ? Status::kTimedOut : Status::kOk;
    return reply;
  }
  std::optional<std::uint64_t> ResidentBytes() override { return 0; }
  void Restart() override { ++restarts; }

  bool hangs = false;
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
                      .judged = Judged::kModule1,
                      .tasks = {{.id = "1.1", .title = "Task", .checks = {}}}}};
    options_.set_up_part = [this](const RubricPart&) {
      return PartSetup{.parties = {.student = &student_,
                                   .reference = &reference_,
                                   .baseline = nullptr,
                                   .counted = nullptr,
                                   .instructions_of_last_call = nullptr},
                       .trouble = trouble_};
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

  NotingEndpoint student_;
  NotingEndpoint reference_;
  Rubric rubric_;
  Checks known_;
  ScoringOptions options_;
  std::string trouble_;
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

TEST_F(ScoringTest, PartsThatAreNotWantedAreLeftOut) {
  Add(Rule("a", 1), Fixed("a", 1));
  options_.wanted = [](const RubricPart& part) {
    return part.judged == Judged::kModule2;
  };
  EXPECT_TRUE(kvlab::grading::Score(rubric_, known_, options_).parts.empty());
}

TEST_F(ScoringTest, AFaultOfTheGraderIsNoMark) {
  Add(Rule("a", 1), AllOrNothing("a", {}, [](Exam& exam) {
        exam.Setting("nobody gives this");
      }));
  EXPECT_THROW(Score(), GraderError);
}

}  // namespace
}  // namespace kvlab::grading
