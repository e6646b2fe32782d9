// Points in time as people write them: ISO 8601.
#ifndef KVLAB_AUTOGRADER_RUBRIC_ISO_TIME_H_
#define KVLAB_AUTOGRADER_RUBRIC_ISO_TIME_H_

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace kvlab::grading {

// "2027-01-15T23:59:00+01:00", "2027-01-15T22:59Z": date, time and zone, each
// of which must be there; seconds and their fractions (which do not count) need
// not. Nothing for any other text, nor for a day or a minute that there is not.
std::optional<std::chrono::sys_seconds> ParseIsoTime(std::string_view text);

// "2027-01-15 22:59:00 UTC"
std::string TimeText(std::chrono::sys_seconds time);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_RUBRIC_ISO_TIME_H_
