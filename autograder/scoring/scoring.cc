#include "autograder/scoring/scoring.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/check.h"
#include "fmt/format.h"
#include "kit/measure/stopwatch.h"
#include "kit/model/random.h"

namespace kvlab::grading {
namespace {

// nullptr if there is none.
const PartMark* EarlierPart(const RubricPart& part, const Marks* earlier) {
  if (earlier == nullptr) return nullptr;
  const auto found = std::ranges::find(earlier->parts, &part, &PartMark::part);
  return found == earlier->parts.end() ? nullptr : &*found;
}

const CheckMark* EarlierCheck(const RubricCheck& check, const PartMark* part) {
  if (part == nullptr) return nullptr;
  for (const TaskMark& task : part->tasks) {
    const auto found =
        std::ranges::find(task.checks, &check, &CheckMark::check);
    if (found != task.checks.end()) return &*found;
  }
  return nullptr;
}

class PartScoring {
 public:
  // seconds_left: of the time that the submission's answers may take
  PartScoring(const Rubric& rubric, const Checks& known,
              const ScoringOptions& options, const RubricPart& part,
              double& seconds_left)
      : rubric_(rubric),
        known_(known),
        options_(options),
        part_(part),
        earlier_(EarlierPart(part, options.earlier)),
        has_checks_to_run_(HasChecksToRun(part, options.earlier)),
        seconds_left_(seconds_left) {}

  PartMark Run(const PartSetup& setup) {
    PartMark mark = {.part = &part_, .trouble = setup.trouble, .tasks = {}};
    for (const RubricTask& task : part_.tasks) {
      TaskMark& task_mark = mark.tasks.emplace_back();
      task_mark.task = &task;
      for (const RubricCheck& check : task.checks) {
        task_mark.checks.push_back(setup.trouble.empty()
                                       ? RunIfItCan(setup, task, check)
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

  // The first check that is not among `good`, of those that `names` refer to.
  std::optional<Failed> FirstMissing(const std::vector<std::string>& names,
                                     const std::set<std::string>& good) const {
    for (const std::string& name : names) {
      for (const RubricTask& task : part_.tasks) {
        for (const RubricCheck& check : task.checks) {
          if ((name == check.name || name == task.id) &&
              !good.contains(check.name)) {
            return Failed{&task, &check};
          }
        }
      }
    }
    return std::nullopt;
  }

  CheckMark RunIfItCan(const PartSetup& setup, const RubricTask& task,
                       const RubricCheck& check) {
    if (const auto need = FirstMissing(check.needs, right_)) {
      CheckMark mark =
          NotRun(check, fmt::format("because task {} failed: {}",
                                    need->task->id, need->check->title));
      mark.cause = need->check->name;
      return mark;
    }
    const CheckMark* earlier = EarlierMark(check);
    CheckMark mark =
        earlier != nullptr ? Again(*earlier) : Judge(setup, task, check);
    // What is open explains nothing, and holds nothing up.
    const bool passed = mark.Passed() || mark.blocked;
    if (passed) passed_.insert(check.name);
    if (passed || mark.alone) right_.insert(check.name);
    if (mark.facts.affordable.value_or(passed)) affordable_.insert(check.name);
    if (!passed) NameTheCause(task, check, mark);
    return mark;
  }

  // The mark that stays; nullptr if the check is to be run.
  const CheckMark* EarlierMark(const RubricCheck& check) const {
    const CheckMark* mark = EarlierCheck(check, earlier_);
    const bool stays = mark != nullptr && (mark->run || !has_checks_to_run_);
    return stays ? mark : nullptr;
  }

  // What it took counts as it did, and what it follows from may have changed.
  CheckMark Again(const CheckMark& earlier) {
    if (earlier.facts.timed_out) ++timed_out_;
    seconds_left_ -= earlier.facts.waited_seconds;
    CheckMark mark = earlier;
    mark.follows.clear();
    mark.cause.clear();
    return mark;
  }

  CheckMark Judge(const PartSetup& setup, const RubricTask& task,
                  const RubricCheck& check) {
    if (options_.on_check) options_.on_check(task, check);
    Judgement all = Run(setup.answerers, check);
    CheckMark& mark = all.mark;
    CheckFacts& facts = mark.facts;
    if (!mark.Passed() && !mark.blocked &&
        MayBeJudgedAlone(setup, check, all)) {
      setup.with_task_alone(task, [&](const Answerers& answerers) {
        // The workers of all its code must not run while this one is timed.
        for (Endpoint* endpoint :
             {setup.answerers.student, setup.answerers.counted}) {
          if (endpoint != nullptr) endpoint->Restart();
        }
        const Judgement alone = Run(answerers, check);
        facts.own_fault = alone.mark.points == 0 && !alone.mark.blocked;
        Credit(alone, mark);
        mark.seconds += alone.mark.seconds;
        facts.timed_out = facts.timed_out || alone.mark.facts.timed_out;
        facts.waited_seconds += alone.mark.facts.waited_seconds;
        if (!facts.affordable) facts.affordable = alone.mark.facts.affordable;
      });
    }
    return std::move(mark);
  }

  // What fails with the functions of its task alone follows from no other task.
  void NameTheCause(const RubricTask& task, const RubricCheck& check,
                    CheckMark& mark) const {
    std::vector<std::string> causes = check.follows;
    if (mark.facts.own_fault) {
      std::erase_if(causes, [&](const std::string& name) {
        return std::ranges::none_of(task.checks, [&](const RubricCheck& other) {
          return other.name == name;
        });
      });
    }
    if (const auto cause = FirstMissing(causes, passed_)) {
      mark.follows =
          fmt::format("{} ({})", cause->check->title, cause->task->id);
      mark.cause = cause->check->name;
    } else if (mark.alone) {
      mark.follows = "another task of this module";
    }
  }

  // The result of a check: its points, and the facts that the rules need.
  struct Judgement {
    CheckMark mark;
    bool undone = false;
  };

  // What is not done cannot be right alone, and what costs too much does not
  // cost less for what else is wrong.
  bool MayBeJudgedAlone(const PartSetup& setup, const RubricCheck& check,
                        const Judgement& all) const {
    return setup.with_task_alone && check.alone > 0 && !all.undone &&
           !all.mark.facts.timed_out &&
           all.mark.facts.affordable.value_or(true) &&
           !FirstMissing(check.affordable, affordable_);
  }

  // The share of the points for passing alone, if that is more.
  static void Credit(const Judgement& alone, CheckMark& mark) {
    if (alone.mark.blocked) {
      mark.blocked = true;
      mark.came_back = alone.mark.came_back;
      return;
    }
    const double points = mark.check->alone * alone.mark.points;
    if (points <= mark.points) return;
    mark.points = points;
    mark.alone = true;
    mark.measurements = alone.mark.measurements;
  }

  std::uint64_t SeedOf(const RubricCheck& check) const {
    const auto per_author = check.settings.find("per_author");
    return per_author != check.settings.end() && per_author->second > 0
               ? options_.author_seed.value_or(options_.seed)
               : options_.seed;
  }

  Judgement Run(const Answerers& answerers, const RubricCheck& check) {
    for (Endpoint* endpoint :
         {answerers.student, answerers.reference, answerers.baseline,
          answerers.counted, answerers.specimens}) {
      if (endpoint != nullptr) endpoint->Restart();
    }
    CallLimits limits = rubric_.limits.call;
    if (timed_out_ >= rubric_.limits.patience) {
      limits.seconds = rubric_.limits.hasty_call_seconds;
    }
    Exam exam(answerers, options_.checkpoint, check.settings,
              SeedFrom(SeedOf(check), check.name), limits, check.tiers);
    exam.GiveTime(rubric_.limits.check_seconds, seconds_left_);
    const Stopwatch watch;
    const Verdict verdict =
        RunCheck(*std::ranges::find(known_, check.run, &Check::name), exam);
    if (exam.TimedOut()) ++timed_out_;
    seconds_left_ -= exam.WaitedSeconds();
    return {.mark = {.check = &check,
                     .run = true,
                     .points = verdict.share * check.points,
                     .came_back = verdict.came_back,
                     .measured = verdict.measured,
                     .seconds = watch.Seconds(),
                     .measurements = verdict.measurements,
                     .blocked = verdict.blocked,
                     .facts = {.affordable = verdict.affordable,
                               .timed_out = exam.TimedOut(),
                               .waited_seconds = exam.WaitedSeconds()}},
            .undone = exam.Undone()};
  }

  const Rubric& rubric_;
  const Checks& known_;
  const ScoringOptions& options_;
  const RubricPart& part_;
  const PartMark* earlier_;
  bool has_checks_to_run_;
  double& seconds_left_;
  std::set<std::string> passed_;
  std::set<std::string> right_;       // passed, or right alone
  std::set<std::string> affordable_;  // by what they cost
  std::size_t timed_out_ = 0;         // checks that met a time-out
};

// The first check that speaks for itself of those that judge one of `modules`;
// nullptr if they all passed.
const CheckMark* FirstFault(const Marks& marks,
                            const std::vector<std::string>& modules,
                            const TaskMark** of) {
  for (const PartMark& part : marks.parts) {
    if (part.part->judged != Judged::kModule ||
        std::ranges::find(modules, part.part->module) == modules.end()) {
      continue;
    }
    for (const TaskMark& task : part.tasks) {
      for (const CheckMark& mark : task.checks) {
        if (mark.Passed() || mark.blocked || !mark.follows.empty()) continue;
        *of = &task;
        return &mark;
      }
    }
  }
  return nullptr;
}

// What fails with everything together follows from what failed in one of its
// modules.
void NameCausesEndToEnd(const Marks& marks,
                        const std::vector<std::string>& modules,
                        PartMark& everything) {
  const TaskMark* task = nullptr;
  const CheckMark* cause = FirstFault(marks, modules, &task);
  if (cause == nullptr) return;
  for (TaskMark& one : everything.tasks) {
    for (CheckMark& mark : one.checks) {
      if (mark.Passed() || mark.blocked || !mark.run) continue;
      mark.follows =
          fmt::format("{} ({})", cause->check->title, task->task->id);
      mark.cause = cause->check->name;
    }
  }
}

}  // namespace

bool HasChecksToRun(const RubricPart& part, const Marks* earlier) {
  const PartMark* mark = EarlierPart(part, earlier);
  return std::ranges::any_of(part.tasks, [&](const RubricTask& task) {
    return std::ranges::any_of(task.checks, [&](const RubricCheck& check) {
      return EarlierCheck(check, mark) == nullptr;
    });
  });
}

Marks Score(const Rubric& rubric, const Checks& known,
            const ScoringOptions& options) {
  Marks marks;
  marks.most_bonus = rubric.most_bonus;
  double seconds_left = rubric.limits.submission_seconds;
  for (const RubricPart& part : rubric.parts) {
    if (options.wanted && !options.wanted(part)) continue;
    PartSetup setup = options.set_up_part(part);
    const PartMark* earlier = EarlierPart(part, options.earlier);
    if (earlier != nullptr && !HasChecksToRun(part, options.earlier)) {
      setup.trouble = earlier->trouble;
    }
    PartMark mark =
        PartScoring(rubric, known, options, part, seconds_left).Run(setup);
    if (part.judged == Judged::kEverything) {
      NameCausesEndToEnd(marks, setup.modules, mark);
    }
    marks.parts.push_back(std::move(mark));
  }
  marks.out_of_time = seconds_left <= 0;
  return marks;
}

}  // namespace kvlab::grading
