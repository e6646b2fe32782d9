// Endpoints in this process that answer as the solutions do, unless a test
// wants something else.
#ifndef KVLAB_AUTOGRADER_CHECKS_FAKE_PARTY_H_
#define KVLAB_AUTOGRADER_CHECKS_FAKE_PARTY_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "autograder/checker/endpoint.h"
#include "autograder/checker/local_endpoint.h"
#include "autograder/checks/check.h"
#include "autograder/checks/exam.h"
#include "autograder/rubric/rubric.h"

namespace kvlab::grading {

// What a student's code answers. May ask the honest endpoint.
using Behaviour =
    std::function<Reply(const Request& request, Endpoint& honest)>;

// Asks the solutions.
Reply Honest(const Request& request, Endpoint& honest);

class FakeStudent final : public Endpoint {
 public:
  explicit FakeStudent(Behaviour behaviour)
      : behaviour_(std::move(behaviour)) {}

  Reply Call(const Request& request, const CallLimits& limits) override;
  // What a process would hold whose caches are as large as they should be.
  std::optional<std::uint64_t> ResidentBytes() override { return resident_; }
  void Restart() override {
    honest_.Restart();
    resident_ = 0;
  }

 private:
  Behaviour behaviour_;
  LocalEndpoint honest_;
  std::uint64_t resident_ = 0;
};

// Runs one check of autograder/rubric.toml, with its settings, against a
// student who behaves so. Instructions are those that `instructions` gives for
// each counted call. The long lengths and many pairs of speed checks are cut.
Verdict RunAgainst(
    const RubricCheck& check, const Behaviour& behaviour,
    const std::function<std::uint64_t()>& instructions = nullptr);

// autograder/rubric.toml.
const Rubric& CourseRubric();

// The check of that name in the first part that has it.
const RubricCheck& CourseCheck(const std::string& name);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CHECKS_FAKE_PARTY_H_
