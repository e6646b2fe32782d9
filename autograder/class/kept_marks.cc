#include "autograder/class/kept_marks.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "autograder/class/mark_record.h"
#include "autograder/exam/tiers.h"
#include "autograder/machine/text/printable.h"
#include "autograder/scoring/marks.h"
#include "autograder/scoring/rubric.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

std::string FullName(const RubricPart& part, const RubricCheck& check) {
  return part.title + '/' + check.name;
}

// "3" of "03_memoization"; "" for a part without a module.
std::string NumberOf(const RubricPart& part) {
  const std::string number = part.module.substr(0, part.module.find('_'));
  const std::size_t first = number.find_first_not_of('0');
  return first == std::string::npos ? "" : number.substr(first);
}

bool Names(const std::string& name, const RubricPart& part) {
  return name == part.title || name == part.Worker() ||
         (!name.empty() && name == NumberOf(part));
}

bool Names(const std::string& name, const RubricPart& part,
           const RubricCheck& check) {
  return name == check.name || name == FullName(part, check);
}

bool IsNamed(const JudgedAgain& again, const RubricPart& part,
             const RubricCheck& check) {
  return std::ranges::any_of(
             again.parts,
             [&](const std::string& name) { return Names(name, part); }) ||
         std::ranges::any_of(again.checks, [&](const std::string& name) {
           return Names(name, part, check);
         });
}

bool SameTiers(const Tiers& one, const Tiers& other) {
  return std::ranges::equal(one, other, [](const Tier& a, const Tier& b) {
    return a.at_least == b.at_least && a.share == b.share;
  });
}

// Whether the same answers get the same share of the points.
bool JudgedAlike(const RubricCheck& one, const RubricCheck& other) {
  return one.run == other.run && one.settings == other.settings &&
         SameTiers(one.tiers, other.tiers) && one.needs == other.needs &&
         one.alone == other.alone && one.affordable == other.affordable;
}

bool SameLimits(const RubricLimits& one, const RubricLimits& other) {
  return one.build_seconds == other.build_seconds &&
         one.submission_seconds == other.submission_seconds &&
         one.check_seconds == other.check_seconds &&
         one.call.seconds == other.call.seconds &&
         one.call.reply_bytes == other.call.reply_bytes &&
         one.hasty_call_seconds == other.hasty_call_seconds &&
         one.patience == other.patience;
}

struct Earlier {
  const TaskMark* task = nullptr;
  const CheckMark* mark = nullptr;
};

const PartMark* EarlierPart(const RestoredReport& before,
                            const RubricPart& part) {
  for (const PartMark& mark : before.report.marks.parts) {
    if (mark.part->judged == part.judged && mark.part->module == part.module) {
      return &mark;
    }
  }
  return nullptr;
}

Earlier EarlierCheck(const PartMark* part, const RubricCheck& check) {
  if (part == nullptr) return {};
  for (const TaskMark& task : part->tasks) {
    for (const CheckMark& mark : task.checks) {
      if (mark.check->name == check.name) return {&task, &mark};
    }
  }
  return {};
}

// Whether the points of one rubric say what they are in the other.
bool CanBeScaled(const RubricCheck& from, const RubricCheck& to) {
  return from.points > 0 || to.points == from.points;
}

class PartComparison {
 public:
  PartComparison(const RestoredReport& before, const Rubric& rubric,
                 const JudgedAgain& again, const RubricPart& part)
      : before_(before),
        again_(again),
        part_(part),
        earlier_(EarlierPart(before, part)),
        same_limits_(!before.is_complete ||
                     SameLimits(before.rubric->limits, rubric.limits)) {}

  // The part's marks that stay; without tasks if there are none.
  PartMark Kept() const {
    PartMark kept = {.part = &part_, .trouble = "", .tasks = {}};
    if (earlier_ == nullptr) return kept;
    bool is_whole = true;
    kept.trouble = earlier_->trouble;
    for (const RubricTask& task : part_.tasks) {
      TaskMark marks = {.task = &task, .checks = {}};
      for (const RubricCheck& check : task.checks) {
        if (Stays(task, check)) {
          marks.checks.push_back(Scaled(check));
        } else {
          is_whole = false;
        }
      }
      if (!marks.checks.empty()) kept.tasks.push_back(std::move(marks));
    }
    if (!is_whole && !before_.is_complete) kept.tasks.clear();
    return kept;
  }

  std::vector<std::string> OtherChanges() const {
    std::vector<std::string> changes;
    for (const RubricTask& task : part_.tasks) {
      for (const RubricCheck& check : task.checks) {
        if (IsNamed(again_, part_, check)) continue;
        const Earlier earlier = EarlierCheck(earlier_, check);
        if (!IsJudgedAlike(task, check) ||
            earlier.mark->check->points != check.points) {
          changes.push_back(FullName(part_, check));
        }
      }
    }
    return changes;
  }

 private:
  bool IsJudgedAlike(const RubricTask& task, const RubricCheck& check) const {
    const Earlier earlier = EarlierCheck(earlier_, check);
    if (earlier.mark == nullptr || !same_limits_) return false;
    // The functions that are judged alone are those of the task.
    return earlier.task->task->id == task.id &&
           (!before_.is_complete || JudgedAlike(*earlier.mark->check, check));
  }

  bool Stays(const RubricTask& task, const RubricCheck& check) const {
    if (!IsJudgedAlike(task, check)) return false;
    const CheckMark& mark = *EarlierCheck(earlier_, check).mark;
    if (!CanBeScaled(*mark.check, check)) return false;
    if (again_.blocked && mark.blocked) return false;
    if (IsNamed(again_, part_, check)) {
      // What does not compile does not depend on what is asked.
      return !earlier_->trouble.empty() && again_.parts.empty();
    }
    return mark.Passed() || !DependsOnAgain(task, check);
  }

  // Whether what it earns alone depends on the cost that another check finds.
  bool DependsOnAgain(const RubricTask& of, const RubricCheck& check) const {
    for (const RubricTask& task : part_.tasks) {
      for (const RubricCheck& cost : task.checks) {
        if ((Contains(check.affordable, cost.name) ||
             Contains(check.affordable, task.id)) &&
            &cost != &check && !Stays(task, cost)) {
          return true;
        }
      }
      if (&task == &of) break;
    }
    return false;
  }

  CheckMark Scaled(const RubricCheck& check) const {
    CheckMark mark = *EarlierCheck(earlier_, check).mark;
    if (mark.check->points != check.points) {
      mark.points = mark.points / mark.check->points * check.points;
    }
    mark.check = &check;
    return mark;
  }

  const RestoredReport& before_;
  const JudgedAgain& again_;
  const RubricPart& part_;
  const PartMark* earlier_;
  bool same_limits_;
};

}  // namespace

const RubricCheck* NamedCheck(const Rubric& rubric, const std::string& name) {
  for (const RubricPart& part : rubric.parts) {
    for (const RubricTask& task : part.tasks) {
      for (const RubricCheck& check : task.checks) {
        if (Names(name, part, check)) return &check;
      }
    }
  }
  return nullptr;
}

void ExpectKnown(const JudgedAgain& again, const Rubric& rubric) {
  for (const std::string& name : again.parts) {
    if (std::ranges::none_of(rubric.parts, [&](const RubricPart& part) {
          return Names(name, part);
        })) {
      std::vector<std::string> titles;
      for (const RubricPart& part : rubric.parts) titles.push_back(part.title);
      throw DataError(
          fmt::format("there is no part '{}'", PrintableLine(name)),
          fmt::format("the rubric has: {}", fmt::join(titles, ", ")),
          "give one of these, a module's number, or 'everything'");
    }
  }
  for (const std::string& name : again.checks) {
    if (NamedCheck(rubric, name) == nullptr) {
      throw DataError(
          fmt::format("there is no check '{}'", PrintableLine(name)),
          "the rubric has none of that name",
          "instructor.txt of an exported report lists the names");
    }
  }
}

Marks MarksThatStay(const RestoredReport& before, const Rubric& rubric,
                    const JudgedAgain& again) {
  Marks kept;
  kept.most_bonus = rubric.most_bonus;
  for (const RubricPart& part : rubric.parts) {
    PartMark mark = PartComparison(before, rubric, again, part).Kept();
    if (!mark.tasks.empty()) kept.parts.push_back(std::move(mark));
  }
  return kept;
}

std::vector<std::string> OtherChanges(const RestoredReport& before,
                                      const Rubric& rubric,
                                      const JudgedAgain& again) {
  std::vector<std::string> changes;
  for (const RubricPart& part : rubric.parts) {
    for (std::string& change :
         PartComparison(before, rubric, again, part).OtherChanges()) {
      changes.push_back(std::move(change));
    }
  }
  for (const PartMark& part : before.report.marks.parts) {
    for (const TaskMark& task : part.tasks) {
      for (const CheckMark& mark : task.checks) {
        const auto same =
            std::ranges::find_if(rubric.parts, [&](const RubricPart& other) {
              return other.judged == part.part->judged &&
                     other.module == part.part->module;
            });
        const bool is_asked =
            same != rubric.parts.end() &&
            std::ranges::any_of(same->tasks, [&](const RubricTask& other) {
              return std::ranges::find(other.checks, mark.check->name,
                                       &RubricCheck::name) !=
                     other.checks.end();
            });
        if (!is_asked) changes.push_back(FullName(*part.part, *mark.check));
      }
    }
  }
  return changes;
}

}  // namespace kvlab::grading
