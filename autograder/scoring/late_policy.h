// What a submission after the due date still earns.
#ifndef KVLAB_AUTOGRADER_SCORING_LATE_POLICY_H_
#define KVLAB_AUTOGRADER_SCORING_LATE_POLICY_H_

#include <chrono>
#include <optional>
#include <string>

#include "autograder/scoring/iso_time.h"

namespace kvlab::grading {

struct LatePolicy {
  ClockTime due;
  double grace_minutes = 0;    // after `due`, as if in time
  double percent_per_day = 0;  // of the points earned, for each day begun
  int free_days = 0;           // late days that cost nothing
  double floor_percent = 0;    // of the points earned, however late
  // Where the clock of `due` is, "Europe/Berlin"; "" if that was not said.
  std::string zone = {};
};

// How far a clock of that zone is ahead at a point in time; nothing for a zone
// that there is not.
std::optional<std::chrono::minutes> AheadOfUtc(const std::string& zone,
                                               std::chrono::sys_seconds time);

// The policy applied to one submission.
struct Lateness {
  LatePolicy policy;
  ClockTime submitted;
  // Days begun since the due date, by its own clock: the next evening at the
  // same hour is one day, also if summer time ended in between. 0 if in time or
  // within the grace.
  long days_late = 0;
  long days_charged = 0;  // without the free ones
  double factor = 1;      // what is left of the points
};

// Without a zone the clock of the due date is taken to be the one that
// `submitted` was read from if that is an hour off at most, as when summer time
// begins or ends, and not UTC; else to have never been changed.
Lateness LatenessOf(const LatePolicy& policy, const ClockTime& submitted);

// How the mark follows, in one sentence: when it was due and submitted, how
// many days late, what they cost, points before and after.
std::string LatenessText(const Lateness& lateness, double points);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_LATE_POLICY_H_
