#include "autograder/proof/graderlab/judgement.h"

#include <fnmatch.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "autograder/report/text_report.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace kvlab::grading {
namespace {

// A check in its place, and the name that cases use.
struct PlacedCheck {
  const PartMark& part;
  const CheckMark& mark;
  std::string name;
};

std::vector<PlacedCheck> AllOf(const Marks& marks) {
  std::vector<PlacedCheck> all;
  for (const PartMark& part : marks.parts) {
    for (const TaskMark& task : part.tasks) {
      for (const CheckMark& mark : task.checks) {
        all.push_back({part, mark, task.task->id + " " + mark.check->name});
      }
    }
  }
  return all;
}

bool Matches(const std::string& pattern, const std::string& name) {
  return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
}

bool AnyMatches(const std::vector<std::string>& patterns,
                const std::string& name) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return Matches(pattern, name);
  });
}

// The message to the author about this check.
std::string Message(const PlacedCheck& check) {
  const std::string& trouble = check.part.trouble;
  return trouble.empty() ? check.mark.came_back : trouble;
}

// With what the rubric says about every failure of this check.
std::string AllThatIsTold(const PlacedCheck& check) {
  return Message(check) + "\n" + check.mark.check->why;
}

// The first check that must see the case and did; nullptr if none did.
const PlacedCheck* FirstThatSees(const LabCase& one,
                                 const std::vector<PlacedCheck>& all) {
  const std::vector<std::string>& seen_by =
      one.expect.loses.empty() ? one.expect.halves : one.expect.loses;
  if (seen_by.empty()) return nullptr;
  const auto found = std::ranges::find_if(all, [&](const PlacedCheck& check) {
    return Matches(seen_by.front(), check.name) && !check.mark.Passed();
  });
  return found == all.end() ? nullptr : &*found;
}

double ExpectedPoints(const LabCase& one, const PlacedCheck& check) {
  const double points = check.mark.check->points;
  if (AnyMatches(one.expect.loses, check.name)) {
    // What an exploit attacks, which its first pattern names, must bring it
    // nothing. A task that follows may be right alone, as with a planted bug.
    const bool attacked =
        one.kind == "exploit" && Matches(one.expect.loses.front(), check.name);
    return check.mark.alone && !attacked ? check.mark.points : 0;
  }
  if (AnyMatches(one.expect.halves, check.name)) return points / 2;
  return AnyMatches(one.expect.may_lose, check.name) ? check.mark.points
                                                     : points;
}

// Points of each part, where `earned` gives those of a check.
std::string ByPart(const Marks& marks,
                   const std::function<double(const PlacedCheck&)>& earned) {
  std::string text;
  for (const PartMark& part : marks.parts) {
    double points = 0;
    for (const PlacedCheck& check : AllOf(marks)) {
      if (&check.part == &part) points += earned(check);
    }
    text += fmt::format("{}{:g}", text.empty() ? "" : " ", points);
  }
  return text;
}

}  // namespace

std::string MessageTo(const LabCase& one, const Report& report) {
  const std::vector<PlacedCheck> all = AllOf(report.marks);
  const PlacedCheck* const seen_by = FirstThatSees(one, all);
  return seen_by == nullptr ? "" : Message(*seen_by);
}

std::vector<std::string> Deviations(const LabCase& one, const Report& report) {
  std::vector<std::string> deviations;
  const std::vector<PlacedCheck> all = AllOf(report.marks);
  for (const std::string& pattern : one.expect.loses) {
    if (std::ranges::none_of(all, [&](const PlacedCheck& check) {
          return Matches(pattern, check.name);
        })) {
      deviations.push_back(
          fmt::format("the rubric has no check '{}'", pattern));
    }
  }
  for (const PlacedCheck& check : all) {
    const double expected = ExpectedPoints(one, check);
    if (check.mark.points == expected) continue;
    if (check.mark.Passed()) {
      deviations.push_back(check.name + " passed and must not");
    } else if (expected < check.mark.check->points) {
      deviations.push_back(fmt::format("{} earned {:g} instead of {:g}: {}",
                                       check.name, check.mark.points, expected,
                                       Message(check)));
    } else {
      deviations.push_back(fmt::format("{} lost points and must not: {}",
                                       check.name, Message(check)));
    }
  }
  const PlacedCheck* const seen_by = FirstThatSees(one, all);
  const std::string told = seen_by == nullptr ? "" : AllThatIsTold(*seen_by);
  if (told.find(one.expect.says) == std::string::npos) {
    deviations.push_back(fmt::format("the author is not told '{}' but '{}'",
                                     one.expect.says, told));
  }
  const std::string whole = FullText(report);
  std::smatch match;
  if (!one.expect.never_says.empty() &&
      std::regex_search(whole, match, std::regex(one.expect.never_says))) {
    deviations.push_back("the report holds '" + match.str() + "'");
  }
  return deviations;
}

namespace {

// A task, and those that measure its function: what it gives, and how fast.
std::vector<std::string> WithMeasuring(const Report& report,
                                       const std::string& task) {
  std::vector<std::string> tasks = {task};
  for (const PartMark& part : report.marks.parts) {
    for (const TaskMark& mark : part.tasks) {
      if (std::ranges::count(mark.task->measures, task) > 0) {
        tasks.push_back(mark.task->id);
      }
      if (mark.task->id == task) {
        std::ranges::copy(mark.task->measures, std::back_inserter(tasks));
      }
    }
  }
  return tasks;
}

}  // namespace

CostOfBug CostOf(const Report& report, const std::string& task) {
  const std::vector<std::string> tasks = WithMeasuring(report, task);
  CostOfBug cost;
  for (const PlacedCheck& check : AllOf(report.marks)) {
    if (check.part.part->judged != Judged::kModule) continue;
    cost.lost += check.mark.check->points - check.mark.points;
    const std::string own = check.name.substr(0, check.name.find(' '));
    if (std::ranges::find(tasks, own) != tasks.end()) {
      cost.task_points += check.mark.check->points;
    }
  }
  return cost;
}

std::vector<std::string> CostDeviations(const Report& report,
                                        const std::string& task) {
  const CostOfBug cost = CostOf(report, task);
  if (cost.lost <= 2 * cost.task_points + 1e-9) return {};
  return {
      fmt::format("it costs {:g} points, more than twice the {:g} of task "
                  "{}",
                  cost.lost, cost.task_points, task)};
}

std::string PointsByPart(const Report& report) {
  return ByPart(report.marks,
                [](const PlacedCheck& check) { return check.mark.points; });
}

std::string ExpectedByPart(const LabCase& one, const Report& report) {
  return ByPart(report.marks, [&](const PlacedCheck& check) {
    return ExpectedPoints(one, check);
  });
}

}  // namespace kvlab::grading
