#include "autograder/scoring/read_check.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"

namespace kvlab::grading {
namespace {

const Check& FindRun(const TomlTable& table, const RubricCheck& check,
                     const Checks& known) {
  const auto found = std::ranges::find(known, check.run, &Check::name);
  if (found == known.end()) {
    table.FailAtKey(check.run == check.name ? "name" : "run",
                    fmt::format("there is no check '{}'", check.run),
                    "checks are listed in autograder/judges/*/*_checks.cc");
  }
  return *found;
}

// The settings that a check asks for, no more and no fewer.
void ReadSettings(TomlTable& table, const Check& known, RubricCheck& check) {
  const std::set<std::string> wanted(known.settings.begin(),
                                     known.settings.end());
  for (const auto& [name, number] : table.NumbersIfAny("settings")) {
    if (!wanted.contains(name)) {
      table.FailAtKey(
          "settings",
          fmt::format("check '{}' has no setting '{}'", check.name, name),
          fmt::format("its settings are: {}", fmt::join(known.settings, ", ")));
    }
    if (!(number >= 0)) {
      table.FailAtKey("settings", fmt::format("setting '{}' is negative", name),
                      "give 0 or more");
    }
    check.settings[name] = number;
  }
  for (const std::string& name : wanted) {
    if (!check.settings.contains(name)) {
      table.FailAtKey(
          "settings",
          fmt::format("check '{}' lacks its setting '{}'", check.name, name),
          fmt::format("add it: settings = {{ {} = ... }}", name));
    }
  }
}

Tier ReadTier(TomlTable table, const Tiers& above) {
  const Tier tier = {.at_least = table.PositiveNumber("at_least"),
                     .share = table.PositiveNumber("share")};
  table.ExpectNoMore();
  if (above.empty()) {
    if (tier.share != 1) {
      table.FailAtKey("share", "the first tier does not give full points",
                      "begin with the threshold of share = 1");
    }
    return tier;
  }
  const Tier& last = above.back();
  if (tier.at_least >= last.at_least || tier.share >= last.share) {
    table.Fail(
        fmt::format("tiers are out of order: {:g} for a share of {:g} is "
                    "below {:g} for {:g}",
                    tier.at_least, tier.share, last.at_least, last.share),
        "threshold and share must both decrease from one tier to the next");
  }
  return tier;
}

void ReadTiers(TomlTable& table, const Check& known, RubricCheck& check) {
  if (known.tiers_of.empty()) {
    if (table.Has("tiers")) {
      table.FailAtKey("tiers",
                      fmt::format("check '{}' has no tiers", check.name),
                      "it earns all or nothing: remove them");
    }
    return;
  }
  if (!table.Has("tiers")) {
    table.Fail(fmt::format("check '{}' lacks its tiers", check.name),
               fmt::format("add thresholds of the {}: tiers = [{{ at_least = "
                           "..., share = 1 }}]",
                           known.tiers_of));
  }
  for (const TomlTable& tier : table.Tables("tiers")) {
    check.tiers.push_back(ReadTier(tier, check.tiers));
  }
}

double ReadAlone(TomlTable& table) {
  if (!table.Has("alone")) return kAloneShare;
  const double share = table.Number("alone");
  if (!(share >= 0 && share < 1)) {
    table.FailAtKey("alone", "a check that is right only alone costs nothing",
                    "give 0 or more, and less than 1");
  }
  return share;
}

double ReadPoints(TomlTable& table) {
  const double points = table.Number("points");
  if (points < 0) {
    table.FailAtKey("points", "points are negative", "give 0 or more");
  }
  return points;
}

}  // namespace

Visibility ReadVisibility(TomlTable& table, Visibility otherwise) {
  const std::string name =
      table.TextOr("visibility", std::string(NameOf(otherwise)));
  std::vector<std::string_view> names;
  for (const auto& [known, visibility] : kVisibilityNames) {
    if (known == name) return visibility;
    names.push_back(known);
  }
  table.FailAtKey("visibility",
                  fmt::format("'{}' is not a valid visibility", name),
                  fmt::format("choose one of: {}", fmt::join(names, ", ")));
}

RubricCheck ReadCheck(TomlTable& table, const Checks& known,
                      Visibility visibility) {
  RubricCheck check;
  check.name = table.Text("name");
  check.run = table.TextOr("run", check.name);
  const Check& run = FindRun(table, check, known);
  check.title = table.Text("title");
  check.points = ReadPoints(table);
  check.asked = table.Text("asked");
  check.why = table.Text("why");
  check.where = table.Text("where");
  check.needs = table.TextsIfAny("needs");
  check.follows = table.TextsIfAny("follows");
  check.alone = ReadAlone(table);
  check.affordable = table.TextsIfAny("affordable");
  ReadSettings(table, run, check);
  ReadTiers(table, run, check);
  check.visibility = ReadVisibility(table, visibility);
  table.ExpectNoMore();
  return check;
}

}  // namespace kvlab::grading
