#include "autograder/rubric/rubric.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/rubric/toml_table.h"
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

// The settings that a check asks for, no more and no fewer.
void ReadSettings(TomlTable& table, const Check& known, RubricCheck& check) {
  const std::set<std::string> wanted(known.settings.begin(),
                                     known.settings.end());
  for (const auto& [name, number] : table.NumbersIfAny("settings")) {
    if (!wanted.contains(name)) {
      table.Fail(
          fmt::format("check '{}' has no setting '{}'", check.name, name),
          fmt::format("its settings are: {}", fmt::join(known.settings, ", ")));
    }
    check.settings[name] = number;
  }
  for (const std::string& name : wanted) {
    if (!check.settings.contains(name)) {
      table.Fail(
          fmt::format("check '{}' lacks its setting '{}'", check.name, name),
          fmt::format("add it: settings = {{ {} = ... }}", name));
    }
  }
}

// What stands above a check in its part.
struct Above {
  std::set<std::string> checks;  // names
  std::set<std::string> tasks;   // ids
};

void ExpectAbove(const TomlTable& table, const RubricCheck& check,
                 const std::vector<std::string>& names,
                 const std::set<std::string>& above) {
  for (const std::string& name : names) {
    if (!above.contains(name)) {
      table.Fail(fmt::format("'{}' refers to '{}', which does not stand above "
                             "it in this part",
                             check.name, name),
                 "name what stands above it, or move this one down");
    }
  }
}

RubricCheck ReadCheck(TomlTable& table, const Checks& known,
                      const Above& above) {
  RubricCheck check;
  check.name = table.Text("name");
  check.run = table.TextOr("run", check.name);
  const auto found = std::ranges::find(known, check.run, &Check::name);
  if (found == known.end()) {
    table.Fail(fmt::format("there is no check '{}'", check.run),
               "checks are listed in autograder/checks/*_checks.cc");
  }
  if (above.checks.contains(check.name)) {
    table.Fail(fmt::format("check '{}' stands twice in this part", check.name),
               "remove one of the two");
  }
  check.title = table.Text("title");
  check.points = table.Number("points");
  if (!(check.points >= 0)) {
    table.Fail("points are negative", "give 0 or more");
  }
  check.asked = table.Text("asked");
  check.why = table.Text("why");
  check.where = table.Text("where");
  check.needs = table.TextsIfAny("needs");
  ExpectAbove(table, check, check.needs, above.checks);
  check.follows = table.TextsIfAny("follows");
  std::set<std::string> checks_and_tasks = above.checks;
  checks_and_tasks.insert(above.tasks.begin(), above.tasks.end());
  ExpectAbove(table, check, check.follows, checks_and_tasks);
  ReadSettings(table, *found, check);
  table.ExpectNoMore();
  return check;
}

Judged ReadJudged(TomlTable& table) {
  static const std::map<std::string, Judged> names = {
      {"module 1", Judged::kModule1},
      {"module 2", Judged::kModule2},
      {"module 3", Judged::kModule3},
      {"everything", Judged::kAll}};
  const std::string name = table.Text("judged");
  const auto found = names.find(name);
  if (found == names.end()) {
    table.Fail(fmt::format("'{}' cannot be judged", name),
               "use \"module 1\", \"module 2\", \"module 3\" or "
               "\"everything\"");
  }
  return found->second;
}

RubricPart ReadPart(TomlTable& table, const Checks& known) {
  RubricPart part;
  part.title = table.Text("title");
  part.judged = ReadJudged(table);
  Above above;
  for (TomlTable& task_table : table.Tables("tasks")) {
    RubricTask task;
    task.id = task_table.Text("id");
    task.title = task_table.Text("title");
    for (TomlTable& check_table : task_table.Tables("checks")) {
      task.checks.push_back(ReadCheck(check_table, known, above));
      above.checks.insert(task.checks.back().name);
    }
    above.tasks.insert(task.id);
    task_table.ExpectNoMore();
    part.tasks.push_back(std::move(task));
  }
  table.ExpectNoMore();
  return part;
}

RubricLimits ReadLimits(TomlTable table) {
  RubricLimits limits;
  limits.call.seconds = table.Number("call_seconds");
  limits.call.reply_bytes =
      static_cast<std::size_t>(table.Number("reply_mib") * (1U << 20U));
  limits.hasty_call_seconds = table.Number("hasty_call_seconds");
  limits.patience = static_cast<std::size_t>(table.Number("patience"));
  table.ExpectNoMore();
  return limits;
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
