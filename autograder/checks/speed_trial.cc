#include "autograder/checks/speed_trial.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "autograder/checks/checkpoint_trial.h"
#include "autograder/checks/inputs.h"
#include "autograder/checks/tiers.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

class SpeedTrial {
 public:
  explicit SpeedTrial(Exam& exam) : exam_(exam), model_(LoadCheckpoint(exam)) {
    if (exam.Everybody().baseline == nullptr) {
      throw GraderError("there is no baseline to compare the speed with");
    }
    const Handle weights = Made("weights.load", {exam.Checkpoint().in_worker});
    baseline_model_ = Made("model.new", {weights});
    RunPair(kWarmUpTokens);
  }

  // The same work three times, one after the other.
  struct Seconds {
    double baseline = 0;
    double student = 0;
    double reference = 0;
  };

  Seconds RunPair(std::size_t new_tokens) {
    const TrialTokens prompt =
        RandomPrompt(exam_, exam_.SettingSize("prompt_tokens"));
    const double baseline =
        ReferenceSeconds("generate.baseline", prompt, new_tokens);
    const double student = StudentSeconds(prompt, new_tokens, baseline);
    const double reference =
        ReferenceSeconds("generate.cached", prompt, new_tokens);
    return {.baseline = baseline, .student = student, .reference = reference};
  }

 private:
  static constexpr std::size_t kWarmUpTokens = 8;

  Reply AskBaseline(const std::string& operation, const Values& arguments) {
    Reply reply = exam_.Everybody().baseline->Call(
        {operation, arguments}, {.seconds = exam_.Setting("baseline_seconds")});
    if (reply.status != Status::kOk) {
      throw GraderError("the baseline does not answer: " + reply.message);
    }
    return reply;
  }

  Handle Made(const std::string& operation, const Values& arguments) {
    return exam_.Get<Handle>(AskBaseline(operation, arguments).values, 0);
  }

  static Values Arguments(Handle model, const TrialTokens& prompt,
                          std::size_t new_tokens) {
    return {model,           prompt.ids, std::int64_t{1}, Integers(),
            Int(new_tokens), 0.0,        std::int64_t{0}, std::int64_t{0}};
  }

  double ReferenceSeconds(const std::string& operation,
                          const TrialTokens& prompt, std::size_t new_tokens) {
    // Whoever keeps the processors busy meanwhile would seem the faster.
    exam_.Everybody().student->Pause();
    return AskBaseline(operation,
                       Arguments(baseline_model_, prompt, new_tokens))
        .seconds;
  }

  // Gives up where even the lowest tier is far out of reach.
  double StudentSeconds(const TrialTokens& prompt, std::size_t new_tokens,
                        double baseline) {
    exam_.Case(
        fmt::format("{} new tokens after a prompt of {} on the shipped "
                    "checkpoint",
                    new_tokens, prompt.SeqLen()));
    CallLimits limits = exam_.Limits();
    limits.seconds =
        3 * baseline / exam_.Thresholds().back().at_least + kGraceSeconds;
    const Reply reply = exam_.Everybody().student->Call(
        {"generate.cached",
         Arguments(model_.model.student, prompt, new_tokens)},
        limits);
    if (reply.status == Status::kTimedOut) {
      exam_.Fail(
          fmt::format("no answer after {:.1f} seconds; the baseline, "
                      "which recomputes everything, took {:.1f}",
                      limits.seconds, baseline));
    }
    if (reply.status != Status::kOk) exam_.Fail(Explain(reply, limits));
    CheckGreedyTokens(exam_, model_, prompt,
                      exam_.Get<Integers>(reply.values, 0), new_tokens);
    return reply.seconds;
  }

  static constexpr double kGraceSeconds = 1;

  Exam& exam_;
  TrialModel model_;
  Handle baseline_model_;
};

// The upper one of two.
double MiddleOf(std::vector<double>& values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

}  // namespace

bool Undecided(const PairedRatios& ratios, const Tiers& tiers) {
  const auto [low, high] = ratios.Interval();
  return ShareFor(tiers, low) != ShareFor(tiers, high);
}

Speedups MeasureSpeedups(Exam& exam) {
  SpeedTrial trial(exam);
  const std::size_t new_tokens = exam.SettingSize("new_tokens");
  Speedups speedups;
  std::vector<double> baseline;
  std::vector<double> student;
  while (speedups.student.Count() < exam.SettingSize("pairs") ||
         (speedups.student.Count() < exam.SettingSize("most_pairs") &&
          Undecided(speedups.student, exam.Thresholds()))) {
    const SpeedTrial::Seconds pair = trial.RunPair(new_tokens);
    speedups.student.Add(pair.baseline / pair.student);
    speedups.reference.Add(pair.baseline / pair.reference);
    baseline.push_back(pair.baseline);
    student.push_back(pair.student);
  }
  speedups.baseline_seconds = MiddleOf(baseline);
  speedups.student_seconds = MiddleOf(student);
  return speedups;
}

}  // namespace kvlab::grading
