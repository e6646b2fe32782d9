// What the concept checks take for right, and what for wrong.
#include <array>
#include <cmath>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/quiz_paper.h"
#include "autograder/machine/checker/local_endpoint.h"
#include "autograder/proof/checks/fake_answerers.h"
#include "fmt/format.h"
#include "gtest/gtest.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "modules/03_memoization/cached_attention.h"
#include "quiz/answer_sheet.h"
#include "quiz/quiz.h"
#include "quiz/variant.h"

namespace kvlab::grading {
namespace {

const Quiz& CourseQuiz() {
  static const Quiz quiz = LoadQuiz("modules/04_profiling/quiz.toml");
  return quiz;
}

const RubricPart& QuizPart() {
  for (const RubricPart& part : CourseRubric().parts) {
    if (part.judged == Judged::kQuiz) return part;
  }
  throw GraderError("the rubric has no quiz");
}

Verdict Mark(const RubricCheck& check, const AnswerSheet& sheet) {
  const QuizPaper paper = {CourseQuiz(), sheet};
  LocalEndpoint reference;
  Exam exam({.reference = &reference, .paper = &paper}, {}, check.settings, 1,
            {});
  return RunCheck(*FindCheck(check.run), exam);
}

AnswerSheet SolutionsSheet() {
  std::ifstream stream("solutions/04_profiling/answers.json");
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  return ParseAnswerSheet(text, "answers.json");
}

// The letter of the option with this key, in the student's order.
std::string LetterOfKey(const QuizQuestion& question,
                        const std::string& student, const std::string& key) {
  const QuizVariant variant = VariantFor(question, student);
  for (std::size_t place = 0; place < variant.order.size(); ++place) {
    if (question.options[variant.order[place]].key == key) {
      return {LetterOf(place)};
    }
  }
  return "";
}

TEST(QuizChecksTest, TheRubricJudgesEveryQuestion) {
  std::vector<std::string> judged;
  for (const RubricTask& task : QuizPart().tasks) {
    for (const RubricCheck& check : task.checks) judged.push_back(check.name);
  }
  std::vector<std::string> asked;
  for (const QuizQuestion& question : CourseQuiz().questions) {
    asked.push_back("quiz." + question.id);
  }
  EXPECT_EQ(judged, asked);
}

TEST(QuizChecksTest, NothingIsToldBeforeTheDueDate) {
  for (const RubricTask& task : QuizPart().tasks) {
    for (const RubricCheck& check : task.checks) {
      EXPECT_EQ(check.visibility, Visibility::kAfterDueDate) << check.name;
    }
  }
}

TEST(QuizChecksTest, TheSolutionsAnswersAreRight) {
  const AnswerSheet sheet = SolutionsSheet();
  for (const RubricTask& task : QuizPart().tasks) {
    for (const RubricCheck& check : task.checks) {
      const Verdict verdict = Mark(check, sheet);
      EXPECT_EQ(verdict.share, 1) << check.name << ": " << verdict.came_back;
    }
  }
}

TEST(QuizChecksTest, OneOptionOfAChoiceIsRightWhereverItStands) {
  const std::map<std::string, std::string> right = {{"quadratic", "prefix"},
                                                    {"queries", "once"},
                                                    {"encoder", "all_change"},
                                                    {"phases", "flop_memory"},
                                                    {"wrong", "gpt3"}};
  for (const auto& [id, key] : right) {
    const QuizQuestion& question = *CourseQuiz().Find(id);
    const RubricCheck& check = CourseCheck("quiz." + id);
    for (int i = 0; i < 20; ++i) {
      const std::string student = fmt::format("student{}", i);
      for (const QuizOption& option : question.options) {
        const std::string letter = LetterOfKey(question, student, option.key);
        const Verdict verdict =
            Mark(check, {.student = student, .answers = {{id, letter}}});
        EXPECT_EQ(verdict.share, option.key == key ? 1 : 0)
            << student << ' ' << option.key;
      }
    }
  }
}

TEST(QuizChecksTest, WhatIsWrongIsToldWithTheRightAnswer) {
  const RubricCheck& check = CourseCheck("quiz.positions");
  AnswerSheet sheet = SolutionsSheet();
  sheet.answers["positions"] = 34.0;
  const Verdict verdict = Mark(check, sheet);
  EXPECT_EQ(verdict.share, 0);
  EXPECT_NE(verdict.came_back.find("A cache holds 23 tokens"),
            std::string::npos);
  EXPECT_NE(verdict.came_back.find("Answered: 34"), std::string::npos);
  EXPECT_NE(verdict.came_back.find("Right: 33"), std::string::npos);
}

TEST(QuizChecksTest, NumbersMayBeRoundedButNotGuessed) {
  const AnswerSheet right = SolutionsSheet();
  const std::map<std::string, std::vector<double>> close = {
      {"batch", {1944, 1940}},
      {"positions", {33}},
      {"edit", {50}},
      {"factor", {2.0, 1.9995, 2.03}}};
  const std::map<std::string, std::vector<double>> wrong = {
      {"batch", {7776, 972, 1853, 1944 * 4, 0, -1944}},
      {"positions", {34, 32, 10, 0}},
      {"edit", {49, 51, 56, 57, 200}},
      {"factor", {1, 4, 2.2, 0.5}}};
  for (const auto* cases : {&close, &wrong}) {
    for (const auto& [id, numbers] : *cases) {
      for (const double number : numbers) {
        AnswerSheet sheet = right;
        sheet.answers[id] = number;
        EXPECT_EQ(Mark(CourseCheck("quiz." + id), sheet).share,
                  cases == &close ? 1 : 0)
            << id << ' ' << number;
      }
    }
  }
}

TEST(QuizChecksTest, AnAnswerOfAnotherKindOrNoneEarnsNothing) {
  for (const QuizQuestion& question : CourseQuiz().questions) {
    const RubricCheck& check = CourseCheck("quiz." + question.id);
    const std::string student = "ann";
    EXPECT_EQ(Mark(check, {.student = student, .answers = {}}).came_back,
              "it is not answered");
    const QuizAnswer other =
        question.IsChoice() ? QuizAnswer(1.0) : QuizAnswer("a");
    const Verdict verdict =
        Mark(check, {.student = student, .answers = {{question.id, other}}});
    EXPECT_EQ(verdict.share, 0);
    EXPECT_NE(verdict.came_back.find("the answer is"), std::string::npos);
  }
}

TEST(QuizChecksTest, SomebodyElsesAnswersAreMostlyWrong) {
  AnswerSheet sheet = SolutionsSheet();
  sheet.student = "somebody.else";
  int right = 0;
  for (const RubricTask& task : QuizPart().tasks) {
    for (const RubricCheck& check : task.checks) {
      right += Mark(check, sheet).share == 1 ? 1 : 0;
    }
  }
  EXPECT_LE(right, 4);
}

// Two prompts that differ in one token, through a model of the case's layers:
// the entries whose numbers differ are counted.
std::size_t CountedChanges(const QuizNumbers& numbers) {
  const auto layers = static_cast<std::size_t>(numbers.at("layers"));
  const auto tokens = static_cast<std::size_t>(numbers.at("tokens"));
  const auto edited = static_cast<std::size_t>(numbers.at("edited"));
  Random random(5);
  const auto weights = std::make_shared<const Gpt2Weights>(
      RandomGpt2Weights(random, {.num_layers = layers,
                                 .num_heads = 2,
                                 .d_model = 8,
                                 .d_mlp = 16,
                                 .max_positions = tokens,
                                 .vocab_size = 32}));
  std::vector<TokenId> ids = RandomTokens(random, tokens, 32);
  std::array<std::vector<std::vector<float>>, 2> kept;
  for (auto& entries : kept) {
    Gpt2 model(weights);
    const KvCacheHandle handle =
        EnableKvCache(model, {.batch = 1, .max_seq_len = tokens});
    model.Forward(SingleRow(ids), LogitsFor::kLastPosition);
    for (std::size_t l = 0; l < layers; ++l) {
      for (std::size_t t = 0; t < tokens; ++t) {
        const auto row =
            HeadMatrix(handle.Cache().Layer(l).Keys(), 0, 0).Row(t);
        entries.emplace_back(row.begin(), row.end());
      }
    }
    ids[edited] = (ids[edited] + 1) % 32;
  }
  std::size_t changed = 0;
  for (std::size_t i = 0; i < kept[0].size(); ++i) {
    changed += kept[0][i] == kept[1][i] ? 0 : 1;
  }
  return changed;
}

TEST(QuizChecksTest, EditsInvalidateWhatACacheShows) {
  const QuizQuestion& question = *CourseQuiz().Find("edit");
  const RubricCheck& check = CourseCheck("quiz.edit");
  std::map<QuizNumbers, std::string> students;
  for (int i = 0; students.size() < question.cases.size(); ++i) {
    const std::string student = fmt::format("student{}", i);
    students.emplace(VariantFor(question, student).numbers, student);
  }
  for (const auto& [numbers, student] : students) {
    const auto counted = static_cast<double>(CountedChanges(numbers));
    const Verdict verdict =
        Mark(check, {.student = student, .answers = {{"edit", counted}}});
    EXPECT_EQ(verdict.share, 1) << verdict.came_back;
  }
}

}  // namespace
}  // namespace kvlab::grading
