// Endpoints in this process that answer as the solutions do, unless a test
// overrides an answer.
#ifndef KVLAB_AUTOGRADER_PROOF_CHECKS_FAKE_ANSWERERS_H_
#define KVLAB_AUTOGRADER_PROOF_CHECKS_FAKE_ANSWERERS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "autograder/exam/check.h"
#include "autograder/exam/exam.h"
#include "autograder/machine/checker/endpoint.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// Answers a request in place of the student's code. May ask the honest
// endpoint.
using Behaviour =
    std::function<Reply(const Request& request, Endpoint& honest)>;

// Asks the solutions.
Reply Honest(const Request& request, Endpoint& honest);

// A student, and the measurements of their code from outside.
struct FakeAnswerers {
  Behaviour student = Honest;
  // The baseline of the student's speed.
  Behaviour baseline = Honest;
  // Instructions of each counted call, in order.
  std::function<std::uint64_t()> instructions = [] { return 1'000'000; };
  // Memory per byte of the formula for an enabled cache or a pool, and the
  // bytes that each forward pass leaks.
  double cache_growth = 1;
  std::uint64_t pass_growth = 0;
  bool frees_caches = true;
  // The share of the reference's speed that is enough; 0 for the table alone.
  double of_reference = 0;
  // Processor time that each side reports so far.
  std::function<std::optional<double>()> cpu_seconds = [] {
    return std::optional<double>();
  };
};

// How many tokens a timed call asks for in tests.
inline constexpr std::int64_t kTimedTokens = 20;

// Runs one check of autograder/rubric.toml with its settings. The long lengths
// and many pairs of speed checks are cut, and their thresholds are 1.2 and 1.5.
Verdict RunAgainst(const RubricCheck& check, const FakeAnswerers& fake);

// autograder/rubric.toml.
const Rubric& CourseRubric();

// The check of that name in the first part that has it.
const RubricCheck& CourseCheck(std::string_view name);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_CHECKS_FAKE_ANSWERERS_H_
