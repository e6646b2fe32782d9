// A report's checks one after the other, as the platforms list them.
#ifndef KVLAB_AUTOGRADER_REPORT_CHECK_ROWS_H_
#define KVLAB_AUTOGRADER_REPORT_CHECK_ROWS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "autograder/report/report.h"

namespace kvlab::grading {

// Refers to the report, which must outlive it.
struct CheckRow {
  const PartMark* part = nullptr;
  const TaskMark* task = nullptr;
  const CheckMark* mark = nullptr;
  std::size_t place = 0;  // in its task, from 1

  std::string Number() const;  // "1.1.2"
  std::string Name() const;    // "Softmax: Large scores"
};

std::vector<CheckRow> CheckRows(const Report& report);

// Lost points for a reason that is reported elsewhere.
bool IsConsequence(const CheckMark& mark);

// "probably from: Steps (3.6)", or that it surely does.
std::string FollowsText(const CheckMark& mark);

// "Module 1: attention" is "Module 1".
std::string ShortTitle(const PartMark& part);

// The same in full, and that it is a bonus, if it is one.
std::string FullTitle(const PartMark& part);

// What the bonus parts added; "" if there are none.
std::string BonusText(const Marks& marks);

// Everything beyond single checks: notices, and parts that could not be run.
std::string Overview(const Report& report);

// All that the checks recorded.
Measurements AllMeasurements(const Report& report);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_CHECK_ROWS_H_
