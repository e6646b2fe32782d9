#include "autograder/scoring/read_late_policy.h"

#include <chrono>
#include <optional>

#include "autograder/scoring/iso_time.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

ClockTime TimeOf(const toml::date_time& local) {
  const std::chrono::year_month_day date(std::chrono::year(local.date.year),
                                         std::chrono::month(local.date.month),
                                         std::chrono::day(local.date.day));
  const std::chrono::sys_days day = date;
  const std::chrono::minutes ahead(local.offset->minutes);
  return {day + std::chrono::hours(local.time.hour) +
              std::chrono::minutes(local.time.minute) +
              std::chrono::seconds(local.time.second) - ahead,
          ahead};
}

void ExpectZoneOf(const LatePolicy& policy, const TomlTable& table) {
  const std::optional<std::chrono::minutes> ahead =
      AheadOfUtc(policy.zone, policy.due.time);
  if (!ahead) {
    table.FailAtKey("zone",
                    fmt::format("there is no time zone '{}'", policy.zone),
                    "name it as in zone = \"Europe/Berlin\"");
  }
  if (*ahead != policy.due.ahead) {
    table.FailAtKey("zone",
                    fmt::format("'due' is not of a clock in {}", policy.zone),
                    fmt::format("there it is {} then",
                                TimeText({policy.due.time, *ahead})));
  }
}

}  // namespace

LatePolicy ReadLatePolicy(TomlTable table) {
  LatePolicy policy;
  policy.due = TimeOf(table.Time("due"));
  if (table.Has("zone")) {
    policy.zone = table.Text("zone");
    ExpectZoneOf(policy, table);
  }
  policy.grace_minutes = table.AmountOr("grace_minutes", 0);
  policy.percent_per_day = table.PercentOr("percent_per_day", 0);
  policy.free_days = table.CountOr("free_days", 0);
  policy.floor_percent = table.PercentOr("floor_percent", 0);
  table.ExpectNoMore();
  return policy;
}

}  // namespace kvlab::grading
