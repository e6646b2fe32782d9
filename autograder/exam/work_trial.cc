#include "autograder/exam/work_trial.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "autograder/exam/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

Integers CountedSoFar(Exam& exam) {
  Integers counted =
      exam.GetIntegers(exam.AskStudent("work.counted", {}), 0, kWorkKinds);
  counted.resize(kWorkKinds);
  return counted;
}

const char* Name(WorkKind kind) {
  return kWorkNames.at(static_cast<std::size_t>(kind));
}

}  // namespace

CountedWork::CountedWork(Exam& exam)
    : exam_(exam), before_(CountedSoFar(exam)) {}

Integers CountedWork::Macs() {
  Integers macs = CountedSoFar(exam_);
  for (std::size_t i = 0; i < kWorkKinds; ++i) macs[i] -= before_[i];
  return macs;
}

void CompareWork(Exam& exam, const Integers& macs, WorkKind kind,
                 const WorkLimits& limits) {
  const std::int64_t counted = macs.at(static_cast<std::size_t>(kind));
  if (counted < Int(limits.least)) {
    exam.Fail(fmt::format(
        "{} multiply-accumulates were counted as Work::{}, the products of "
        "this call make at least {}. The kit's products count themselves, as "
        "what their first argument says; a loop in place of one calls "
        "CountMacs",
        counted, Name(kind), limits.least));
  }
  if (counted > Int(limits.most)) {
    exam.Fail(fmt::format(
        "{} multiply-accumulates were counted as Work::{}, the products of "
        "this call make at most {}: is one made twice, or another one counted "
        "as this?",
        counted, Name(kind), limits.most));
  }
}

void CompareNoOtherWork(Exam& exam, const Integers& macs, WorkKind kind) {
  for (std::size_t i = 0; i < kWorkKinds; ++i) {
    if (i == static_cast<std::size_t>(kind) || macs.at(i) == 0) continue;
    exam.Fail(fmt::format(
        "{} multiply-accumulates were counted as Work::{}; all of this call's "
        "are Work::{}, which the first argument of a product says",
        macs[i], kWorkNames.at(i), Name(kind)));
  }
}

}  // namespace kvlab::grading
