// Module 3: the reference's recomputing baseline against the student's cached
// generation. Only their ratio counts: both run on this machine, in like
// sandboxes, one after the other.
#include <cstddef>

#include "autograder/exam/check.h"
#include "autograder/exam/tiers.h"
#include "autograder/judges/03_memoization/speed_trial.h"
#include "fmt/format.h"
#include "kit/measure/paired_ratios.h"

namespace kvlab::grading {
namespace {

Verdict Speedup(Exam& exam) {
  const std::size_t new_tokens = exam.SettingSize("new_tokens");
  const Tiers& tiers = exam.Thresholds();
  const Speedups speedups = MeasureSpeedups(exam);
  const SpeedMarks marks(tiers, exam.Setting("of_reference"));
  const PairedRatios& ratios = speedups.student;
  const double speedup = ratios.Median();
  const auto [low, high] = ratios.Interval();
  exam.Record(SpeedupMeasurement{.new_tokens = new_tokens,
                                 .pairs = ratios.Count(),
                                 .median = speedup,
                                 .least = low,
                                 .most = high,
                                 .reference = speedups.reference.Median(),
                                 .of_reference = speedups.of_reference.Median(),
                                 .met = marks.Met(speedups),
                                 .full_from = tiers.front().at_least,
                                 .half_from = tiers.back().at_least,
                                 .timed = speedups.timed});
  Verdict verdict;
  verdict.share = marks.ShareFor(speedups);
  exam.NoteCost(verdict.share == 1);
  verdict.measured = fmt::format(
      "{:.1f} times as fast as recomputing, {} new tokens (median of {} pairs, "
      "interval {:.1f} to {:.1f}); {}",
      speedup, new_tokens, ratios.Count(), low, high, marks.Text(speedups));
  if (speedups.dropped > 0) {
    verdict.measured += fmt::format(
        "; {} more were dropped, since other programs had the processor",
        speedups.dropped);
  }
  if (marks.Undecided(speedups)) {
    verdict.measured +=
        "; a threshold is in the interval, and no more pairs are allowed: "
        "the median decides";
  }
  if (verdict.share < 1) verdict.came_back = verdict.measured;
  return verdict;
}

const RegisterChecks kSpeed({{"speed.cached_generation",
                              {"new_tokens", "pairs", "most_pairs",
                               "prompt_tokens", "margin", "baseline_seconds",
                               "of_reference", "least_share", "most_dropped"},
                              Speedup,
                              "speedup"}});

}  // namespace

}  // namespace kvlab::grading
