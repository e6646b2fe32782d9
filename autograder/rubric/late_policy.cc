#include "autograder/rubric/late_policy.h"

#include <algorithm>
#include <chrono>
#include <string>

#include "autograder/rubric/iso_time.h"
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

}  // namespace

Lateness LatenessOf(const LatePolicy& policy,
                    std::chrono::sys_seconds submitted) {
  Lateness lateness = {.policy = policy, .submitted = submitted};
  const std::chrono::duration<double, std::ratio<60>> grace(
      policy.grace_minutes);
  if (submitted - policy.due <= grace) return lateness;
  lateness.days_late =
      std::chrono::ceil<std::chrono::days>(submitted - policy.due).count();
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
