// A student's answers, answers.json: hostile until it has been read. JSON with
// comments, and not TOML as elsewhere: toml++ 3.3 does not bear every input.
#ifndef KVLAB_QUIZ_ANSWER_SHEET_H_
#define KVLAB_QUIZ_ANSWER_SHEET_H_

#include <map>
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

// Throws DataError, naming the file and where it can the line, if the text is
// no answer sheet. Answers to questions that nobody asked are kept.
AnswerSheet ParseAnswerSheet(std::string_view text, const std::string& file);

// The sheet with all questions in the student's variant, and no answers.
std::string BlankSheet(const Quiz& quiz, const std::string& student);

// Whether the answer can be one to the question at all: "" if so, or what is
// wrong with it, "there is no option 'f'".
std::string Unfit(const QuizQuestion& question, const QuizAnswer& answer);

// The place of the option that a letter names, in the student's order. Only
// for an answer that is fit.
std::size_t ChosenPlace(const QuizAnswer& answer);

}  // namespace kvlab

#endif  // KVLAB_QUIZ_ANSWER_SHEET_H_
