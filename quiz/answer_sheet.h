// A student's answers, answers.json: hostile until it has been read. JSON with
// comments, and not TOML as elsewhere: toml++ 3.3 does not bear every input.
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
  // By question; one that was left empty is not there.
  std::map<std::string, QuizAnswer> answers;
};

// As people type and save it: in UTF-8 or UTF-16, with a comma too many, with
// the quotes of a word processor, with numbers in quotes. A line that cannot be
// read costs the answer on it and no other. Answers to questions that are not
// asked are kept. Throws DataError, naming the file and where it can the line,
// if the text is not an answer sheet.
AnswerSheet ParseAnswerSheet(std::string_view bytes, const std::string& file);

// The sheet with all questions in the student's variant, and no answers.
std::string BlankSheet(const Quiz& quiz, const std::string& student);

// Whether the answer can be one to the question at all: "" if so, or what is
// wrong with it and what to write.
std::string Unfit(const QuizQuestion& question, const QuizAnswer& answer);

// The number that was answered, if it is clear which.
std::optional<double> AnsweredNumber(const QuizQuestion& question,
                                     const QuizAnswer& answer);

// The place of the option that a letter names, in the student's order; far
// beyond the last one for what names none.
std::size_t ChosenPlace(const QuizAnswer& answer);

// How a fit answer is understood if it was typed in another way: "1152" for
// "1,152 MiB"; else "".
std::string ReadAs(const QuizQuestion& question, const QuizAnswer& answer);

}  // namespace kvlab

#endif  // KVLAB_QUIZ_ANSWER_SHEET_H_
