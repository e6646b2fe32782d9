// A student's answers, answers.json, which is untrusted input. JSON with
// comments rather than TOML: toml++ 3.3 fails on some inputs.
#ifndef KVLAB_QUIZ_ANSWER_SHEET_H_
#define KVLAB_QUIZ_ANSWER_SHEET_H_

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "quiz/quiz.h"
#include "quiz/variant.h"

namespace kvlab {

// A letter or other words, or a number.
using QuizAnswer = std::variant<std::string, double>;

struct AnswerSheet {
  std::string student;  // of StudentId
  // By question; unanswered questions are missing.
  std::map<std::string, QuizAnswer> answers;
};

// Accepts sheets as people type and save them: UTF-8 or UTF-16, an extra comma,
// the quotes of a word processor, numbers in quotes. A line that cannot be read
// loses only its own answer. Answers to unknown questions are kept. Throws
// DataError, naming the file and if possible the line, if the text is not an
// answer sheet.
AnswerSheet ParseAnswerSheet(std::string_view bytes, const std::string& file);

// The sheet with all questions in the student's variant, and no answers.
std::string BlankSheet(const Quiz& quiz, const std::string& student);

// "" if the answer is valid for the question, otherwise what is wrong with it
// and what to write.
std::string Unfit(const QuizQuestion& question, const QuizAnswer& answer);

// The number that was answered, if it is unambiguous.
std::optional<double> AnsweredNumber(const QuizQuestion& question,
                                     const QuizAnswer& answer);

// The index of the option with this letter, in the student's order; far beyond
// the last one if there is none.
std::size_t ChosenPlace(const QuizAnswer& answer);

// How a valid answer is read, if that differs from its text: "1152" for "1,152
// MiB"; else "".
std::string ReadAs(const QuizQuestion& question, const QuizAnswer& answer);

}  // namespace kvlab

#endif  // KVLAB_QUIZ_ANSWER_SHEET_H_
