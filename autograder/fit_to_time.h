// Whether speed may be measured on this machine now.
#ifndef KVLAB_AUTOGRADER_FIT_TO_TIME_H_
#define KVLAB_AUTOGRADER_FIT_TO_TIME_H_

#include <filesystem>
#include <string>

#include "autograder/machine/building/staged_kit.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// Why speed must not be measured here; "" if it may. Puts the rubric's first
// check of speed to the reference in the student's place: it must be judged,
// earn full points, and be as fast as the same reference beside it, within a
// tenth. Takes seconds. "" for a rubric without such a check.
//   checkpoint: as this process finds it
// Throws GraderError if the reference does not answer.
std::string WhyUnfitToTime(const Rubric& rubric, const StagedKit& kit,
                           const std::filesystem::path& checkpoint);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_FIT_TO_TIME_H_
