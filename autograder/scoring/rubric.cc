#include "autograder/scoring/rubric.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/scoring/iso_time.h"
#include "autograder/scoring/read_check.h"
#include "autograder/scoring/references.h"
#include "autograder/scoring/toml_table.h"
#include "fmt/format.h"
#include "fmt/ranges.h"

namespace kvlab::grading {
namespace {

constexpr double kAllPoints = 100;

template <typename Range>
double SumOfPoints(const Range& range) {
  double points = 0;
  for (const auto& element : range) points += element.Points();
  return points;
}

Judged ReadJudged(TomlTable& table) {
  static const std::map<std::string, Judged> names = {
      {"module", Judged::kModule},
      {"quiz", Judged::kQuiz},
      {"everything", Judged::kEverything}};
  const std::string name = table.Text("judged");
  const auto found = names.find(name);
  if (found == names.end()) {
    table.FailAtKey("judged", fmt::format("'{}' cannot be judged", name),
                    "use \"module\", \"quiz\" or \"everything\"");
  }
  return found->second;
}

void ExpectFirst(const TomlTable& table, std::string_view key,
                 const std::string& name, std::set<std::string>& taken) {
  if (!taken.insert(name).second) {
    table.FailAtKey(key, fmt::format("'{}' stands twice in this part", name),
                    "remove one of the two");
  }
}

RubricPart ReadPart(TomlTable& table, const Checks& known) {
  RubricPart part;
  part.title = table.Text("title");
  part.judged = ReadJudged(table);
  if (part.judged != Judged::kEverything) part.module = table.Text("module");
  std::set<std::string> taken;
  std::vector<TomlTable> check_tables;
  for (TomlTable& task_table : table.Tables("tasks")) {
    RubricTask& task = part.tasks.emplace_back();
    task.id = task_table.Text("id");
    ExpectFirst(task_table, "id", task.id, taken);
    task.title = task_table.Text("title");
    const Visibility visibility =
        ReadVisibility(task_table, Visibility::kVisible);
    for (TomlTable& check_table : task_table.Tables("checks")) {
      task.checks.push_back(ReadCheck(check_table, known, visibility));
      ExpectFirst(check_table, "name", task.checks.back().name, taken);
      check_tables.push_back(check_table);
    }
    task_table.ExpectNoMore();
  }
  table.ExpectNoMore();
  ExpectReferencesAbove(part, check_tables);
  return part;
}

RubricLimits ReadLimits(TomlTable table) {
  RubricLimits limits;
  limits.build_seconds = table.PositiveNumber("build_seconds");
  limits.submission_seconds = table.PositiveNumber("submission_seconds");
  limits.check_seconds = table.PositiveNumber("check_seconds");
  limits.call.seconds = table.PositiveNumber("call_seconds");
  limits.call.reply_bytes =
      static_cast<std::size_t>(table.PositiveNumber("reply_mib") * (1U << 20U));
  limits.hasty_call_seconds = table.PositiveNumber("hasty_call_seconds");
  limits.patience = static_cast<std::size_t>(table.PositiveNumber("patience"));
  table.ExpectNoMore();
  return limits;
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

LatePolicy ReadLatePolicy(TomlTable table) {
  LatePolicy policy;
  policy.due = table.Time("due");
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

}  // namespace

double RubricTask::Points() const {
  double points = 0;
  for (const RubricCheck& check : checks) points += check.points;
  return points;
}

double RubricPart::Points() const { return SumOfPoints(tasks); }

double Rubric::Points() const { return SumOfPoints(parts); }

Rubric ParseRubric(std::string_view toml, const std::string& file,
                   const Checks& known) {
  toml::table document;
  try {
    document = toml::parse(toml, file);
  } catch (const toml::parse_error& error) {
    throw RubricError(fmt::format("{}:{}: {}\n  fix: this is no TOML", file,
                                  error.source().begin.line,
                                  error.description()));
  }
  TomlTable table(document, file);
  Rubric rubric;
  rubric.limits = ReadLimits(table.Table("limits"));
  if (table.Has("late_policy")) {
    rubric.late_policy = ReadLatePolicy(table.Table("late_policy"));
  }
  for (TomlTable& part : table.Tables("parts")) {
    rubric.parts.push_back(ReadPart(part, known));
  }
  table.ExpectNoMore();
  if (std::abs(rubric.Points() - kAllPoints) > 1e-9) {
    throw RubricError(fmt::format(
        "{}: all points sum to {}, not to {}\n  fix: change the points of some "
        "checks",
        file, rubric.Points(), kAllPoints));
  }
  return rubric;
}

Rubric LoadRubric(const std::filesystem::path& file, const Checks& known) {
  std::ifstream stream(file);
  if (!stream) {
    throw RubricError(
        file.string() +
        ": cannot be read\n  fix: give the path of a rubric.toml");
  }
  const std::string text{std::istreambuf_iterator<char>(stream),
                         std::istreambuf_iterator<char>()};
  return ParseRubric(text, file.string(), known);
}

}  // namespace kvlab::grading
