// The points of a submission after the due date.
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
  // The time zone of `due`, "Europe/Berlin"; "" if not given.
  std::string zone = {};
};

// How far a clock of that zone is ahead at a point in time; nothing for an
// unknown zone.
std::optional<std::chrono::minutes> AheadOfUtc(const std::string& zone,
                                               std::chrono::sys_seconds time);

// The policy applied to one submission.
struct Lateness {
  LatePolicy policy;
  ClockTime submitted;
  // Days begun since the due date, by its own clock: the same hour on the next
  // evening is one day, even if summer time ended in between. 0 if in time or
  // within the grace.
  long days_late = 0;
  long days_charged = 0;  // without the free ones
  double factor = 1;      // the share of the points that remains
};

// Without a zone, the due date is taken to be by the clock of `submitted` if
// that is not UTC and at most an hour off, as when summer time begins or ends.
// Otherwise its clock is taken not to change.
Lateness LatenessOf(const LatePolicy& policy, const ClockTime& submitted);

// Explains the mark in one sentence: when it was due and submitted, how many
// days late, their cost, points before and after.
std::string LatenessText(const Lateness& lateness, double points);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_LATE_POLICY_H_
