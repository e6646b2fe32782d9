// The reference's recomputing baseline and cached generation, by turns.
#ifndef KVLAB_AUTOGRADER_CHECKS_SPEED_TRIAL_H_
#define KVLAB_AUTOGRADER_CHECKS_SPEED_TRIAL_H_

#include "autograder/checks/exam.h"
#include "autograder/checks/paired_ratios.h"
#include "autograder/checks/tiers.h"

namespace kvlab::grading {

// How many times faster than the baseline, pair by pair.
struct Speedups {
  PairedRatios student;
  // The reference's own GenerateCached on the same prompts.
  PairedRatios reference;
  // Medians over the pairs.
  double baseline_seconds = 0;
  double student_seconds = 0;
};

// Whether a threshold lies in the interval of the median.
bool Undecided(const PairedRatios& ratios, const Tiers& tiers);

// Generates from fresh prompts of the shipped checkpoint: `pairs` times, and up
// to `most_pairs` times while the student's ratios leave a threshold open.
// Every token is compared. Throws CheckFailed if the student's answer is late
// or wrong, GraderError if the baseline does not answer.
Speedups MeasureSpeedups(Exam& exam);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CHECKS_SPEED_TRIAL_H_
