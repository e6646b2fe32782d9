#include "autograder/proof/checks/fake_answerers.h"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograder/machine/checker/local_endpoint.h"

namespace kvlab::grading {
namespace {

constexpr const char* kCheckpoint = "models/shakespeare-gpt2";

// Bytes of float32 keys and values of the shape that cached.shape answers, or
// that paged.new is asked for.
std::uint64_t CacheBytes(const Integers& shape) {
  std::uint64_t bytes = 2 * sizeof(float);
  for (const std::int64_t size : shape) {
    bytes *= static_cast<std::uint64_t>(size);
  }
  return bytes;
}

class FakeEndpoint final : public Endpoint {
 public:
  FakeEndpoint(Behaviour behaviour, const FakeAnswerers& answerers)
      : behaviour_(std::move(behaviour)), fake_(answerers) {}

  Reply Call(const Request& request, const CallLimits& /*limits*/) override {
    Reply reply = behaviour_(request, honest_);
    if (request.operation == "model.forward") resident_ += fake_.pass_growth;
    if (request.operation == "cached.enable" && reply.status == Status::kOk) {
      GrowBy(reply.values);
    }
    if (request.operation == "paged.new" && reply.status == Status::kOk) {
      GrowByPool(std::get<Integers>(request.arguments.at(0)));
    }
    if (request.operation == "object.drop") Free(request.arguments);
    return reply;
  }
  std::optional<std::uint64_t> ResidentBytes() override { return resident_; }
  std::optional<double> CpuSeconds() override { return fake_.cpu_seconds(); }
  void Restart() override { honest_.Restart(); }

 private:
  // The cache of the handle in `enabled`, if it is one.
  void GrowBy(const Values& enabled) {
    const Reply shape = honest_.Call({"cached.shape", enabled}, {});
    if (shape.status != Status::kOk) return;
    const auto& sizes = std::get<Integers>(shape.values.at(0));
    const auto bytes = static_cast<std::uint64_t>(
        fake_.cache_growth * static_cast<double>(CacheBytes(sizes)));
    resident_ += bytes;
    caches_.emplace_back(enabled, bytes);
  }

  // A pool of that shape.
  void GrowByPool(const Integers& sizes) {
    resident_ += static_cast<std::uint64_t>(
        fake_.cache_growth * static_cast<double>(CacheBytes(sizes)));
  }

  // The cache of that handle, if it has one.
  void Free(const Values& dropped) {
    for (auto& [handle, bytes] : caches_) {
      if (!(handle == dropped) || !fake_.frees_caches) continue;
      resident_ -= bytes;
      bytes = 0;
    }
  }

  Behaviour behaviour_;
  const FakeAnswerers& fake_;
  LocalEndpoint honest_;
  std::uint64_t resident_ = 0;
  std::vector<std::pair<Values, std::uint64_t>> caches_;  // by handle, bytes
};

}  // namespace

Reply Honest(const Request& request, Endpoint& honest) {
  return honest.Call(request, {});
}

Verdict RunAgainst(const RubricCheck& check, const FakeAnswerers& fake) {
  FakeEndpoint student(fake.student, fake);
  FakeEndpoint counted(fake.student, fake);
  FakeEndpoint baseline(fake.baseline, fake);
  LocalEndpoint reference;
  LocalEndpoint specimens;
  const Answerers answerers = {
      .student = &student,
      .reference = &reference,
      .baseline = &baseline,
      .counted = &counted,
      .instructions_of_last_call = [&]() -> std::optional<std::uint64_t> {
        return fake.instructions();
      },
      .specimens = &specimens};
  Exam::Settings settings = check.settings;
  Tiers tiers = check.tiers;
  if (check.run == "speed.cached_generation") {
    settings["new_tokens"] = kTimedTokens;
    settings["pairs"] = 3;
    settings["of_reference"] = fake.of_reference;
    tiers = {{1.5, 1}, {1.2, 0.5}};
  }
  Exam exam(answerers, {.in_worker = kCheckpoint, .here = kCheckpoint},
            settings, 20240607, CourseRubric().limits.call, tiers);
  return RunCheck(*FindCheck(check.run), exam);
}

const Rubric& CourseRubric() {
  static const Rubric rubric =
      LoadRubric("autograder/rubric.toml", AllChecks());
  return rubric;
}

const RubricCheck& CourseCheck(std::string_view name) {
  for (const RubricPart& part : CourseRubric().parts) {
    for (const RubricTask& task : part.tasks) {
      for (const RubricCheck& check : task.checks) {
        if (check.name == name) return check;
      }
    }
  }
  throw std::logic_error("the rubric has no check " + std::string(name));
}

}  // namespace kvlab::grading
