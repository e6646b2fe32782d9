// Times the reference's recomputing baseline, the student's cached generation
// and the reference's own, in turn.
#ifndef KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_SPEED_TRIAL_H_
#define KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_SPEED_TRIAL_H_

#include <cstddef>
#include <string>
#include <vector>

#include "autograder/exam/exam.h"
#include "autograder/exam/measurement.h"
#include "autograder/exam/tiers.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "autograder/machine/protocol/value.h"
#include "kit/measure/paired_ratios.h"

namespace kvlab::grading {

// A timed call.
struct TimedTurn {
  double seconds = 0;
  // Processor time over wall time: below 1 if others had the processor
  // meanwhile. 1 where it is unknown.
  double cpu_share = 1;
};

// Generations with a cache on the same prompt, one after the other.
struct CachedTurns {
  TimedTurn student;
  TimedTurn reference;
};

// Each turn has a new worker: it starts, loads the model and warms up untimed,
// answers one timed request, and is ended before the next turn. So no process
// of the submission runs while another side is timed, and all turns are
// measured in processes of the same kind and age.
class SpeedTrial {
 public:
  // Throws CheckFailed if the student cannot load the shipped checkpoint,
  // GraderError if there is no baseline.
  explicit SpeedTrial(Exam& exam);

  TrialTokens FreshPrompt();

  // Throws GraderError if the reference does not answer.
  TimedTurn Baseline(const TrialTokens& prompt, std::size_t new_tokens);

  // The student's cache goes first in the first call and every other one, so
  // neither always runs second. The student's tokens are compared after both.
  // Throws GraderError if the reference does not answer, CheckFailed if the
  // student's answer is missing, wrong or takes more than `seconds`, or if its
  // worker is not idle before the call.
  CachedTurns WithCache(const TrialTokens& prompt, std::size_t new_tokens,
                        double seconds);

 private:
  struct Answer {
    TrialTokens prompt;
    Integers generated;
    std::size_t new_tokens = 0;
  };

  TimedTurn ReferenceTurn(const std::string& operation,
                          const TrialTokens& prompt, std::size_t new_tokens);
  TimedTurn StudentTurn(const TrialTokens& prompt, std::size_t new_tokens,
                        double seconds);
  // Compares the tokens of the student's turns since the last call.
  void CheckAnswers();
  Reply AskReference(const Request& request);
  Reply AskStudent(const Request& request);
  // Throws CheckFailed unless the student answered in time. Too late is a cost
  // that is too high, which is not judged again.
  void ExpectAnswer(const Reply& reply, const CallLimits& limits);
  // Returns once the student's worker uses no processor time.
  void AwaitRest();

  Exam& exam_;
  TrialModel model_;
  std::vector<Answer> answers_;
  bool student_first_ = true;
};

// How many times faster than the baseline, pair by pair.
struct Speedups {
  PairedRatios student;
  // The reference's own GenerateCached on the same prompts.
  PairedRatios reference;
  // The student's over the reference's.
  PairedRatios of_reference;
  // Pairs that did not count, since others had the processor.
  std::size_t dropped = 0;
  // Those that counted, as they were timed.
  std::vector<TimedPair> timed;
  // Medians over the pairs.
  double baseline_seconds = 0;
  double student_seconds = 0;
};

// The share that a speed check earns: by the course's table, or by the ratio to
// the reference's speedup, whichever is more.
class SpeedMarks {
 public:
  SpeedMarks(const Tiers& table, double of_reference);

  double ShareFor(double speedup, double of_reference) const;
  double ShareFor(const Speedups& speedups) const;
  // Which of the two gives that share.
  SpeedRule Met(const Speedups& speedups) const;
  // Whether an interval contains a threshold that matters.
  bool Undecided(const Speedups& speedups) const;
  // Says which of the two was met, what the other gives, and why they differ.
  std::string Text(const Speedups& speedups) const;

 private:
  Tiers table_;
  Tiers relative_;
};

// Generates from fresh prompts of the shipped checkpoint: `pairs` times, and up
// to `most_pairs` times while the ratios leave a threshold open. Every token is
// compared. A pair in which baseline or reference had less than `least_share`
// of a processor is dropped and repeated, `most_dropped` times at most. Throws
// CheckFailed if the student's answer is late or wrong, CheckBlocked if the
// machine is too busy, GraderError if the baseline does not answer.
Speedups MeasureSpeedups(Exam& exam);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_SPEED_TRIAL_H_
