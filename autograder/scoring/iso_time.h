// Points in time as people write them: ISO 8601.
#ifndef KVLAB_AUTOGRADER_SCORING_ISO_TIME_H_
#define KVLAB_AUTOGRADER_SCORING_ISO_TIME_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kvlab::grading {

// A point in time, and how far the clock that showed it is ahead of UTC.
struct ClockTime {
  // NOLINTNEXTLINE(google-explicit-constructor): of a clock that shows UTC
  ClockTime(std::chrono::sys_seconds utc = {},
            std::chrono::minutes clock_ahead = std::chrono::minutes(0))
      : time(utc), ahead(clock_ahead) {}

  std::chrono::sys_seconds time;
  std::chrono::minutes ahead;

  // The clock's reading, counted as if it were UTC.
  std::chrono::sys_seconds Reading() const { return time + ahead; }
};

// "2027-01-15T23:59:00+01:00", "2027-01-15T22:59Z": date, time and zone are
// required; seconds and their fractions (which are ignored) are optional.
// Nothing for any other text, or for a day or a minute that does not exist.
std::optional<ClockTime> ParseIsoTime(std::string_view text);

// "2027-01-15 22:59:00 UTC" or, of another clock,
// "2027-01-15 23:59:00 +01:00".
std::string TimeText(const ClockTime& time);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SCORING_ISO_TIME_H_
