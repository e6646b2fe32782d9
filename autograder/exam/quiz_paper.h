// A student's answers to the concept checks.
#ifndef KVLAB_AUTOGRADER_EXAM_QUIZ_PAPER_H_
#define KVLAB_AUTOGRADER_EXAM_QUIZ_PAPER_H_

#include "quiz/answer_sheet.h"
#include "quiz/quiz.h"

namespace kvlab::grading {

struct QuizPaper {
  const Quiz& quiz;
  AnswerSheet sheet;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_QUIZ_PAPER_H_
