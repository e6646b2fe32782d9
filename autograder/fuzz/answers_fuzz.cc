// Every check of the rubric, put to somebody who answers as they like. The
// first byte of the input chooses the check, the others the answers.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "autograder/checks/check.h"
#include "autograder/checks/fake_party.h"
#include "autograder/fuzz/false_answers.h"
#include "autograder/fuzz/require.h"
#include "autograder/rubric/rubric.h"

namespace kvlab::grading {
namespace {

// What an author is told stays readable.
constexpr std::size_t kLongestText = 16384;

const std::vector<const RubricCheck*>& CourseChecks() {
  static const std::vector<const RubricCheck*> checks = [] {
    std::vector<const RubricCheck*> all;
    for (const RubricPart& part : CourseRubric().parts) {
      for (const RubricTask& task : part.tasks) {
        for (const RubricCheck& check : task.checks) all.push_back(&check);
      }
    }
    return all;
  }();
  return checks;
}

void Judge(const RubricCheck& check, std::span<const std::uint8_t> script) {
  FalseAnswers answers(script);
  FakeParty party;
  party.student = [&](const Request& request, Endpoint& honest) {
    return answers.Next(Honest(request, honest));
  };
  const Verdict verdict = RunAgainst(check, party);
  Require(verdict.share >= 0 && verdict.share <= 1, "a share is one");
  Require(verdict.share == 1 || !verdict.came_back.empty(),
          "whoever loses points is told why");
  Require(verdict.came_back.size() < kLongestText, "in few words");
}

}  // namespace
}  // namespace kvlab::grading

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace kvlab::grading;
  if (size == 0) return 0;
  const auto& checks = CourseChecks();
  Judge(*checks[data[0] % checks.size()], {data + 1, size - 1});
  return 0;
}
