#include "autograder/exam/compare.h"

#include <algorithm>
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
  exam.Fail(hint.empty() ? *difference : hint + " (" + *difference + ")");
}

void CompareArrays(Exam& exam, const Answers& answers, std::size_t index,
                   const Axes& axes, const Recognise& recognise) {
  CompareArrays(exam, exam.Get<Array>(answers.student, index),
                exam.Get<Array>(answers.reference, index), axes, recognise);
}

namespace {

// ", by 1" or ", by a factor of 2", which point to a bug; "" for other amounts.
std::string ByHowMuch(std::int64_t actual, std::int64_t expected) {
  constexpr std::int64_t kLargestFactor = 64;
  const auto is_multiple = [](std::int64_t large, std::int64_t small) {
    return small > 1 && large > small && large % small == 0 &&
           large / small <= kLargestFactor;
  };
  if (actual > 0 && expected > 0 && is_multiple(actual, expected)) {
    return fmt::format(", by a factor of {}", actual / expected);
  }
  if (actual > 0 && expected > 0 && is_multiple(expected, actual)) {
    return fmt::format(", by a factor of {}", expected / actual);
  }
  // The smaller one cannot wrap.
  return std::min(actual, expected) + 1 == std::max(actual, expected) ? ", by 1"
                                                                      : "";
}

}  // namespace

void CompareNumber(Exam& exam, const std::string& what, std::int64_t actual,
                   std::int64_t expected, const std::string& hint) {
  if (actual == expected) return;
  exam.Fail(fmt::format("{} is {}, which is {}{}{}{}", what, actual,
                        actual < expected ? "too small" : "too large",
                        ByHowMuch(actual, expected), hint.empty() ? "" : "; ",
                        hint));
}

void CompareDouble(Exam& exam, const std::string& what, double actual,
                   double expected, const std::string& hint) {
  const double off = std::abs(actual - expected);
  if (off <= exam.Setting("tolerance") * std::abs(expected)) return;
  if (std::isnan(actual)) exam.Fail(fmt::format("{} is not a number", what));
  if (expected == 0) exam.Fail(fmt::format("{} is not 0", what));
  if (actual == 0) exam.Fail(fmt::format("{} is 0", what));
  constexpr double kNearly = 1e-3;
  const bool nearly = std::abs(actual / expected - 1) < kNearly;
  const std::string words =
      hint.empty() && nearly
          ? "nearly right, so a constant or a sum of low precision"
          : hint;
  exam.Fail(fmt::format("{} is {:.6g} times what is right{}{}", what,
                        actual / expected, words.empty() ? "" : "; ", words));
}

void CompareDoubles(Exam& exam, const Answers& answers, std::size_t index,
                    const std::string& what,
                    const std::function<std::string(double wrong)>& recognise) {
  const auto actual = exam.Get<double>(answers.student, index);
  const auto expected = exam.Get<double>(answers.reference, index);
  CompareDouble(exam, what, actual, expected,
                recognise && actual != expected ? recognise(actual) : "");
}

}  // namespace kvlab::grading
