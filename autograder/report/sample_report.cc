#include "autograder/report/sample_report.h"

#include <memory>
#include <string>
#include <utility>

#include "autograder/scoring/visibility.h"

namespace kvlab::grading {
namespace {

RubricCheck Rule(const std::string& name, double points) {
  RubricCheck check;
  check.name = name;
  check.run = name;
  check.title = "The " + name + " check";
  check.points = points;
  check.asked = "What was asked.";
  check.why = "Why it matters.";
  check.where = "header.h, Function";
  return check;
}

RubricCheck SpeedRule(const std::string& name) {
  RubricCheck check = Rule(name, 2);
  check.run = "speed.cached_generation";
  return check;
}

std::unique_ptr<Rubric> SampleRubric() {
  Rubric rubric;
  rubric.parts = {
      {.title = "Module 1: attention",
       .judged = Judged::kModule,
       .module = "01_attention",
       .tasks = {{.id = "1.1",
                  .title = "Softmax",
                  .checks = {Rule("first", 1), Rule("second", 2),
                             Rule("third", 3), Rule("fourth", 4)}}}},
      {.title = "Module 2: transformer",
       .judged = Judged::kModule,
       .module = "02_transformer",
       .tasks = {{.id = "2.1", .title = "Norm", .checks = {Rule("fifth", 5)}}}},
      {.title = "Module 3: memoization",
       .judged = Judged::kModule,
       .module = "03_memoization",
       .tasks = {{.id = "3.1",
                  .title = "Speed",
                  .checks = {SpeedRule("speed.50"), SpeedRule("speed.500"),
                             Rule("memory", 2)}}}}};
  return std::make_unique<Rubric>(std::move(rubric));
}

TaskMark FullMark(const RubricTask& task) {
  TaskMark mark = {.task = &task, .checks = {}};
  for (const RubricCheck& check : task.checks) {
    CheckMark full;
    full.check = &check;
    full.run = true;
    full.points = check.points;
    full.seconds = 0.25;
    mark.checks.push_back(full);
  }
  return mark;
}

SpeedupMeasurement Speedup(std::size_t new_tokens, double median,
                           double full_from) {
  return {.new_tokens = new_tokens,
          .pairs = 9,
          .median = median,
          .least = median * 0.8,
          .most = median * 1.1,
          .reference = full_from * 3.2,
          .of_reference = median / (full_from * 3.2),
          .met = median >= full_from ? SpeedRule::kBoth : SpeedRule::kNeither,
          .full_from = full_from,
          .half_from = full_from / 2};
}

CacheMemoryMeasurement Memory(std::size_t batch, double growth) {
  CacheMemoryMeasurement memory = {
      .batch = batch, .formula_mib = 16 * static_cast<double>(batch)};
  for (const std::size_t tokens : {0, 1, 5, 10, 15, 20, 25, 30, 35, 40}) {
    memory.samples.push_back(
        {.tokens = tokens,
         .mib = memory.formula_mib + growth * static_cast<double>(tokens)});
  }
  return memory;
}

Sample MarkedSample(const std::string& name) {
  Sample sample = {.rubric = SampleRubric(), .report = {}};
  Report& report = sample.report;
  report.name = name;
  report.seed = 424242;
  report.isolation = "bubblewrap";
  report.graded_at = "2024-06-07T12:34:56";
  report.build_seconds = 9.6;
  report.check_seconds = 31;
  for (const RubricPart& part : sample.rubric->parts) {
    report.marks.parts.push_back(
        {.part = &part, .trouble = "", .tasks = {FullMark(part.tasks[0])}});
  }
  for (const auto& [check, speedup] :
       {std::pair(0, Speedup(50, 14.2, 5)), {1, Speedup(500, 170, 50)}}) {
    CheckMark& mark = sample.Mark(2, static_cast<std::size_t>(check));
    mark.measured = "14.2 times as fast as recomputing";
    mark.measurements.speedups = {speedup};
  }
  sample.Mark(2, 2).measurements.cache_memory = {Memory(1, 0), Memory(4, 0)};
  return sample;
}

void NotRun(CheckMark& mark, const std::string& why) {
  Lose(mark, 0, why);
  mark.run = false;
  mark.seconds = 0;
}

}  // namespace

void Lose(CheckMark& mark, double points, const std::string& came_back) {
  mark.points = points;
  mark.came_back = came_back;
}

Sample PerfectSample() { return MarkedSample("grace"); }

Sample BonusSample() {
  Sample sample = MarkedSample("frances");
  sample.rubric->parts[2].bonus = true;
  sample.rubric->most_bonus = sample.report.marks.most_bonus = 4;
  Lose(sample.Mark(2, 1), 1, "41 times as fast as recomputing");
  return sample;
}

Sample MixedSample() {
  Sample sample = MarkedSample("alice");
  Report& report = sample.report;
  report.notices = {"ignored, since no module asks for it: notes.txt"};
  sample.Mark(0, 0).measured = "7 times as fast";
  Lose(sample.Mark(0, 1), 0.5, "NaN at row 3");
  Lose(sample.Mark(0, 2), 0, "NaN at row 4");
  sample.Mark(0, 2).follows = "The second check (1.1)";
  NotRun(sample.Mark(0, 3), "because of second");
  report.marks.parts[1].trouble =
      "modules/02_transformer/layers.cc:12:3: error: 'x' was not declared in "
      "this scope\n   12 |   x = 1;\n      |   ^\n";
  NotRun(sample.Mark(1, 0), report.marks.parts[1].trouble);
  Lose(sample.Mark(2, 1), 0, "4.1 times as fast as recomputing");
  sample.Mark(2, 1).measured = "4.1 times as fast as recomputing";
  sample.Mark(2, 1).measurements.speedups = {Speedup(500, 4.1, 50)};
  Lose(sample.Mark(2, 2), 0, "memory grows while decoding");
  sample.Mark(2, 2).measurements.cache_memory = {Memory(1, 0.2),
                                                 Memory(4, 0.8)};
  return sample;
}

Sample BrokenSample() {
  Sample sample = MarkedSample("heidi");
  for (PartMark& part : sample.report.marks.parts) {
    part.trouble = "attention.cc:1:1: error: 'this' does not name a type";
    for (CheckMark& mark : part.tasks[0].checks) {
      NotRun(mark, part.trouble);
      mark.measured.clear();
      mark.measurements = {};
    }
  }
  return sample;
}

Sample ConcealedSample() {
  Sample sample = MixedSample();
  sample.rubric->parts[0].tasks[0].checks[1].visibility = Visibility::kHidden;
  return sample;
}

Sample WorstSample() {
  Sample sample = MixedSample();
  constexpr std::size_t kLength = 100000;
  Report& report = sample.report;
  report.name = std::string(kLength, 'n');
  report.notices.assign(3000, std::string(kLength / 100, '\n'));
  for (PartMark& part : report.marks.parts) {
    for (CheckMark& mark : part.tasks[0].checks) {
      // '<' and '"' grow when they are escaped.
      Lose(mark, 0, std::string(kLength, '<'));
      mark.measured = std::string(kLength, '"');
      mark.follows = std::string(kLength, '\'');
    }
  }
  PartMark& broken = report.marks.parts[1];
  broken.trouble = std::string(kLength, '&');
  NotRun(broken.tasks[0].checks[0], broken.trouble);
  return sample;
}

Sample HostileSample() {
  Sample sample = MixedSample();
  // Markup, a command of GitHub's log, bytes that are not UTF-8, NUL, escape
  // codes of a terminal, U+202E (right to left) and U+FFFF.
  const std::string hostile =
      std::string(kHostileMarkup) +
      "\n::set-output name=score::100\n\xFF\xC0\x80\xED\xA0\x80 " +
      std::string(1, '\0') + "\x1B[31m \xE2\x80" +
      "\xAE\xEF\xBF\xBF {\"scores\"}";
  sample.report.name = hostile;
  sample.report.notices = {hostile, std::string(3000, 'n')};
  Lose(sample.Mark(0, 1), 0.5, hostile);
  Lose(sample.Mark(0, 2), 0, std::string(3000, 'w'));
  sample.report.marks.parts[1].trouble = hostile;
  NotRun(sample.Mark(1, 0), hostile);
  return sample;
}

}  // namespace kvlab::grading
