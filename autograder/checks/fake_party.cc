#include "autograder/checks/fake_party.h"

#include <cstdint>
#include <stdexcept>
#include <string>

#include "autograder/checks/cache_trial.h"

namespace kvlab::grading {
namespace {

constexpr const char* kCheckpoint = "models/shakespeare-gpt2";

// Bytes of float32 keys and values of the shape that cached.shape answers.
std::uint64_t CacheBytes(const Integers& shape) {
  std::uint64_t bytes = 2 * sizeof(float);
  for (const std::int64_t size : shape) bytes *= std::uint64_t(size);
  return bytes;
}

}  // namespace

Reply Honest(const Request& request, Endpoint& honest) {
  return honest.Call(request, {});
}

Reply FakeStudent::Call(const Request& request, const CallLimits& /*limits*/) {
  Reply reply = behaviour_(request, honest_);
  if (request.operation == "cached.enable" && reply.status == Status::kOk) {
    const Reply shape =
        honest_.Call({"cached.shape", {reply.values.at(0)}}, {});
    if (shape.status == Status::kOk) {
      resident_ += CacheBytes(std::get<Integers>(shape.values.at(0)));
    }
  }
  return reply;
}

Verdict RunAgainst(const RubricCheck& check, const Behaviour& behaviour,
                   const std::function<std::uint64_t()>& instructions) {
  FakeStudent student(behaviour);
  FakeStudent counted(behaviour);
  LocalEndpoint reference;
  LocalEndpoint baseline;
  const Parties parties = {
      .student = &student,
      .reference = &reference,
      .baseline = &baseline,
      .counted = &counted,
      .instructions_of_last_call = [&]() -> std::optional<std::uint64_t> {
        return instructions ? instructions() : 1000;
      }};
  Exam::Settings settings = check.settings;
  if (check.run == "speed.cached_generation") {
    settings["new_tokens"] = 20;
    settings["pairs"] = 3;
    settings["full_speedup"] = 1.5;
    settings["half_speedup"] = 1.2;
  }
  Exam exam(parties, {.in_worker = kCheckpoint, .here = kCheckpoint}, settings,
            20240607, CourseRubric().limits.call);
  return RunCheck(*FindCheck(check.run), exam);
}

const Rubric& CourseRubric() {
  static const Rubric rubric =
      LoadRubric("autograder/rubric.toml", AllChecks());
  return rubric;
}

const RubricCheck& CourseCheck(const std::string& name) {
  for (const RubricPart& part : CourseRubric().parts) {
    for (const RubricTask& task : part.tasks) {
      for (const RubricCheck& check : task.checks) {
        if (check.name == name) return check;
      }
    }
  }
  throw std::logic_error("the rubric has no check " + name);
}

}  // namespace kvlab::grading
