// The quiz as one student gets it: numbers and the order of options come from
// the student's id, so an answer is of no use to another student.
#ifndef KVLAB_QUIZ_VARIANT_H_
#define KVLAB_QUIZ_VARIANT_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "quiz/quiz.h"

namespace kvlab {

struct QuizVariant {
  QuizNumbers numbers;
  std::string text;
  // The question's options at 'a', 'b', ...
  std::vector<std::size_t> order;
  std::vector<std::string> options;  // in that order
};

// The normal form of an id: without surrounding spaces, in lower case, each
// accent joined to its letter. Throws DataError unless it has 1 to 254 letters
// and digits of any language and marks that e-mail addresses have.
std::string StudentId(std::string_view written);

// The same on every machine. `student`: of StudentId.
QuizVariant VariantFor(const QuizQuestion& question, std::string_view student);

// 'a' for the first.
char LetterOf(std::size_t place);

}  // namespace kvlab

#endif  // KVLAB_QUIZ_VARIANT_H_
