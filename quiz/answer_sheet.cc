#include "quiz/answer_sheet.h"

#include <cctype>
#include <cmath>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "fmt/format.h"
#include "kit/error.h"
#include "toml++/toml.h"

namespace kvlab {
namespace {

[[noreturn]] void Refuse(const std::string& file, const toml::node& node,
                         const std::string& why) {
  throw DataError(fmt::format("{}:{}: this is no answer sheet", file,
                              node.source().begin.line),
                  why, "./kvlab quiz ID writes one to fill in");
}

QuizAnswer ReadAnswer(const std::string& file, const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  const auto number = node.value<double>();
  if (!number || !std::isfinite(*number) || node.is_boolean()) {
    Refuse(file, node, "an answer is a letter in quotes, or a number");
  }
  return *number;
}

// As comments, within 80 columns.
std::string Comment(const std::string& text, const std::string& first,
                    const std::string& next) {
  constexpr std::size_t kColumns = 80;
  std::istringstream words(text);
  std::string comment;
  std::string line = first;
  bool empty = true;
  for (std::string word; words >> word;) {
    if (!empty && line.size() + 1 + word.size() > kColumns) {
      comment += line + "\n";
      line = next;
      empty = true;
    }
    if (!empty) line += ' ';
    line += word;
    empty = false;
  }
  return comment + line + "\n";
}

}  // namespace

AnswerSheet ParseAnswerSheet(std::string_view toml, const std::string& file) {
  toml::table table;
  try {
    table = toml::parse(toml, file);
  } catch (const toml::parse_error& error) {
    throw DataError(
        fmt::format("{}:{}: this is no TOML", file, error.source().begin.line),
        std::string(error.description()), "mend that line");
  }
  const auto student = table["student"].value<std::string>();
  if (!student) Refuse(file, table, "student = \"...\" is not there");
  AnswerSheet sheet = {.student = StudentId(*student), .answers = {}};
  const toml::table* answers = table["answers"].as_table();
  if (answers == nullptr) Refuse(file, table, "[answers] is not there");
  for (const auto& [question, node] : *answers) {
    const QuizAnswer answer = ReadAnswer(file, node);
    const auto* text = std::get_if<std::string>(&answer);
    if (text != nullptr && text->empty()) continue;
    sheet.answers.emplace(question.str(), answer);
  }
  return sheet;
}

std::string BlankSheet(const Quiz& quiz, const std::string& student) {
  std::string sheet = fmt::format(
      "# Your answers. The numbers and the order of the options are yours: "
      "they\n"
      "# are made from your id.\n"
      "student = \"{}\"\n\n[answers]\n",
      student);
  std::size_t number = 0;
  for (const QuizQuestion& question : quiz.questions) {
    const QuizVariant variant = VariantFor(question, student);
    sheet +=
        "\n" + Comment(variant.text, fmt::format("# {}. ", ++number), "#    ");
    for (std::size_t i = 0; i < variant.options.size(); ++i) {
      sheet += Comment(variant.options[i],
                       fmt::format("#    {}) ", LetterOf(i)), "#       ");
    }
    sheet += fmt::format("{} = \"\"  # {}\n", question.id,
                         question.IsChoice()
                             ? "a letter"
                             : "a number without quotes: " + question.unit);
  }
  return sheet;
}

std::string Unfit(const QuizQuestion& question, const QuizAnswer& answer) {
  if (!question.IsChoice()) {
    return std::holds_alternative<double>(answer)
               ? ""
               : "a number is asked for; it stands without quotes";
  }
  const auto* text = std::get_if<std::string>(&answer);
  if (text == nullptr || text->size() != 1 ||
      ChosenPlace(answer) >= question.options.size()) {
    return fmt::format(R"(an option is asked for: a letter from "a" to "{}")",
                       LetterOf(question.options.size() - 1));
  }
  return "";
}

std::size_t ChosenPlace(const QuizAnswer& answer) {
  const auto letter =
      static_cast<unsigned char>(std::get<std::string>(answer).front());
  const int place = std::tolower(letter) - 'a';
  return place < 0 ? std::size_t{255} : static_cast<std::size_t>(place);
}

}  // namespace kvlab
