#include "autograder/scoring/rubric.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/scoring/read_check.h"
#include "autograder/scoring/read_late_policy.h"
#include "autograder/scoring/references.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/error.h"
#include "kit/files/toml_table.h"

namespace kvlab::grading {
namespace {

constexpr double kAllPoints = 100;
constexpr const char* kPurpose = "the marks are computed from it";

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
                    R"(use "module", "quiz" or "everything")");
  }
  return found->second;
}

void ExpectFirst(const TomlTable& table, std::string_view key,
                 const std::string& name, std::set<std::string>& taken) {
  if (!taken.insert(name).second) {
    table.FailAtKey(key, fmt::format("'{}' appears twice in this part", name),
                    "remove one of the two");
  }
}

// The last task of `part` is the one that is being read.
std::vector<std::string> ReadMeasures(TomlTable& table,
                                      const RubricPart& part) {
  std::vector<std::string> measures = table.TextsIfAny("measures");
  for (const std::string& id : measures) {
    const auto above = std::span(part.tasks).first(part.tasks.size() - 1);
    if (std::ranges::find(above, id, &RubricTask::id) == above.end()) {
      table.FailAtKey("measures",
                      fmt::format("'{}' is not a task above '{}'", id,
                                  part.tasks.back().id),
                      "name a task that this part has further up");
    }
  }
  return measures;
}

RubricPart ParsePart(const RubricText& text, const Checks& known) {
  TomlTable table = ParseToml(text.toml, text.file, kPurpose);
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
    task.measures = ReadMeasures(task_table, part);
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

// Gives the part `points`, each check its share.
void Weigh(RubricPart& part, double points, const std::string& file) {
  const double own = part.Points();
  if (own == points) return;
  if (own <= 0) {
    throw DataError(file + ": its checks have no points",
                    fmt::format("the {:g} points that the course gives this "
                                "part cannot be shared out",
                                points),
                    "give at least one check points");
  }
  for (RubricTask& task : part.tasks) {
    for (RubricCheck& check : task.checks) check.points *= points / own;
  }
}

RubricPart ReadPart(TomlTable& table, const PartReader& read,
                    const Checks& known, std::set<std::string>& taken) {
  const std::string name = table.Text("rubric");
  if (!taken.insert(name).second) {
    table.FailAtKey("rubric", fmt::format("'{}' is named twice", name),
                    "remove one of the two parts");
  }
  const double points = table.PositiveNumber("points");
  const bool bonus = table.FlagIfAny("bonus");
  table.ExpectNoMore();
  const RubricText text = read(name);
  RubricPart part = ParsePart(text, known);
  Weigh(part, points, text.file);
  part.bonus = bonus;
  return part;
}

double ReadMostBonus(TomlTable& table, const Rubric& rubric) {
  const auto bonus = std::ranges::find(rubric.parts, true, &RubricPart::bonus);
  if (table.Has("bonus")) {
    TomlTable limits = table.Table("bonus");
    const double most = limits.PositiveNumber("most_points");
    limits.ExpectNoMore();
    if (bonus == rubric.parts.end()) {
      table.FailAtKey("bonus", "no part is a bonus",
                      "give a part 'bonus = true', or remove [bonus]");
    }
    return most;
  }
  if (bonus == rubric.parts.end()) return 0;
  table.Fail(fmt::format("'{}' is a bonus, and nothing limits how much of it "
                         "counts",
                         bonus->title),
             "add [bonus] with 'most_points = 10', or another number");
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

// None if there is no such file.
std::optional<std::string> TextOf(const std::filesystem::path& file) {
  std::ifstream stream(file);
  if (!stream || std::filesystem::is_directory(file)) return std::nullopt;
  return std::string{std::istreambuf_iterator<char>(stream),
                     std::istreambuf_iterator<char>()};
}

}  // namespace

double RubricTask::Points() const {
  double points = 0;
  for (const RubricCheck& check : checks) points += check.points;
  return points;
}

double RubricPart::Points() const { return SumOfPoints(tasks); }

double Rubric::Points() const {
  double points = 0;
  for (const RubricPart& part : parts) {
    if (!part.bonus) points += part.Points();
  }
  return points;
}

Rubric ParseRubric(const RubricText& course, const PartReader& part,
                   const Checks& known) {
  TomlTable table = ParseToml(course.toml, course.file, kPurpose);
  Rubric rubric;
  rubric.limits = ReadLimits(table.Table("limits"));
  if (table.Has("late_policy")) {
    rubric.late_policy = ReadLatePolicy(table.Table("late_policy"));
  }
  std::set<std::string> taken;
  for (TomlTable& entry : table.Tables("parts")) {
    rubric.parts.push_back(ReadPart(entry, part, known, taken));
  }
  rubric.most_bonus = ReadMostBonus(table, rubric);
  table.ExpectNoMore();
  if (std::abs(rubric.Points() - kAllPoints) > 1e-9) {
    throw DataError(fmt::format("{}: the points of all parts, bonus aside, sum "
                                "to {:g}, not to {:g}",
                                course.file, rubric.Points(), kAllPoints),
                    kPurpose, "change the 'points' of some [[parts]]");
  }
  return rubric;
}

Rubric LoadRubric(const std::filesystem::path& file, const Checks& known,
                  const std::filesystem::path& parts) {
  const std::optional<std::string> course = TextOf(file);
  if (!course) {
    throw DataError(file.string() + ": cannot be read", kPurpose,
                    "give the path of a rubric.toml");
  }
  const PartReader read = [&](const std::string& name) -> RubricText {
    const std::filesystem::path beside = file.parent_path() / name;
    for (const auto& place : {beside, parts / name}) {
      if (const auto text = TextOf(place)) return {place.string(), *text};
    }
    throw DataError(
        fmt::format("{}: the rubric of a part cannot be read: {}",
                    file.string(), beside.string()),
        "its checks and their points are in it",
        "'rubric' in [[parts]] is a path from the folder of this file");
  };
  return ParseRubric({file.string(), *course}, read, known);
}

}  // namespace kvlab::grading
