#include "autograder/class/mark_changes.h"

#include <map>
#include <string>
#include <vector>

#include "autograder/class/class_marks.h"
#include "autograder/report/report.h"
#include "autograder/scoring/marks.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

std::string PointsText(const CheckStanding& standing) {
  return standing.blocked
             ? fmt::format("blocked, of {}", NumberText(standing.of))
             : fmt::format("{} of {}", NumberText(standing.points),
                           NumberText(standing.of));
}

}  // namespace

std::map<std::string, CheckStanding> StandingsOf(const Report& report) {
  std::map<std::string, CheckStanding> standings;
  for (const PartMark& part : report.marks.parts) {
    for (const TaskMark& task : part.tasks) {
      for (const CheckMark& mark : task.checks) {
        standings[part.part->title + '/' + mark.check->name] = {
            task.task->id, Written(mark.points), Written(mark.check->points),
            mark.blocked};
      }
    }
  }
  return standings;
}

std::vector<std::string> CheckChanges(const Report& before,
                                      const Report& after) {
  const std::map<std::string, CheckStanding> old = StandingsOf(before);
  const std::map<std::string, CheckStanding> fresh = StandingsOf(after);
  std::vector<std::string> lines;
  for (const auto& [name, standing] : old) {
    const auto now = fresh.find(name);
    if (now == fresh.end()) {
      lines.push_back(fmt::format("{} {}: {} -> no longer asked", standing.task,
                                  name, PointsText(standing)));
    } else if (standing != now->second) {
      lines.push_back(fmt::format("{} {}: {} -> {}", now->second.task, name,
                                  PointsText(standing),
                                  PointsText(now->second)));
    }
  }
  for (const auto& [name, standing] : fresh) {
    if (!old.contains(name)) {
      lines.push_back(fmt::format("{} {}: not asked -> {}", standing.task, name,
                                  PointsText(standing)));
    }
  }
  return lines;
}

}  // namespace kvlab::grading
