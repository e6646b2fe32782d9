// A report without the checks that its author may not see yet.
#ifndef KVLAB_AUTOGRADER_REPORT_AUTHORS_VIEW_H_
#define KVLAB_AUTOGRADER_REPORT_AUTHORS_VIEW_H_

#include <cstddef>
#include <vector>

#include "autograder/report/report.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// The checks of a report that its author may see by now, as if there were no
// others: points are those of these checks alone, and a notice says how many
// points are missing. Cannot be copied, since the report refers to the parts.
class AuthorsView {
 public:
  explicit AuthorsView(const Report& report);
  AuthorsView(const AuthorsView&) = delete;
  AuthorsView& operator=(const AuthorsView&) = delete;

  const Report& Visible() const { return visible_; }

  // Of the checks that are not shown.
  double ConcealedPoints() const { return concealed_points_; }
  double ConcealedMaxPoints() const { return concealed_max_points_; }
  bool ConcealsAny() const { return concealed_count_ > 0; }

 private:
  TaskMark ViewOf(const TaskMark& task, const RubricTask& visible);

  std::vector<RubricPart> parts_;  // marks point into it
  Report visible_;
  std::size_t concealed_count_ = 0;
  double concealed_points_ = 0;
  double concealed_max_points_ = 0;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_AUTHORS_VIEW_H_
