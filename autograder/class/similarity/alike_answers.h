// Concept checks of two people with the same answers. Numbers and the order of
// options go with the id, so the right answers of two people differ.
#ifndef KVLAB_AUTOGRADER_CLASS_SIMILARITY_ALIKE_ANSWERS_H_
#define KVLAB_AUTOGRADER_CLASS_SIMILARITY_ALIKE_ANSWERS_H_

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "autograder/class/similarity/alike_pairs.h"
#include "quiz/quiz.h"

namespace kvlab::grading {

struct AlikeAnswers {
  std::size_t one = 0;  // which authors
  std::size_t other = 0;
  std::string file;
  // The id under which both answered; "" if their ids differ.
  std::string same_id;
  std::size_t both_answered = 0;
  // Of these: questions that had other numbers or another order of options for
  // the other id, and got the same answer.
  std::size_t asked_otherwise = 0;
};

// Two sheets with one id, or with the same answer to all questions that both
// have answered, of which three at least were asked otherwise.
//   quizzes: by the name of the file that answers them
std::vector<AlikeAnswers> FindAlikeAnswers(
    std::span<const Author> authors,
    const std::map<std::string, Quiz>& quizzes);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_SIMILARITY_ALIKE_ANSWERS_H_
