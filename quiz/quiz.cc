#include "quiz/quiz.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/files/toml_table.h"
#include "quiz/placeholders.h"

namespace kvlab {
namespace {

constexpr const char* kPurpose = "the concept checks are asked from it";

std::vector<QuizOption> ReadOptions(TomlTable& question) {
  std::vector<QuizOption> options;
  for (TomlTable& table : question.TablesIfAny("options")) {
    QuizOption option = {.key = table.NonEmptyText("key"),
                         .text = table.NonEmptyText("text")};
    table.ExpectNoMore();
    if (std::ranges::count(options, option.key, &QuizOption::key) > 0) {
      table.Fail(fmt::format("option '{}' appears twice", option.key),
                 "rename one of the two");
    }
    options.push_back(std::move(option));
  }
  if (options.size() == 1) {
    question.FailAtKey("options", "a choice needs at least two options",
                       "add another option");
  }
  return options;
}

std::vector<QuizNumbers> ReadCases(TomlTable& question) {
  std::vector<QuizNumbers> cases;
  for (TomlTable& table : question.TablesIfAny("cases")) {
    QuizNumbers& numbers = cases.emplace_back();
    for (auto& [name, number] : table.Numbers()) numbers.emplace(name, number);
  }
  return cases;
}

void ExpectNumbersFit(const TomlTable& table, const QuizQuestion& question) {
  std::set<std::string> named = NamesIn(question.text);
  for (const QuizOption& option : question.options) {
    named.merge(NamesIn(option.text));
  }
  if (question.cases.empty() && !named.empty()) {
    table.Fail(fmt::format("{{{}}} has no value", *named.begin()),
               "write cases = [{ ... }]");
  }
  for (const QuizNumbers& numbers : question.cases) {
    std::set<std::string> given;
    for (const auto& [name, number] : numbers) given.insert(name);
    if (given == named) continue;
    table.Fail(fmt::format("the text names {}; a case gives {}",
                           fmt::join(named, ", "), fmt::join(given, ", ")),
               "give every case the same names as the text");
  }
}

QuizQuestion ReadQuestion(TomlTable& table) {
  QuizQuestion question = {.id = table.NonEmptyText("id"),
                           .text = table.NonEmptyText("text"),
                           .options = ReadOptions(table),
                           .unit = {},
                           .cases = ReadCases(table)};
  if (question.IsChoice() == table.Has("unit")) {
    table.Fail("a question has either options or the unit of a number",
               "write options = [...] or unit = \"...\"");
  }
  if (!question.IsChoice()) question.unit = table.NonEmptyText("unit");
  table.ExpectNoMore();
  ExpectNumbersFit(table, question);
  return question;
}

Quiz ReadQuiz(TomlTable document) {
  Quiz quiz;
  for (TomlTable& table : document.TablesIfAny("questions")) {
    QuizQuestion question = ReadQuestion(table);
    if (quiz.Find(question.id) != nullptr) {
      table.Fail(fmt::format("question '{}' appears twice", question.id),
                 "rename one of the two");
    }
    quiz.questions.push_back(std::move(question));
  }
  document.ExpectNoMore();
  if (quiz.questions.empty()) {
    document.Fail("there are no questions", "write [[questions]]");
  }
  return quiz;
}

}  // namespace

const QuizQuestion* Quiz::Find(std::string_view id) const {
  const auto found = std::ranges::find(questions, id, &QuizQuestion::id);
  return found == questions.end() ? nullptr : &*found;
}

Quiz ParseQuiz(std::string_view toml, const std::string& file) {
  return ReadQuiz(ParseToml(toml, file, kPurpose));
}

Quiz LoadQuiz(const std::filesystem::path& file) {
  return ReadQuiz(ReadToml(file, kPurpose));
}

}  // namespace kvlab
