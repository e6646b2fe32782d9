// The work that the student's process has counted between two points in time.
#ifndef KVLAB_AUTOGRADER_EXAM_WORK_TRIAL_H_
#define KVLAB_AUTOGRADER_EXAM_WORK_TRIAL_H_

#include <array>
#include <cstddef>
#include <string>

#include "autograder/exam/exam.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

// Categories in the answer of work.counted, as kit/math/work.h has them.
enum class WorkKind : std::size_t {
  kQkv,
  kAttention,
  kProjection,
  kMlp,
  kHead,
};
inline constexpr std::size_t kWorkKinds = 5;
inline constexpr std::array<const char*, kWorkKinds> kWorkNames = {
    "kQkv", "kAttention", "kProjection", "kMlp", "kHead"};

// Counts from its construction on. The reference of a test runs in the same
// process: ask it before, or after Macs().
class CountedWork {
 public:
  explicit CountedWork(Exam& exam);

  // Multiply-accumulates of each kind since then.
  Integers Macs();

 private:
  Exam& exam_;
  Integers before_;
};

// Throws CheckFailed unless `macs` multiply-accumulates of `kind` are within
// the limits, both included. Too few: work was not counted, or in another
// category. Too many: work was done twice.
struct WorkLimits {
  std::size_t least = 0;
  std::size_t most = 0;
};
void CompareWork(Exam& exam, const Integers& macs, WorkKind kind,
                 const WorkLimits& limits);

// Throws CheckFailed if anything but `kind` was counted.
void CompareNoOtherWork(Exam& exam, const Integers& macs, WorkKind kind);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_WORK_TRIAL_H_
