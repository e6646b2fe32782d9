#include "autograder/judges/03_memoization/speed_trial.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "autograder/exam/inputs.h"
#include "autograder/judges/02_transformer/checkpoint_trial.h"
#include "fmt/format.h"
#include "kit/math/median.h"

namespace kvlab::grading {
namespace {

// Touches all weights and grows the heap, in milliseconds.
constexpr std::size_t kWarmUpTokens = 8;

constexpr double kPercent = 100;

Values Arguments(Handle model, const TrialTokens& prompt,
                 std::size_t new_tokens) {
  return {model,           prompt.ids, std::int64_t{1}, Integers(),
          Int(new_tokens), 0.0,        std::int64_t{0}, std::int64_t{0}};
}

// Calls, and sees from outside how much of a processor the worker had.
template <typename Call>
TimedTurn Timed(Endpoint& endpoint, const Call& call) {
  const std::optional<double> before = endpoint.CpuSeconds();
  TimedTurn turn = {.seconds = call().seconds};
  const std::optional<double> after = endpoint.CpuSeconds();
  if (before && after && turn.seconds > 0) {
    turn.cpu_share = (*after - *before) / turn.seconds;
  }
  return turn;
}

}  // namespace

SpeedTrial::SpeedTrial(Exam& exam) : exam_(exam), model_(LoadCheckpoint(exam)) {
  if (exam.AllAnswerers().baseline == nullptr) {
    throw GraderError("there is no baseline to compare the speed with");
  }
}

TrialTokens SpeedTrial::FreshPrompt() {
  return RandomPrompt(exam_, exam_.SettingSize("prompt_tokens"));
}

Reply SpeedTrial::AskReference(const Request& request) {
  Reply reply = exam_.AllAnswerers().baseline->Call(
      request, {.seconds = exam_.Setting("baseline_seconds")});
  if (reply.status != Status::kOk) {
    throw GraderError("the baseline does not answer: " + reply.message);
  }
  return reply;
}

Reply SpeedTrial::AskStudent(const Request& request) {
  Reply reply = exam_.AllAnswerers().student->Call(request, exam_.Limits());
  ExpectAnswer(reply, exam_.Limits());
  return reply;
}

void SpeedTrial::ExpectAnswer(const Reply& reply, const CallLimits& limits) {
  exam_.Note(reply);
  if (reply.status == Status::kOk) return;
  if (reply.status == Status::kTimedOut) exam_.NoteCost(false);
  exam_.Fail(Explain(reply, limits));
}

TimedTurn SpeedTrial::ReferenceTurn(const std::string& operation,
                                    const TrialTokens& prompt,
                                    std::size_t new_tokens) {
  exam_.AllAnswerers().student->Restart();
  Endpoint& baseline = *exam_.AllAnswerers().baseline;
  baseline.Restart();
  const auto made = [&](const std::string& what, const Values& arguments) {
    return exam_.Get<Handle>(AskReference({what, arguments}).values, 0);
  };
  const Handle model =
      made("model.new", {made("weights.load", {exam_.Checkpoint().in_worker})});
  AskReference({operation, Arguments(model, FreshPrompt(), kWarmUpTokens)});
  const TimedTurn turn = Timed(baseline, [&] {
    return AskReference({operation, Arguments(model, prompt, new_tokens)});
  });
  baseline.Restart();
  return turn;
}

TimedTurn SpeedTrial::Baseline(const TrialTokens& prompt,
                               std::size_t new_tokens) {
  return ReferenceTurn("generate.baseline", prompt, new_tokens);
}

void SpeedTrial::AwaitRest() {
  // A team of threads may go on spinning for some milliseconds.
  constexpr int kGlances = 40;
  constexpr double kGlanceSeconds = 0.005;
  constexpr double kBusy = 0.2;  // of a processor
  Endpoint& student = *exam_.AllAnswerers().student;
  for (int glance = 0; glance < kGlances; ++glance) {
    const std::optional<double> before = student.CpuSeconds();
    if (!before) return;
    std::this_thread::sleep_for(std::chrono::duration<double>(kGlanceSeconds));
    if (*student.CpuSeconds() - *before < kBusy * kGlanceSeconds) return;
  }
  // Not to be tried once more with less of its code beside it.
  exam_.NoteCost(false);
  exam_.Fail(
      "something of it goes on working between two calls. What a call answers "
      "is to be done in that call: take the background thread out");
}

TimedTurn SpeedTrial::StudentTurn(const TrialTokens& prompt,
                                  std::size_t new_tokens, double seconds) {
  exam_.Case(fmt::format(
      "{} new tokens after a prompt of {} on the shipped checkpoint",
      new_tokens, prompt.SeqLen()));
  exam_.AllAnswerers().baseline->Restart();
  Endpoint& student = *exam_.AllAnswerers().student;
  student.Restart();
  const auto made = [&](const std::string& what, const Values& arguments) {
    return exam_.Get<Handle>(AskStudent({what, arguments}).values, 0);
  };
  const Handle model =
      made("model.new", {made("weights.load", {exam_.Checkpoint().in_worker})});
  const TrialTokens warm_up = FreshPrompt();
  answers_.push_back({warm_up,
                      exam_.Get<Integers>(
                          AskStudent({"generate.cached",
                                      Arguments(model, warm_up, kWarmUpTokens)})
                              .values,
                          0),
                      kWarmUpTokens});
  AwaitRest();
  CallLimits limits = exam_.Limits();
  limits.seconds = seconds;
  Reply reply;
  const TimedTurn turn = Timed(student, [&] {
    reply = student.Call(
        {"generate.cached", Arguments(model, prompt, new_tokens)}, limits);
    return reply;
  });
  student.Restart();
  ExpectAnswer(reply, limits);
  answers_.push_back(
      {prompt, exam_.Get<Integers>(reply.values, 0), new_tokens});
  return turn;
}

void SpeedTrial::CheckAnswers() {
  for (const Answer& answer : answers_) {
    CheckGreedyTokens(exam_, model_, answer.prompt, answer.generated,
                      answer.new_tokens);
  }
  answers_.clear();
}

CachedTurns SpeedTrial::WithCache(const TrialTokens& prompt,
                                  std::size_t new_tokens, double seconds) {
  const auto reference = [&] {
    return ReferenceTurn("generate.cached", prompt, new_tokens);
  };
  CachedTurns turns;
  if (!student_first_) turns.reference = reference();
  turns.student = StudentTurn(prompt, new_tokens, seconds);
  if (student_first_) turns.reference = reference();
  student_first_ = !student_first_;
  CheckAnswers();
  return turns;
}

SpeedMarks::SpeedMarks(const Tiers& table, double of_reference)
    : table_(table), relative_(TiersOfReference(table, of_reference)) {}

double SpeedMarks::ShareFor(double speedup, double of_reference) const {
  return std::max(grading::ShareFor(table_, speedup),
                  grading::ShareFor(relative_, of_reference));
}

double SpeedMarks::ShareFor(const Speedups& speedups) const {
  return ShareFor(speedups.student.Median(), speedups.of_reference.Median());
}

bool SpeedMarks::Undecided(const Speedups& speedups) const {
  const MedianInterval speedup = speedups.student.Interval();
  const MedianInterval relative = speedups.of_reference.Interval();
  return ShareFor(speedup.low, relative.low) !=
         ShareFor(speedup.high, relative.high);
}

SpeedRule SpeedMarks::Met(const Speedups& speedups) const {
  const double by_table = grading::ShareFor(table_, speedups.student.Median());
  const double by_reference =
      grading::ShareFor(relative_, speedups.of_reference.Median());
  if (by_table == 0 && by_reference == 0) return SpeedRule::kNeither;
  if (by_table == by_reference) return SpeedRule::kBoth;
  return by_table > by_reference ? SpeedRule::kTable : SpeedRule::kReference;
}

std::string SpeedMarks::Text(const Speedups& speedups) const {
  const double share = speedups.of_reference.Median();
  const std::string by_table =
      ShareText(grading::ShareFor(table_, speedups.student.Median()));
  const std::string by_reference =
      ShareText(grading::ShareFor(relative_, share));
  const SpeedRule met = Met(speedups);
  const std::string table =
      fmt::format("the course's table ({})", TiersText(table_));
  if (relative_.empty()) {
    return met == SpeedRule::kNeither
               ? "not met: " + table
               : fmt::format("met: {} by {}", by_table, table);
  }
  const std::string relative = fmt::format(
      "a share of the reference's speed ({})", TiersTextInPercent(relative_));
  const std::string yours = fmt::format(
      "the reference was {:.1f} times as fast in the same pairs, and yours has "
      "{:.0f} % of its speed",
      speedups.reference.Median(), kPercent * share);
  switch (met) {
    case SpeedRule::kNeither:
      return fmt::format("met: neither {} nor {}; {}", table, relative, yours);
    case SpeedRule::kBoth:
      return fmt::format("met: {} by {}, and also by {}; {}", by_table, table,
                         relative, yours);
    case SpeedRule::kTable:
      return fmt::format("met: {} by {}; by {} it would be {}, since {}",
                         by_table, table, relative, by_reference, yours);
    case SpeedRule::kReference:
      break;
  }
  return fmt::format(
      "met: {} by {}, since {}; by {} it would be {}: on this machine a cache "
      "gains less",
      by_reference, relative, yours, table, by_table);
}

namespace {

// The same work three times.
struct Round {
  TimedTurn baseline;
  CachedTurns cached;
};

Round RunRound(Exam& exam, SpeedTrial& trial) {
  constexpr double kGraceSeconds = 1;
  const std::size_t new_tokens = exam.SettingSize("new_tokens");
  const TrialTokens prompt = trial.FreshPrompt();
  const TimedTurn baseline = trial.Baseline(prompt, new_tokens);
  // Gives up where even the lowest tier is far out of reach.
  const double patience =
      3 * baseline.seconds / exam.Thresholds().back().at_least + kGraceSeconds;
  return {baseline, trial.WithCache(prompt, new_tokens, patience)};
}

// How far apart the reference's own ratios may lie where a threshold is open: a
// machine on which they lie further apart decides nothing.
constexpr double kWidestInterval = 1.25;

}  // namespace

Speedups MeasureSpeedups(Exam& exam) {
  SpeedTrial trial(exam);
  const SpeedMarks marks(exam.Thresholds(), exam.Setting("of_reference"));
  const double least_share = exam.Setting("least_share");
  Speedups speedups;
  std::vector<double> baseline;
  std::vector<double> student;
  while (speedups.student.Count() < exam.SettingSize("pairs") ||
         (speedups.student.Count() < exam.SettingSize("most_pairs") &&
          marks.Undecided(speedups))) {
    const auto [recomputing, cached] = RunRound(exam, trial);
    const double share =
        std::min(recomputing.cpu_share, cached.reference.cpu_share);
    if (share < least_share) {
      if (++speedups.dropped <= exam.SettingSize("most_dropped")) continue;
      BlockCheck(fmt::format(
          "other programs take the processors; in {} of {} pairs the "
          "reference had less than {:.0f} % of one",
          speedups.dropped, speedups.dropped + speedups.student.Count(),
          kPercent * least_share));
    }
    speedups.student.Add(recomputing.seconds / cached.student.seconds);
    speedups.reference.Add(recomputing.seconds / cached.reference.seconds);
    speedups.of_reference.Add(cached.reference.seconds /
                              cached.student.seconds);
    speedups.timed.push_back({.baseline = recomputing.seconds,
                              .student = cached.student.seconds,
                              .reference = cached.reference.seconds});
    baseline.push_back(recomputing.seconds);
    student.push_back(cached.student.seconds);
  }
  const MedianInterval spread = speedups.reference.Interval();
  if (marks.Undecided(speedups) && spread.high > kWidestInterval * spread.low) {
    BlockCheck(fmt::format(
        "a threshold is in the interval after {} pairs, and the reference's "
        "own ratios are between {:.1f} and {:.1f}",
        speedups.student.Count(), spread.low, spread.high));
  }
  speedups.baseline_seconds = Median(baseline);
  speedups.student_seconds = Median(student);
  return speedups;
}

}  // namespace kvlab::grading
