// The concept checks of module 4: what was answered, against the key. Numbers
// are computed for the student's variant, never looked up.
#include <cmath>
#include <cstddef>
#include <functional>
#include <string>
#include <utility>
#include <variant>

#include "autograder/exam/check.h"
#include "autograder/exam/inputs.h"
#include "autograder/exam/quiz_paper.h"
#include "fmt/format.h"
#include "quiz/answer_sheet.h"
#include "quiz/quiz.h"
#include "quiz/variant.h"

namespace kvlab::grading {
namespace {

// A question of the student's own variant, and the answer.
struct Asked {
  const QuizQuestion& question;
  QuizVariant variant;
  const QuizAnswer& answer;
};

// Throws CheckFailed if there is no answer that can be one.
Asked AnswerTo(Exam& exam, const std::string& id) {
  const QuizPaper* paper = exam.AllAnswerers().paper;
  if (paper == nullptr) throw GraderError("no answer sheet for " + id);
  const QuizQuestion* question = paper->quiz.Find(id);
  if (question == nullptr) throw GraderError("the quiz does not ask " + id);
  const auto found = paper->sheet.answers.find(id);
  if (found == paper->sheet.answers.end()) exam.Fail("it is not answered");
  const std::string unfit = Unfit(*question, found->second);
  if (!unfit.empty()) exam.Fail(unfit);
  return {*question, VariantFor(*question, paper->sheet.student),
          found->second};
}

Verdict Right(const std::string& answered) {
  return {.share = 1, .came_back = "", .measured = "answered " + answered};
}

Verdict Wrong(const Asked& asked, const std::string& answered,
              const std::string& right) {
  return {.share = 0,
          .came_back = fmt::format("{} Answered: {}. Right: {}.",
                                   asked.variant.text, answered, right),
          .measured = ""};
}

std::string OptionText(const Asked& asked, std::size_t place) {
  return fmt::format("{}) {}", LetterOf(place), asked.variant.options[place]);
}

Check Choice(const std::string& id, const std::string& right_key) {
  return {
      .name = "quiz." + id, .settings = {}, .run = [id, right_key](Exam& exam) {
        const Asked asked = AnswerTo(exam, id);
        const auto& order = asked.variant.order;
        std::size_t right = 0;
        while (asked.question.options.at(order.at(right)).key != right_key) {
          ++right;
        }
        const std::size_t chosen = ChosenPlace(asked.answer);
        if (chosen == right) return Right(OptionText(asked, right));
        return Wrong(asked, OptionText(asked, chosen),
                     OptionText(asked, right));
      }};
}

using RightNumber = std::function<double(Exam&, const QuizNumbers&)>;

// tolerance: how far the answer may be off, as a share of the right one.
Check Number(const std::string& id, RightNumber right_number) {
  return {.name = "quiz." + id,
          .settings = {"tolerance"},
          .run = [id, right_number = std::move(right_number)](Exam& exam) {
            const Asked asked = AnswerTo(exam, id);
            const double right = right_number(exam, asked.variant.numbers);
            const double answered =
                AnsweredNumber(asked.question, asked.answer).value_or(0);
            const bool close = std::abs(answered - right) <=
                               exam.Setting("tolerance") * std::abs(right);
            const std::string shown =
                fmt::format("{:g} ({})", answered, asked.question.unit);
            if (close) return Right(shown);
            return Wrong(asked, shown, fmt::format("{:.6g}", right));
          }};
}

// By module 4's reference; query heads do not count.
double CacheBytesOf(Exam& exam, const QuizNumbers& numbers, std::size_t batch,
                    std::size_t bytes_per_element) {
  const auto size = [&](const char* name) {
    return static_cast<std::size_t>(numbers.at(name));
  };
  const std::size_t tokens = size("tokens");
  const Integers shape = Ints({size("layers"), size("kv_heads"),
                               size("kv_heads"), size("head_dim"), tokens, 0});
  const Integers use = Ints({batch, tokens, bytes_per_element});
  const Values answer = exam.AskReference("memory.bytes", {shape, use});
  return static_cast<double>(exam.Get<std::int64_t>(answer, 0));
}

double BatchMebibytes(Exam& exam, const QuizNumbers& numbers) {
  constexpr double kMebibyte = 1 << 20;
  return CacheBytesOf(exam, numbers,
                      static_cast<std::size_t>(numbers.at("batch")), 2) /
         kMebibyte;
}

double LastPosition(Exam& /*exam*/, const QuizNumbers& numbers) {
  return numbers.at("past") + numbers.at("chunk") - 1;
}

// In layer 0 the exchanged token's own entry; above, its and all later ones.
double ChangedEntries(Exam& /*exam*/, const QuizNumbers& numbers) {
  return 1 + (numbers.at("layers") - 1) *
                 (numbers.at("tokens") - numbers.at("edited"));
}

double TimesTheClaim(Exam& exam, const QuizNumbers& numbers) {
  constexpr double kMegabyte = 1e6;
  return CacheBytesOf(exam, numbers, 1, sizeof(float)) /
         (numbers.at("claimed") * kMegabyte);
}

const RegisterChecks kQuiz(
    {Choice("quadratic", "prefix"), Choice("queries", "once"),
     Number("batch", BatchMebibytes), Choice("encoder", "all_change"),
     Choice("phases", "flop_memory"), Number("positions", LastPosition),
     Number("edit", ChangedEntries), Choice("wrong", "gpt3"),
     Number("factor", TimesTheClaim)});

}  // namespace

}  // namespace kvlab::grading
