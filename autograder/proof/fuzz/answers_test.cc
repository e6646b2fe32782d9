// Every check of the rubric, against falsified answers: other statuses, values,
// numbers and shapes than those of the solutions. No answer may harm the
// checker, and every loss of points must come with a reason.
#include <cstddef>
#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/proof/checks/fake_answerers.h"
#include "autograder/proof/fuzz/false_answers.h"
#include "autograder/scoring/rubric.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

// Messages to an author stay readable.
constexpr std::size_t kLongestText = 16384;

std::vector<std::uint8_t> DrawScript(std::mt19937& random) {
  constexpr std::size_t kBytes = 64;
  std::vector<std::uint8_t> script(kBytes);
  for (std::uint8_t& byte : script) {
    // Half of the answers are honest, so checks get further.
    if (random() % 2 == 0) byte = static_cast<std::uint8_t>(random());
  }
  return script;
}

void Judge(const RubricCheck& check, std::span<const std::uint8_t> script) {
  FalseAnswers answers(script);
  FakeAnswerers fake;
  fake.student = [&](const Request& request, Endpoint& honest) {
    return answers.Next(Honest(request, honest));
  };
  Verdict verdict;
  ASSERT_NO_THROW(verdict = RunAgainst(check, fake));
  EXPECT_GE(verdict.share, 0);
  EXPECT_LE(verdict.share, 1);
  EXPECT_TRUE(verdict.share == 1 || !verdict.came_back.empty());
  EXPECT_LT(verdict.came_back.size(), kLongestText);
}

// By the number of a script, so that shards share the work.
class AnswersTest : public testing::TestWithParam<std::uint32_t> {};

TEST_P(AnswersTest, NoAnswerHarmsACheck) {
  constexpr std::uint32_t kSeed = 20240612;
  std::mt19937 random(kSeed + GetParam());
  for (const RubricPart& part : CourseRubric().parts) {
    if (part.judged == Judged::kQuiz) continue;  // runs no code
    for (const RubricTask& task : part.tasks) {
      for (const RubricCheck& check : task.checks) {
        SCOPED_TRACE(check.name);
        Judge(check, DrawScript(random));
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Scripts, AnswersTest,
                         testing::Range(std::uint32_t{0}, std::uint32_t{8}));

}  // namespace
}  // namespace kvlab::grading
