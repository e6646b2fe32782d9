// Every check of the rubric that runs code, against students who answer as the
// solutions do, and against students who answer nonsense.
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/proof/checks/fake_answerers.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

std::vector<RubricCheck> EveryCheck() {
  std::vector<RubricCheck> checks;
  for (const RubricPart& part : CourseRubric().parts) {
    if (part.judged == Judged::kQuiz) continue;  // runs no code
    for (const RubricTask& task : part.tasks) {
      checks.insert(checks.end(), task.checks.begin(), task.checks.end());
    }
  }
  return checks;
}

TEST(CourseRubricTest, UsesEveryCheckThatIsRegistered) {
  std::set<std::string> used;
  for (const RubricPart& part : CourseRubric().parts) {
    for (const RubricTask& task : part.tasks) {
      for (const RubricCheck& check : task.checks) used.insert(check.run);
    }
  }
  for (const Check& check : AllChecks()) {
    EXPECT_TRUE(used.contains(check.name)) << check.name;
  }
  EXPECT_EQ(used.size(), AllChecks().size());
}

class EveryCheckTest : public ::testing::TestWithParam<RubricCheck> {};

// The honest answer in a time that is made up: ten times as long without a
// cache. A clock on a busy machine may leave a threshold of speed open.
Reply InMadeUpTime(const Request& request, Endpoint& honest) {
  Reply reply = Honest(request, honest);
  reply.seconds = request.operation == "generate.baseline" ? 10 : 1;
  return reply;
}

TEST_P(EveryCheckTest, TheSolutionsPass) {
  FakeAnswerers solutions;
  if (!GetParam().tiers.empty()) {
    solutions.student = InMadeUpTime;
    solutions.baseline = InMadeUpTime;
  }
  const Verdict verdict = RunAgainst(GetParam(), solutions);
  EXPECT_EQ(verdict.share, 1) << verdict.came_back;
}

// The honest answer with every array changed by `change`.
Behaviour WithArrays(const std::function<void(Array&)>& change) {
  return [change](const Request& request, Endpoint& honest) {
    Reply reply = Honest(request, honest);
    for (Value& value : reply.values) {
      if (auto* array = std::get_if<Array>(&value)) change(*array);
      if (auto* integers = std::get_if<Integers>(&value)) {
        for (std::int64_t& integer : *integers) integer = 0;
      }
      if (auto* integer = std::get_if<std::int64_t>(&value)) *integer = 0;
      if (auto* number = std::get_if<double>(&value)) *number = 0;
    }
    return reply;
  };
}

TEST_P(EveryCheckTest, ZerosFail) {
  const Behaviour zeros = WithArrays([](Array& array) {
    for (float& value : array.values) value = 0;
  });
  EXPECT_EQ(RunAgainst(GetParam(), {.student = zeros}).share, 0);
}

TEST_P(EveryCheckTest, NotANumberFails) {
  const Behaviour nans = WithArrays([](Array& array) {
    for (float& value : array.values) value = std::nanf("");
  });
  EXPECT_EQ(RunAgainst(GetParam(), {.student = nans}).share, 0);
}

TEST_P(EveryCheckTest, AnotherShapeFails) {
  const Behaviour longer =
      WithArrays([](Array& array) { array.shape.push_back(1); });
  EXPECT_EQ(RunAgainst(GetParam(), {.student = longer}).share, 0);
}

TEST_P(EveryCheckTest, NumbersThatDoNotFillTheShapeFail) {
  const Behaviour hollow =
      WithArrays([](Array& array) { array.values.clear(); });
  EXPECT_EQ(RunAgainst(GetParam(), {.student = hollow}).share, 0);
}

TEST_P(EveryCheckTest, AnswersOfAnotherKindFail) {
  const auto other = [](const Request& request, Endpoint& honest) {
    Reply reply = Honest(request, honest);
    for (Value& value : reply.values) value = std::string("42");
    return reply;
  };
  EXPECT_EQ(RunAgainst(GetParam(), {.student = other}).share, 0);
}

TEST_P(EveryCheckTest, EmptyAnswersFail) {
  const auto empty = [](const Request&, Endpoint&) { return Reply{}; };
  EXPECT_EQ(RunAgainst(GetParam(), {.student = empty}).share, 0);
}

// What is given in the stubs works; the rest is not implemented. Code that
// throws the contract's errors for valid input must earn nothing.
TEST_P(EveryCheckTest, FailuresOfAllKindsFail) {
  for (const Status status :
       {Status::kNotImplemented, Status::kContractError, Status::kException,
        Status::kWorkerCrashed, Status::kTimedOut, Status::kBadReply}) {
    const auto fails = [&](const Request&, Endpoint&) {
      Reply reply;
      reply.status = status;
      reply.message = "it broke";
      return reply;
    };
    const Verdict verdict = RunAgainst(GetParam(), {.student = fails});
    EXPECT_EQ(verdict.share, 0);
    EXPECT_NE(verdict.came_back, "");
  }
}

INSTANTIATE_TEST_SUITE_P(Rubric, EveryCheckTest,
                         ::testing::ValuesIn(EveryCheck()),
                         [](const ::testing::TestParamInfo<RubricCheck>& info) {
                           std::string name = std::to_string(info.index) + "_" +
                                              info.param.name;
                           for (char& letter : name) {
                             if (letter == '.') letter = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace kvlab::grading
