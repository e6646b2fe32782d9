// The comparisons at the end of most checks.
#ifndef KVLAB_AUTOGRADER_EXAM_COMPARE_H_
#define KVLAB_AUTOGRADER_EXAM_COMPARE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "autograder/exam/difference.h"
#include "autograder/exam/exam.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

// Names the usual mistake that a wrong answer matches; "" if it matches none.
using Recognise = std::function<std::string(const Array& answer)>;

// Throws CheckFailed unless the arrays agree within the setting "tolerance".
void CompareArrays(Exam& exam, const Array& actual, const Array& expected,
                   const Axes& axes, const Recognise& recognise = nullptr);

// The same for array number `index` of both answers.
void CompareArrays(Exam& exam, const Answers& answers, std::size_t index,
                   const Axes& axes, const Recognise& recognise = nullptr);

// Throws CheckFailed, "<what> is <actual>", unless the numbers are equal. For
// numbers that the author can work out; `expected` is not shown.
void CompareNumber(Exam& exam, const std::string& what, std::int64_t actual,
                   std::int64_t expected, const std::string& hint = "");

// Throws CheckFailed, "<what> is <quotient> times what is right", unless the
// numbers agree within the setting "tolerance", relative to the expected one.
void CompareDouble(Exam& exam, const std::string& what, double actual,
                   double expected, const std::string& hint = "");

// The same for number `index` of both answers. `recognise` may explain a wrong
// number.
void CompareDoubles(
    Exam& exam, const Answers& answers, std::size_t index,
    const std::string& what,
    const std::function<std::string(double wrong)>& recognise = nullptr);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_COMPARE_H_
