#include "autograder/fit_to_time.h"

#include <cmath>
#include <filesystem>
#include <random>
#include <string>

#include "autograder/exam/check.h"
#include "autograder/exam/exam.h"
#include "autograder/exam/measurement.h"
#include "autograder/machine/building/staged_kit.h"
#include "autograder/machine/checker/local_endpoint.h"
#include "autograder/machine/checker/worker_endpoint.h"
#include "autograder/machine/protocol/channel.h"
#include "autograder/scoring/rubric.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// Equal workers differ by noise alone; where one has a tenth less, a submission
// that is near a tier could miss it.
constexpr double kUnequal = 0.1;

const RubricCheck* FirstTimed(const Rubric& rubric) {
  for (const RubricPart& part : rubric.parts) {
    for (const RubricTask& task : part.tasks) {
      for (const RubricCheck& check : task.checks) {
        if (!check.tiers.empty()) return &check;
      }
    }
  }
  return nullptr;
}

}  // namespace

std::string WhyUnfitToTime(const Rubric& rubric, const StagedKit& kit,
                           const std::filesystem::path& checkpoint) {
  const RubricCheck* timed = FirstTimed(rubric);
  if (timed == nullptr) return "";
  WorkerOptions options;
  options.program = kit.ReferenceWorker();
  options.model = kit.KeptModel();
  options.host = kit.KeeperHost();
  WorkerEndpoint student(options);
  WorkerEndpoint baseline(options);
  LocalEndpoint reference;
  Answerers answerers;
  answerers.student = &student;
  answerers.reference = &reference;
  answerers.baseline = &baseline;
  Exam exam(answerers, {.in_worker = kModelFolder, .here = checkpoint.string()},
            timed->settings, std::random_device()(), rubric.limits.call,
            timed->tiers);
  const Verdict verdict = RunCheck(*FindCheck(timed->run), exam);
  if (verdict.blocked) return "it is too busy: " + verdict.came_back;
  if (verdict.share < 1) {
    return "the reference itself does not earn full points there: " +
           verdict.came_back;
  }
  for (const SpeedupMeasurement& speed : verdict.measurements.speedups) {
    if (std::abs(speed.of_reference - 1) <= kUnequal) continue;
    return fmt::format(
        "equal workers are not equally fast there: one has {:.0f} % of the "
        "speed of the other",
        100 * speed.of_reference);
  }
  return "";
}

}  // namespace kvlab::grading
