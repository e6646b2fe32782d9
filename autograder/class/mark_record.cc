#include "autograder/class/mark_record.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/measurement.h"
#include "autograder/exam/tiers.h"
#include "autograder/report/report.h"
#include "autograder/scoring/marks.h"
#include "autograder/scoring/rubric.h"
#include "autograder/scoring/visibility.h"
#include "kit/error.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

using Json = nlohmann::ordered_json;

// Text of a submission may be of any bytes; JSON is in UTF-8.
std::string Dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// --- The rubric.

Json ToJson(const RubricCheck& check) {
  Json tiers = Json::array();
  for (const Tier& tier : check.tiers) {
    tiers.push_back(Json::array({tier.at_least, tier.share}));
  }
  return {{"name", check.name},
          {"run", check.run},
          {"title", check.title},
          {"points", check.points},
          {"asked", check.asked},
          {"why", check.why},
          {"where", check.where},
          {"visibility", NameOf(check.visibility)},
          {"needs", check.needs},
          {"follows", check.follows},
          {"alone", check.alone},
          {"affordable", check.affordable},
          {"settings", std::map<std::string, double>(check.settings.begin(),
                                                     check.settings.end())},
          {"tiers", tiers}};
}

RubricCheck CheckFrom(const Json& json) {
  RubricCheck check;
  check.name = json.at("name");
  check.run = json.at("run");
  check.title = json.at("title");
  check.points = json.at("points");
  check.asked = json.at("asked");
  check.why = json.at("why");
  check.where = json.at("where");
  const std::string visibility = json.at("visibility");
  for (const auto& [name, value] : kVisibilityNames) {
    if (name == visibility) check.visibility = value;
  }
  if (!json.contains("settings")) return check;
  check.needs = json.at("needs").get<std::vector<std::string>>();
  check.follows = json.at("follows").get<std::vector<std::string>>();
  check.alone = json.at("alone");
  check.affordable = json.at("affordable").get<std::vector<std::string>>();
  for (const auto& [name, value] : json.at("settings").items()) {
    check.settings[name] = value;
  }
  for (const Json& tier : json.at("tiers")) {
    check.tiers.push_back({.at_least = tier.at(0), .share = tier.at(1)});
  }
  return check;
}

Json ToJson(const RubricLimits& limits) {
  return {{"build_seconds", limits.build_seconds},
          {"submission_seconds", limits.submission_seconds},
          {"check_seconds", limits.check_seconds},
          {"call_seconds", limits.call.seconds},
          {"reply_bytes", limits.call.reply_bytes},
          {"hasty_call_seconds", limits.hasty_call_seconds},
          {"patience", limits.patience}};
}

RubricLimits LimitsFrom(const Json& json) {
  RubricLimits limits;
  limits.build_seconds = json.at("build_seconds");
  limits.submission_seconds = json.at("submission_seconds");
  limits.check_seconds = json.at("check_seconds");
  limits.call.seconds = json.at("call_seconds");
  limits.call.reply_bytes = json.at("reply_bytes");
  limits.hasty_call_seconds = json.at("hasty_call_seconds");
  limits.patience = json.at("patience");
  return limits;
}

Json ToJson(const RubricPart& part) {
  Json tasks = Json::array();
  for (const RubricTask& task : part.tasks) {
    Json checks = Json::array();
    for (const RubricCheck& check : task.checks) {
      checks.push_back(ToJson(check));
    }
    tasks.push_back({{"id", task.id},
                     {"title", task.title},
                     {"measures", task.measures},
                     {"checks", checks}});
  }
  return {{"title", part.title},
          {"judged", static_cast<int>(part.judged)},
          {"module", part.module},
          {"bonus", part.bonus},
          {"tasks", tasks}};
}

RubricPart PartFrom(const Json& json) {
  RubricPart part;
  part.title = json.at("title");
  part.judged = static_cast<Judged>(json.at("judged").get<int>());
  part.module = json.at("module");
  part.bonus = json.at("bonus");
  for (const Json& each : json.at("tasks")) {
    RubricTask& task = part.tasks.emplace_back();
    task.id = each.at("id");
    task.title = each.at("title");
    if (each.contains("measures")) {
      task.measures = each.at("measures").get<std::vector<std::string>>();
    }
    for (const Json& check : each.at("checks")) {
      task.checks.push_back(CheckFrom(check));
    }
  }
  return part;
}

// --- The measurements.

Json ToJson(const SpeedupMeasurement& speedup) {
  Json timed = Json::array();
  for (const TimedPair& pair : speedup.timed) {
    timed.push_back({pair.baseline, pair.student, pair.reference});
  }
  return {{"new_tokens", speedup.new_tokens},
          {"pairs", speedup.pairs},
          {"median", speedup.median},
          {"least", speedup.least},
          {"most", speedup.most},
          {"reference", speedup.reference},
          {"of_reference", speedup.of_reference},
          {"met", static_cast<int>(speedup.met)},
          {"full_from", speedup.full_from},
          {"half_from", speedup.half_from},
          {"timed", timed}};
}

SpeedupMeasurement SpeedupFrom(const Json& json) {
  SpeedupMeasurement speedup;
  speedup.new_tokens = json.at("new_tokens");
  speedup.pairs = json.at("pairs");
  speedup.median = json.at("median");
  speedup.least = json.at("least");
  speedup.most = json.at("most");
  speedup.reference = json.at("reference");
  speedup.of_reference = json.at("of_reference");
  speedup.met = static_cast<SpeedRule>(json.at("met").get<int>());
  speedup.full_from = json.at("full_from");
  speedup.half_from = json.at("half_from");
  for (const Json& pair : json.at("timed")) {
    speedup.timed.push_back({.baseline = pair.at(0),
                             .student = pair.at(1),
                             .reference = pair.at(2)});
  }
  return speedup;
}

Json ToJson(const CacheMemoryMeasurement& memory) {
  Json samples = Json::array();
  for (const CacheMemorySample& sample : memory.samples) {
    samples.push_back(Json::array({sample.tokens, sample.mib}));
  }
  return {{"batch", memory.batch},
          {"formula_mib", memory.formula_mib},
          {"samples", samples}};
}

CacheMemoryMeasurement MemoryFrom(const Json& json) {
  CacheMemoryMeasurement memory;
  memory.batch = json.at("batch");
  memory.formula_mib = json.at("formula_mib");
  for (const Json& sample : json.at("samples")) {
    memory.samples.push_back({.tokens = sample.at(0), .mib = sample.at(1)});
  }
  return memory;
}

// --- The marks.

Json ToJson(const CheckFacts& facts) {
  return {{"affordable", facts.affordable ? Json(*facts.affordable) : Json()},
          {"own_fault", facts.own_fault},
          {"timed_out", facts.timed_out},
          {"waited_seconds", facts.waited_seconds}};
}

CheckFacts FactsFrom(const Json& json) {
  CheckFacts facts;
  if (const Json& affordable = json.at("affordable"); !affordable.is_null()) {
    facts.affordable = affordable.get<bool>();
  }
  facts.own_fault = json.at("own_fault");
  facts.timed_out = json.at("timed_out");
  facts.waited_seconds = json.at("waited_seconds");
  return facts;
}

Json ToJson(const CheckMark& mark) {
  Json speedups = Json::array();
  for (const auto& each : mark.measurements.speedups) {
    speedups.push_back(ToJson(each));
  }
  Json memory = Json::array();
  for (const auto& each : mark.measurements.cache_memory) {
    memory.push_back(ToJson(each));
  }
  return {{"check", mark.check->name},  {"run", mark.run},
          {"points", mark.points},      {"blocked", mark.blocked},
          {"alone", mark.alone},        {"came_back", mark.came_back},
          {"follows", mark.follows},    {"cause", mark.cause},
          {"measured", mark.measured},  {"seconds", mark.seconds},
          {"speedups", speedups},       {"cache_memory", memory},
          {"facts", ToJson(mark.facts)}};
}

CheckMark CheckMarkFrom(const Json& json) {
  CheckMark mark;
  mark.run = json.at("run");
  mark.points = json.at("points");
  mark.blocked = json.at("blocked");
  mark.alone = json.at("alone");
  mark.came_back = json.at("came_back");
  mark.follows = json.at("follows");
  mark.cause = json.at("cause");
  mark.measured = json.at("measured");
  mark.seconds = json.at("seconds");
  for (const Json& each : json.at("speedups")) {
    mark.measurements.speedups.push_back(SpeedupFrom(each));
  }
  for (const Json& each : json.at("cache_memory")) {
    mark.measurements.cache_memory.push_back(MemoryFrom(each));
  }
  if (json.contains("facts")) mark.facts = FactsFrom(json.at("facts"));
  return mark;
}

Json ToJson(const PartMark& part) {
  Json tasks = Json::array();
  for (const TaskMark& task : part.tasks) {
    Json checks = Json::array();
    for (const CheckMark& mark : task.checks) checks.push_back(ToJson(mark));
    tasks.push_back({{"task", task.task->id}, {"checks", checks}});
  }
  return {
      {"part", part.part->title}, {"trouble", part.trouble}, {"tasks", tasks}};
}

[[noreturn]] void FailToRestore(const std::string& why) {
  throw DataError("a record of the class's database cannot be read", why,
                  "restore the database from a copy, or grade again");
}

// The element of that name, or a failure.
template <typename Elements, typename Field>
const auto& Named(const Elements& elements, Field field,
                  const std::string& name) {
  for (const auto& element : elements) {
    if (element.*field == name) return element;
  }
  FailToRestore("its rubric has no '" + name + "'");
}

PartMark PartMarkFrom(const Json& json, const Rubric& rubric) {
  PartMark mark;
  mark.part = &Named(rubric.parts, &RubricPart::title, json.at("part"));
  mark.trouble = json.at("trouble");
  for (const Json& each : json.at("tasks")) {
    TaskMark& task = mark.tasks.emplace_back();
    task.task = &Named(mark.part->tasks, &RubricTask::id, each.at("task"));
    for (const Json& check : each.at("checks")) {
      task.checks.push_back(CheckMarkFrom(check));
      task.checks.back().check =
          &Named(task.task->checks, &RubricCheck::name, check.at("check"));
    }
  }
  return mark;
}

}  // namespace

std::string RubricRecord(const Rubric& rubric) {
  Json parts = Json::array();
  for (const RubricPart& part : rubric.parts) parts.push_back(ToJson(part));
  return Dumped({{"most_bonus", rubric.most_bonus},
                 {"limits", ToJson(rubric.limits)},
                 {"parts", parts}});
}

std::string MarksRecord(const Report& report) {
  Json parts = Json::array();
  for (const PartMark& part : report.marks.parts) parts.push_back(ToJson(part));
  return Dumped({{"seed", report.seed},
                 {"isolation", report.isolation},
                 {"graded_at", report.graded_at},
                 {"build_seconds", report.build_seconds},
                 {"check_seconds", report.check_seconds},
                 {"answered_as", report.answered_as},
                 {"out_of_time", report.marks.out_of_time},
                 {"notices", report.notices},
                 {"parts", parts}});
}

Report ReportFrom(const std::string& marks_text, const Rubric& rubric) {
  try {
    const Json marks = Json::parse(marks_text);
    Report report;
    report.seed = marks.at("seed");
    report.isolation = marks.at("isolation");
    report.graded_at = marks.at("graded_at");
    report.build_seconds = marks.at("build_seconds");
    report.check_seconds = marks.at("check_seconds");
    report.answered_as = marks.at("answered_as");
    report.notices = marks.at("notices").get<std::vector<std::string>>();
    report.marks.out_of_time = marks.at("out_of_time");
    report.marks.most_bonus = rubric.most_bonus;
    for (const Json& part : marks.at("parts")) {
      report.marks.parts.push_back(PartMarkFrom(part, rubric));
    }
    return report;
  } catch (const Json::exception& error) {
    FailToRestore(error.what());
  }
}

RestoredReport Restore(const std::string& rubric_text,
                       const std::string& marks_text) {
  try {
    RestoredReport restored = {.rubric = std::make_unique<Rubric>(),
                               .report = {}};
    const Json asked = Json::parse(rubric_text);
    restored.rubric->most_bonus = asked.at("most_bonus");
    restored.is_complete = asked.contains("limits");
    if (restored.is_complete) {
      restored.rubric->limits = LimitsFrom(asked.at("limits"));
    }
    for (const Json& part : asked.at("parts")) {
      restored.rubric->parts.push_back(PartFrom(part));
    }
    restored.report = ReportFrom(marks_text, *restored.rubric);
    return restored;
  } catch (const Json::exception& error) {
    FailToRestore(error.what());
  }
}

}  // namespace kvlab::grading
