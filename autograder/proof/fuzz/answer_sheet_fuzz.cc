// Whatever may be handed in as answers.json.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "autograder/proof/fuzz/require.h"
#include "kit/error.h"
#include "quiz/answer_sheet.h"
#include "quiz/quiz.h"
#include "quiz/variant.h"

namespace kvlab::grading {
namespace {

const Quiz& TwoQuestions() {
  static const Quiz quiz = ParseQuiz(R"(
[[questions]]
id = "colour"
text = "Which?"
options = [ { key = "r", text = "red" }, { key = "g", text = "green" } ]
[[questions]]
id = "sum"
text = "How many?"
unit = "apples"
)",
                                     "quiz.toml");
  return quiz;
}

void Read(std::string_view text) {
  try {
    const AnswerSheet sheet = ParseAnswerSheet(text, "answers.json");
    Require(StudentId(sheet.student) == sheet.student, "the id is sound");
    for (const QuizQuestion& question : TwoQuestions().questions) {
      const auto answer = sheet.answers.find(question.id);
      if (answer == sheet.answers.end()) continue;
      const bool fit = Unfit(question, answer->second).empty();
      if (fit && question.IsChoice()) {
        Require(ChosenPlace(answer->second) < question.options.size(),
                "a fit answer names an option");
      }
      if (fit && !question.IsChoice()) {
        const auto number = AnsweredNumber(question, answer->second);
        Require(number && std::isfinite(*number), "a fit number is one");
      }
    }
  } catch (const DataError&) {
    // refused, with a reason
  }
}

}  // namespace
}  // namespace kvlab::grading

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string text(data, data + size);
  kvlab::grading::Read(text);
  return 0;
}
