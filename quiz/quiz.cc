#include "quiz/quiz.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "fmt/format.h"
#include "kit/error.h"
#include "quiz/placeholders.h"
#include "toml++/toml.h"

namespace kvlab {
namespace {

class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  Quiz Read(std::string_view toml) const {
    try {
      return ReadQuiz(toml::parse(toml, file_));
    } catch (const toml::parse_error& error) {
      throw DataError(
          fmt::format("{}:{}: invalid TOML", file_, error.source().begin.line),
          std::string(error.description()),
          "correct the TOML syntax at this line");
    }
  }

 private:
  [[noreturn]] void Refuse(const toml::node& node, const std::string& why,
                           const std::string& fix) const {
    throw DataError(fmt::format("{}:{}: this is not a quiz", file_,
                                node.source().begin.line),
                    why, fix);
  }

  void ExpectKeys(const toml::table& table,
                  const std::set<std::string_view>& known) const {
    for (const auto& [key, node] : table) {
      if (!known.contains(key.str())) {
        Refuse(node, fmt::format("'{}' is not a key here", key.str()),
               fmt::format("use {}", fmt::join(known, ", ")));
      }
    }
  }

  std::string Text(const toml::table& table, std::string_view key) const {
    const auto text = table[key].value<std::string>();
    if (!text || text->empty()) {
      Refuse(table, fmt::format("'{}' must be a non-empty string", key),
             fmt::format("write {} = \"...\"", key));
    }
    return *text;
  }

  // The tables of the array at `key`; none if it is missing.
  std::vector<const toml::table*> Tables(const toml::table& table,
                                         std::string_view key) const {
    std::vector<const toml::table*> tables;
    const toml::node* node = table.get(key);
    if (node == nullptr) return tables;
    const toml::array* array = node->as_array();
    if (array == nullptr) {
      Refuse(*node, fmt::format("'{}' must be a list", key), "write [{ ... }]");
    }
    for (const toml::node& element : *array) {
      if (!element.is_table()) {
        Refuse(element, fmt::format("'{}' must contain only tables", key),
               "write { key = value }");
      }
      tables.push_back(element.as_table());
    }
    return tables;
  }

  Quiz ReadQuiz(const toml::table& table) const {
    ExpectKeys(table, {"questions"});
    Quiz quiz;
    for (const toml::table* each : Tables(table, "questions")) {
      QuizQuestion question = ReadQuestion(*each);
      if (quiz.Find(question.id) != nullptr) {
        Refuse(*each, fmt::format("question '{}' appears twice", question.id),
               "rename one of the two");
      }
      quiz.questions.push_back(std::move(question));
    }
    if (quiz.questions.empty()) {
      Refuse(table, "there are no questions", "write [[questions]]");
    }
    return quiz;
  }

  QuizQuestion ReadQuestion(const toml::table& table) const {
    ExpectKeys(table, {"id", "text", "options", "unit", "cases"});
    QuizQuestion question = {.id = Text(table, "id"),
                             .text = Text(table, "text"),
                             .options = ReadOptions(table),
                             .unit = {},
                             .cases = ReadCases(table)};
    if (question.IsChoice() == table.contains("unit")) {
      Refuse(table, "a question has either options or the unit of a number",
             "write options = [...] or unit = \"...\"");
    }
    if (!question.IsChoice()) question.unit = Text(table, "unit");
    ExpectNumbersFit(table, question);
    return question;
  }

  std::vector<QuizOption> ReadOptions(const toml::table& table) const {
    std::vector<QuizOption> options;
    for (const toml::table* each : Tables(table, "options")) {
      ExpectKeys(*each, {"key", "text"});
      QuizOption option = {.key = Text(*each, "key"),
                           .text = Text(*each, "text")};
      if (std::ranges::count(options, option.key, &QuizOption::key) > 0) {
        Refuse(*each, fmt::format("option '{}' appears twice", option.key),
               "rename one of the two");
      }
      options.push_back(std::move(option));
    }
    if (options.size() == 1) {
      Refuse(table, "a choice needs at least two options",
             "add another option");
    }
    return options;
  }

  std::vector<QuizNumbers> ReadCases(const toml::table& table) const {
    std::vector<QuizNumbers> cases;
    for (const toml::table* each : Tables(table, "cases")) {
      QuizNumbers numbers;
      for (const auto& [key, node] : *each) {
        const auto number = node.value<double>();
        if (!number) {
          Refuse(node, fmt::format("'{}' must be a number", key.str()),
                 "write a number");
        }
        numbers.emplace(key.str(), *number);
      }
      cases.push_back(std::move(numbers));
    }
    return cases;
  }

  void ExpectNumbersFit(const toml::table& table,
                        const QuizQuestion& question) const {
    std::set<std::string> named = NamesIn(question.text);
    for (const QuizOption& option : question.options) {
      named.merge(NamesIn(option.text));
    }
    if (question.cases.empty() && !named.empty()) {
      Refuse(table, fmt::format("{{{}}} has no value", *named.begin()),
             "write cases = [{ ... }]");
    }
    for (const QuizNumbers& numbers : question.cases) {
      std::set<std::string> given;
      for (const auto& [name, number] : numbers) given.insert(name);
      if (given == named) continue;
      Refuse(table,
             fmt::format("the text names {}; a case gives {}",
                         fmt::join(named, ", "), fmt::join(given, ", ")),
             "give every case the same names as the text");
    }
  }

  std::string file_;
};

}  // namespace

const QuizQuestion* Quiz::Find(std::string_view id) const {
  const auto found = std::ranges::find(questions, id, &QuizQuestion::id);
  return found == questions.end() ? nullptr : &*found;
}

Quiz ParseQuiz(std::string_view toml, const std::string& file) {
  return Reader(file).Read(toml);
}

Quiz LoadQuiz(const std::filesystem::path& file) {
  std::ifstream stream(file);
  const std::string text(std::istreambuf_iterator<char>(stream), {});
  if (!stream) {
    throw DataError(file.string() + ": cannot be read", "it contains the quiz",
                    "check that it exists");
  }
  return ParseQuiz(text, file.string());
}

}  // namespace kvlab
