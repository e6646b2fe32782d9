// What a submission after the due date still earns.
#ifndef KVLAB_AUTOGRADER_RUBRIC_LATE_POLICY_H_
#define KVLAB_AUTOGRADER_RUBRIC_LATE_POLICY_H_

#include <chrono>
#include <string>

namespace kvlab::grading {

struct LatePolicy {
  std::chrono::sys_seconds due;
  double grace_minutes = 0;    // after `due`, as if in time
  double percent_per_day = 0;  // of the points earned, for each day begun
  int free_days = 0;           // late days that cost nothing
  double floor_percent = 0;    // of the points earned, however late
};

// The policy applied to one submission.
struct Lateness {
  LatePolicy policy;
  std::chrono::sys_seconds submitted;
  // Days begun since the due date; 0 if in time or within the grace.
  long days_late = 0;
  long days_charged = 0;  // without the free ones
  double factor = 1;      // what is left of the points
};

Lateness LatenessOf(const LatePolicy& policy,
                    std::chrono::sys_seconds submitted);

// How the mark follows, in one sentence: when it was due and submitted, how
// many days late, what they cost, points before and after.
std::string LatenessText(const Lateness& lateness, double points);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_RUBRIC_LATE_POLICY_H_
