#include "autograder/report/check_rows.h"

#include <string>
#include <vector>

#include "autograder/report/causes.h"
#include "autograder/scoring/late_policy.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

template <typename T>
void Extend(std::vector<T>& all, const std::vector<T>& more) {
  all.insert(all.end(), more.begin(), more.end());
}

}  // namespace

std::string CheckRow::Number() const {
  return fmt::format("{}.{}", task->task->id, place);
}

std::string CheckRow::Name() const {
  return fmt::format("{}: {}", task->task->title, mark->check->title);
}

std::vector<CheckRow> CheckRows(const Report& report) {
  std::vector<CheckRow> rows;
  for (const PartMark& part : report.marks.parts) {
    for (const TaskMark& task : part.tasks) {
      std::size_t place = 0;
      for (const CheckMark& mark : task.checks) {
        rows.push_back(
            {.part = &part, .task = &task, .mark = &mark, .place = ++place});
      }
    }
  }
  return rows;
}

bool IsConsequence(const CheckMark& mark) {
  return !mark.run || (!mark.Passed() && !mark.follows.empty());
}

std::string FollowsText(const CheckMark& mark) {
  if (!mark.alone) return "probably from: " + mark.follows;
  return fmt::format(
      "from: {}; with your functions of this task alone it passes, so it loses "
      "{:g} point{} only",
      mark.follows, mark.check->points - mark.points,
      mark.check->points - mark.points == 1 ? "" : "s");
}

std::string ShortTitle(const PartMark& part) {
  const std::string& title = part.part->title;
  return title.substr(0, title.find(':'));
}

std::string FullTitle(const PartMark& part) {
  return part.part->title + (part.part->bonus ? " (bonus)" : "");
}

std::string BonusText(const Marks& marks) {
  const double most = marks.MaxBonusPoints();
  if (most == 0) return "";
  return fmt::format("{:g} of at most {:g} points on top of the {:g}",
                     marks.BonusPoints(), most, marks.MaxPoints());
}

std::string Overview(const Report& report) {
  std::string overview;
  if (const std::string bonus = BonusText(report.marks); !bonus.empty()) {
    overview += "Bonus: " + bonus + "\n";
  }
  if (report.lateness) {
    overview += LatenessText(*report.lateness, report.marks.Points()) + "\n";
  }
  const std::string begin = WhereToBegin(report);
  if (!begin.empty()) overview += begin + "\n";
  for (const std::string& notice : report.notices) overview += notice + "\n";
  for (const PartMark& part : report.marks.parts) {
    if (part.trouble.empty()) continue;
    overview += part.part->title + " could not be run:\n" + part.trouble + "\n";
  }
  return overview;
}

Measurements AllMeasurements(const Report& report) {
  Measurements all;
  for (const CheckRow& row : CheckRows(report)) {
    Extend(all.speedups, row.mark->measurements.speedups);
    Extend(all.cache_memory, row.mark->measurements.cache_memory);
  }
  return all;
}

}  // namespace kvlab::grading
