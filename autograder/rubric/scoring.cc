#include "autograder/rubric/scoring.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "autograder/checks/check.h"
#include "fmt/format.h"
#include "kit/random.h"

namespace kvlab::grading {
namespace {

class PartScoring {
 public:
  PartScoring(const Rubric& rubric, const Checks& known,
              const ScoringOptions& options, const RubricPart& part)
      : rubric_(rubric), known_(known), options_(options), part_(part) {}

  PartMark Run() {
    const PartSetup setup = options_.set_up_part(part_);
    PartMark mark = {.part = &part_, .trouble = setup.trouble, .tasks = {}};
    for (const RubricTask& task : part_.tasks) {
      TaskMark& task_mark = mark.tasks.emplace_back();
      task_mark.task = &task;
      for (const RubricCheck& check : task.checks) {
        task_mark.checks.push_back(setup.trouble.empty()
                                       ? RunIfItCan(setup.parties, task, check)
                                       : NotRun(check, setup.trouble));
      }
    }
    return mark;
  }

 private:
  static CheckMark NotRun(const RubricCheck& check, const std::string& why) {
    CheckMark mark;
    mark.check = &check;
    mark.came_back = why;
    return mark;
  }

  struct Failed {
    const RubricTask* task = nullptr;
    const RubricCheck* check = nullptr;
  };

  // The first check that did not pass of those that `names` stand for.
  std::optional<Failed> FirstFailed(
      const std::vector<std::string>& names) const {
    for (const std::string& name : names) {
      for (const RubricTask& task : part_.tasks) {
        for (const RubricCheck& check : task.checks) {
          if ((name == check.name || name == task.id) &&
              !passed_.contains(check.name)) {
            return Failed{&task, &check};
          }
        }
      }
    }
    return std::nullopt;
  }

  CheckMark RunIfItCan(const Parties& parties, const RubricTask& task,
                       const RubricCheck& check) {
    if (const auto need = FirstFailed(check.needs)) {
      return NotRun(check, fmt::format("because task {} failed: {}",
                                       need->task->id, need->check->title));
    }
    if (options_.on_check) options_.on_check(task, check);
    CheckMark mark = Run(parties, check);
    if (mark.Passed()) {
      passed_.insert(check.name);
    } else if (const auto cause = FirstFailed(check.follows)) {
      mark.follows =
          fmt::format("{} ({})", cause->check->title, cause->task->id);
    }
    return mark;
  }

  CheckMark Run(const Parties& parties, const RubricCheck& check) {
    for (Endpoint* endpoint : {parties.student, parties.reference,
                               parties.baseline, parties.counted}) {
      if (endpoint != nullptr) endpoint->Restart();
    }
    CallLimits limits = rubric_.limits.call;
    if (timed_out_ >= rubric_.limits.patience) {
      limits.seconds = rubric_.limits.hasty_call_seconds;
    }
    Exam exam(parties, options_.checkpoint, check.settings,
              SeedFrom(options_.seed, check.name), limits, check.tiers);
    const auto start = std::chrono::steady_clock::now();
    const Verdict verdict =
        RunCheck(*std::ranges::find(known_, check.run, &Check::name), exam);
    if (exam.TimedOut()) ++timed_out_;
    const std::chrono::duration<double> seconds =
        std::chrono::steady_clock::now() - start;
    return {.check = &check,
            .run = true,
            .points = verdict.share * check.points,
            .came_back = verdict.came_back,
            .follows = "",
            .measured = verdict.measured,
            .seconds = seconds.count(),
            .measurements = verdict.measurements};
  }

  const Rubric& rubric_;
  const Checks& known_;
  const ScoringOptions& options_;
  const RubricPart& part_;
  std::set<std::string> passed_;
  std::size_t timed_out_ = 0;  // checks that met a time-out
};

}  // namespace

Marks Score(const Rubric& rubric, const Checks& known,
            const ScoringOptions& options) {
  Marks marks;
  for (const RubricPart& part : rubric.parts) {
    if (options.wanted && !options.wanted(part)) continue;
    marks.parts.push_back(PartScoring(rubric, known, options, part).Run());
  }
  return marks;
}

}  // namespace kvlab::grading
