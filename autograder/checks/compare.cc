#include "autograder/checks/compare.h"

#include <cmath>
#include <cstddef>
#include <string>

#include "fmt/format.h"

namespace kvlab::grading {

void CompareArrays(Exam& exam, const Array& actual, const Array& expected,
                   const Axes& axes, const Recognise& recognise) {
  const auto difference =
      Difference(actual, expected, exam.Setting("tolerance"), axes);
  if (!difference) return;
  const std::string hint = recognise ? recognise(actual) : "";
  exam.Fail(hint.empty() ? *difference : *difference + "; " + hint);
}

void CompareArrays(Exam& exam, const Answers& answers, std::size_t index,
                   const Axes& axes, const Recognise& recognise) {
  CompareArrays(exam, exam.Get<Array>(answers.student, index),
                exam.Get<Array>(answers.reference, index), axes, recognise);
}

void CompareNumber(Exam& exam, const std::string& what, std::int64_t actual,
                   std::int64_t expected, const std::string& hint) {
  if (actual == expected) return;
  exam.Fail(fmt::format("{} is {}, which is {}{}{}", what, actual,
                        actual < expected ? "too small" : "too large",
                        hint.empty() ? "" : "; ", hint));
}

void CompareDouble(Exam& exam, const std::string& what, double actual,
                   double expected) {
  const double off = std::abs(actual - expected);
  if (off <= exam.Setting("tolerance") * std::abs(expected)) return;
  if (expected == 0) exam.Fail(fmt::format("{} is not 0", what));
  exam.Fail(
      fmt::format("{} is {:.6g} times what is right", what, actual / expected));
}

void CompareDoubles(Exam& exam, const Answers& answers, std::size_t index,
                    const std::string& what) {
  CompareDouble(exam, what, exam.Get<double>(answers.student, index),
                exam.Get<double>(answers.reference, index));
}

}  // namespace kvlab::grading
