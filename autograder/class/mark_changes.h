// How two gradings of the same attempt differ, check by check.
#ifndef KVLAB_AUTOGRADER_CLASS_MARK_CHANGES_H_
#define KVLAB_AUTOGRADER_CLASS_MARK_CHANGES_H_

#include <map>
#include <string>
#include <vector>

#include "autograder/report/report.h"

namespace kvlab::grading {

// What a check has, as it is written.
struct CheckStanding {
  std::string task;  // "1.3"
  double points = 0;
  double of = 0;
  bool blocked = false;

  bool operator==(const CheckStanding&) const = default;
};

// By full names: "Module 1: attention/mask.chunk".
std::map<std::string, CheckStanding> StandingsOf(const Report& report);

// A line for each check that differs: "1.3 Module 1: attention/mask.chunk: 0 of
// 2 -> 2 of 2".
std::vector<std::string> CheckChanges(const Report& before,
                                      const Report& after);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_MARK_CHANGES_H_
