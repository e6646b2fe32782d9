#include "autograder/class/similarity/alike_answers.h"

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "autograder/class/similarity/alike_pairs.h"
#include "kit/error.h"
#include "quiz/answer_sheet.h"
#include "quiz/quiz.h"
#include "quiz/variant.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kLeastQuestions = 3;

struct Sheet {
  std::size_t author = 0;
  AnswerSheet answers;
  std::map<std::string, QuizVariant> variants;  // by question
};

std::optional<Sheet> ReadSheet(const std::string& text, const std::string& file,
                               const Quiz& quiz) {
  Sheet sheet;
  try {
    sheet.answers = ParseAnswerSheet(text, file);
  } catch (const DataError&) {
    return std::nullopt;  // the grader says so in the report
  }
  for (const QuizQuestion& question : quiz.questions) {
    if (sheet.answers.answers.contains(question.id)) {
      sheet.variants.emplace(question.id,
                             VariantFor(question, sheet.answers.student));
    }
  }
  return sheet;
}

bool AskedAlike(const QuizVariant& one, const QuizVariant& other) {
  return one.numbers == other.numbers && one.order == other.order;
}

std::optional<AlikeAnswers> Compare(const Sheet& one, const Sheet& other) {
  AlikeAnswers alike = {
      .one = one.author, .other = other.author, .file = {}, .same_id = {}};
  if (one.answers.student == other.answers.student) {
    alike.same_id = one.answers.student;
  }
  bool all_same = true;
  for (const auto& [question, variant] : one.variants) {
    const auto found = other.variants.find(question);
    if (found == other.variants.end()) continue;
    ++alike.both_answered;
    if (one.answers.answers.at(question) !=
        other.answers.answers.at(question)) {
      all_same = false;
    } else if (!AskedAlike(variant, found->second)) {
      ++alike.asked_otherwise;
    }
  }
  const bool copied = all_same && alike.asked_otherwise >= kLeastQuestions;
  if (alike.same_id.empty() && !copied) return std::nullopt;
  return alike;
}

}  // namespace

std::vector<AlikeAnswers> FindAlikeAnswers(
    std::span<const Author> authors,
    const std::map<std::string, Quiz>& quizzes) {
  std::vector<AlikeAnswers> found;
  for (const auto& [file, quiz] : quizzes) {
    std::vector<Sheet> sheets;
    for (std::size_t i = 0; i < authors.size(); ++i) {
      const auto paper = authors[i].papers.find(file);
      if (paper == authors[i].papers.end()) continue;
      auto sheet = ReadSheet(paper->second, file, quiz);
      if (!sheet || sheet->answers.answers.empty()) continue;
      sheet->author = i;
      for (const Sheet& earlier : sheets) {
        if (authors[earlier.author].is_earlier && authors[i].is_earlier) {
          continue;
        }
        if (auto alike = Compare(earlier, *sheet)) {
          alike->file = file;
          found.push_back(*std::move(alike));
        }
      }
      sheets.push_back(*std::move(sheet));
    }
  }
  return found;
}

}  // namespace kvlab::grading
