// Endpoints in this process that answer as the solutions do, unless a test
// wants something else.
#ifndef KVLAB_AUTOGRADER_PROOF_CHECKS_FAKE_PARTY_H_
#define KVLAB_AUTOGRADER_PROOF_CHECKS_FAKE_PARTY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "autograder/exam/check.h"
#include "autograder/exam/exam.h"
#include "autograder/machine/checker/endpoint.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// What a student's code answers. May ask the honest endpoint.
using Behaviour =
    std::function<Reply(const Request& request, Endpoint& honest)>;

// Asks the solutions.
Reply Honest(const Request& request, Endpoint& honest);

// A student, and what is measured of their code from outside.
struct FakeParty {
  Behaviour student = Honest;
  // Who the student's speed is compared with.
  Behaviour baseline = Honest;
  // Instructions of each counted call, one after the other.
  std::function<std::uint64_t()> instructions = [] { return 1'000'000; };
  // Memory per byte that the formula gives for an enabled cache, and what each
  // forward pass leaves behind.
  double cache_growth = 1;
  std::uint64_t pass_growth = 0;
  bool frees_caches = true;
  // The share of the reference's speed that is enough; 0 for the table alone.
  double of_reference = 0;
  // Processor time that each side seems to have used so far.
  std::function<std::optional<double>()> cpu_seconds = [] {
    return std::optional<double>();
  };
};

// How many tokens a timed call asks for in tests.
inline constexpr std::int64_t kTimedTokens = 20;

// Runs one check of autograder/rubric.toml with its settings. The long lengths
// and many pairs of speed checks are cut, and their thresholds are 1.2 and 1.5.
Verdict RunAgainst(const RubricCheck& check, const FakeParty& party);

// autograder/rubric.toml.
const Rubric& CourseRubric();

// The check of that name in the first part that has it.
const RubricCheck& CourseCheck(const std::string& name);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_CHECKS_FAKE_PARTY_H_
