#include "quiz/answer_sheet.h"

#include <cctype>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>

#include "fmt/format.h"
#include "kit/error.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

using nlohmann::json;

[[noreturn]] void Refuse(const std::string& file, const std::string& why) {
  throw DataError(file + ": this is no answer sheet", why,
                  "./kvlab quiz ID writes one to fill in");
}

json Parsed(std::string_view text, const std::string& file) {
  constexpr bool kThrows = true;
  constexpr bool kIgnoreComments = true;
  try {
    return json::parse(text, nullptr, kThrows, kIgnoreComments);
  } catch (const json::exception& error) {
    Refuse(file, error.what());
  }
}

const json& Member(const json& object, const char* name, json::value_t type,
                   const char* should, const std::string& file) {
  const auto found = object.find(name);
  if (found == object.end() || found->type() != type) {
    Refuse(file, fmt::format("\"{}\" is not there, or not {}", name, should));
  }
  return *found;
}

QuizAnswer ReadAnswer(const std::string& question, const json& answer,
                      const std::string& file) {
  if (answer.is_string()) return answer.get<std::string>();
  if (answer.is_number()) return answer.get<double>();
  Refuse(file, fmt::format("the answer to \"{}\" is neither a letter in quotes "
                           "nor a number",
                           question));
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

AnswerSheet ParseAnswerSheet(std::string_view text, const std::string& file) {
  const json document = Parsed(text, file);
  if (!document.is_object()) Refuse(file, "it does not begin with {");
  const json& student =
      Member(document, "student", json::value_t::string, "text", file);
  const json& answers = Member(document, "answers", json::value_t::object,
                               R"({ "question": "answer" })", file);
  AnswerSheet sheet = {.student = StudentId(student.get<std::string>()),
                       .answers = {}};
  for (const auto& [question, value] : answers.items()) {
    const QuizAnswer answer = ReadAnswer(question, value, file);
    const auto* letter = std::get_if<std::string>(&answer);
    if (letter != nullptr && letter->empty()) continue;
    sheet.answers.emplace(question, answer);
  }
  return sheet;
}

std::string BlankSheet(const Quiz& quiz, const std::string& student) {
  std::string sheet = fmt::format(
      "// Your answers. The numbers and the order of the options are yours: "
      "they are\n// made from your id. Answer in the place of \"\".\n"
      "{{\n  \"student\": \"{}\",\n  \"answers\": {{\n",
      student);
  std::size_t number = 0;
  for (const QuizQuestion& question : quiz.questions) {
    const QuizVariant variant = VariantFor(question, student);
    sheet += (number > 0 ? ",\n\n" : "\n") +
             Comment(variant.text, fmt::format("    // {}. ", number + 1),
                     "    //    ");
    for (std::size_t i = 0; i < variant.options.size(); ++i) {
      sheet +=
          Comment(variant.options[i],
                  fmt::format("    //    {}) ", LetterOf(i)), "    //       ");
    }
    sheet += Comment(question.IsChoice()
                         ? "A letter, in quotes."
                         : "A number without quotes: " + question.unit + ".",
                     "    // ", "    // ");
    sheet += fmt::format(R"(    "{}": "")", question.id);
    ++number;
  }
  return sheet + "\n  }\n}\n";
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
