#include "autograder/scoring/late_policy.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <ratio>
#include <stdexcept>
#include <string>

#include "autograder/scoring/iso_time.h"
#include "date/tz.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr double kPercent = 100;

std::string Days(long count) {
  return fmt::format("{} day{}", count, count == 1 ? "" : "s");
}

double PercentLost(const Lateness& lateness) {
  return static_cast<double>(lateness.days_charged) *
         lateness.policy.percent_per_day;
}

std::string ChargeText(const Lateness& lateness) {
  if (lateness.days_late == 0) return "in time";
  const LatePolicy& policy = lateness.policy;
  std::string text = Days(lateness.days_late) + " late";
  const long free = lateness.days_late - lateness.days_charged;
  if (free > 0) text += fmt::format(", {} of them free", free);
  if (lateness.days_charged == 0) return text;
  text += fmt::format("; {} x {:g} % off", lateness.days_charged,
                      policy.percent_per_day);
  if (PercentLost(lateness) > kPercent - policy.floor_percent) {
    return text +
           fmt::format(", but {:g} % always count", policy.floor_percent);
  }
  return text + fmt::format(", {:g} % count", kPercent * lateness.factor);
}

// `submitted` as the clock of the due date showed it.
ClockTime OnTheClockOf(const LatePolicy& policy, const ClockTime& submitted) {
  if (!policy.zone.empty()) {
    const auto ahead = AheadOfUtc(policy.zone, submitted.time);
    if (ahead) return {submitted.time, *ahead};
  }
  const bool is_utc = submitted.ahead.count() == 0;
  const std::chrono::minutes changed =
      std::chrono::abs(submitted.ahead - policy.due.ahead);
  if (!is_utc && changed <= std::chrono::hours(1)) return submitted;
  return {submitted.time, policy.due.ahead};
}

}  // namespace

std::optional<std::chrono::minutes> AheadOfUtc(const std::string& zone,
                                               std::chrono::sys_seconds time) {
  try {
    const date::sys_info info = date::locate_zone(zone)->get_info(time);
    return std::chrono::duration_cast<std::chrono::minutes>(info.offset);
  } catch (const std::runtime_error&) {
    return std::nullopt;
  }
}

Lateness LatenessOf(const LatePolicy& policy, const ClockTime& submitted) {
  const ClockTime there = OnTheClockOf(policy, submitted);
  Lateness lateness = {.policy = policy, .submitted = there};
  const std::chrono::duration<double, std::ratio<60>> grace(
      policy.grace_minutes);
  if (submitted.time - policy.due.time <= grace) return lateness;
  lateness.days_late =
      std::max<long>(1, std::chrono::ceil<std::chrono::days>(
                            there.Reading() - policy.due.Reading())
                            .count());
  lateness.days_charged =
      std::max<long>(0, lateness.days_late - policy.free_days);
  lateness.factor =
      std::max(policy.floor_percent, kPercent - PercentLost(lateness)) /
      kPercent;
  return lateness;
}

std::string LatenessText(const Lateness& lateness, double points) {
  return fmt::format("due {}, submitted {}: {}; {:g} points count as {:g}",
                     TimeText(lateness.policy.due),
                     TimeText(lateness.submitted), ChargeText(lateness), points,
                     points * lateness.factor);
}

}  // namespace kvlab::grading
