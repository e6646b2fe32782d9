#include "quiz/answer_sheet.h"

#include <cctype>
#include <cstddef>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <variant>

#include "fmt/format.h"
#include "kit/error.h"
#include "nlohmann/json.hpp"
#include "quiz/answer_text.h"
#include "quiz/lenient_sheet.h"
#include "quiz/typed_number.h"

namespace kvlab {
namespace {

using nlohmann::json;

[[noreturn]] void Refuse(const std::string& file, const std::string& why) {
  throw DataError(file + ": this is not an answer sheet", why,
                  "./kvlab quiz ID writes one to fill in");
}

// Without trailing commas, which editors and people leave.
std::string WithoutTrailingCommas(std::string_view text) {
  std::string rest;
  bool quoted = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char letter = text[at];
    if (quoted && letter == '\\' && at + 1 < text.size()) {
      rest += letter;
      rest += text[++at];
      continue;
    }
    if (letter == '"') quoted = !quoted;
    const bool closes = letter == '}' || letter == ']';
    if (!quoted && closes) {
      const std::size_t last = rest.find_last_not_of(" \t\r\n");
      if (last != std::string::npos && rest[last] == ',') rest.erase(last, 1);
    }
    rest += letter;
  }
  return rest;
}

json Parsed(std::string_view text) {
  constexpr bool kThrows = true;
  constexpr bool kIgnoreComments = true;
  return json::parse(text, nullptr, kThrows, kIgnoreComments);
}

const json& Member(const json& object, const char* name, json::value_t type,
                   const char* should, const std::string& file) {
  const auto found = object.find(name);
  if (found == object.end() || found->type() != type) {
    Refuse(file, fmt::format("\"{}\" is missing, or not {}", name, should));
  }
  return *found;
}

// An invalid value costs only this answer: it becomes text that fits no
// question.
QuizAnswer AnswerOf(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_number()) return value.get<double>();
  if (value.is_null()) return "";
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  return value.is_array() ? "[...]" : "{...}";
}

bool IsEmpty(const QuizAnswer& answer) {
  const auto* text = std::get_if<std::string>(&answer);
  return text != nullptr && text->find_first_not_of(" \t") == std::string::npos;
}

AnswerSheet SheetOf(const json& document, const std::string& file) {
  if (!document.is_object()) Refuse(file, "it does not begin with {");
  const json& student =
      Member(document, "student", json::value_t::string, "text", file);
  const json& answers = Member(document, "answers", json::value_t::object,
                               R"({ "question": "answer" })", file);
  AnswerSheet sheet = {.student = StudentId(student.get<std::string>()),
                       .answers = {}};
  for (const auto& [question, value] : answers.items()) {
    const QuizAnswer answer = AnswerOf(value);
    if (!IsEmpty(answer)) sheet.answers.emplace(question, answer);
  }
  return sheet;
}

// If the text is not JSON: line by line, if it is a sheet at all.
AnswerSheet SheetOfLines(std::string_view text, const std::string& why,
                         const std::string& file) {
  const std::optional<WrittenSheet> written = ReadLines(text);
  if (!written) Refuse(file, why);
  AnswerSheet sheet;
  try {
    sheet.student = StudentId(written->student);
  } catch (const DataError&) {
    Refuse(file, why);
  }
  for (const auto& [question, answer] : written->answers) {
    if (!IsEmpty(answer)) sheet.answers.emplace(question, answer);
  }
  return sheet;
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

AnswerSheet ParseAnswerSheet(std::string_view bytes, const std::string& file) {
  const std::string text = PlainText(bytes);
  if (text.empty() && !bytes.empty()) Refuse(file, "it is incomplete UTF-16");
  if (text.find('\0') != std::string::npos) Refuse(file, "it contains a NUL");
  json document;
  std::string why;
  for (const std::string& attempt : {text, WithoutTrailingCommas(text)}) {
    try {
      document = Parsed(attempt);
      return SheetOf(document, file);
    } catch (const json::exception& error) {
      if (why.empty()) why = error.what();
    }
  }
  return SheetOfLines(text, why, file);
}

std::string BlankSheet(const Quiz& quiz, const std::string& student) {
  std::string sheet = fmt::format(
      "// Your answers. The numbers and the order of the options depend on "
      "your\n// id. Write each answer in place of \"\".\n"
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
    sheet += Comment(
        question.IsChoice() ? "A letter." : "A number: " + question.unit + ".",
        "    // ", "    // ");
    sheet += fmt::format(R"(    "{}": "")", question.id);
    ++number;
  }
  return sheet + "\n  }\n}\n";
}

std::string Unfit(const QuizQuestion& question, const QuizAnswer& answer) {
  if (!question.IsChoice()) {
    if (AnsweredNumber(question, answer)) return "";
    return fmt::format(
        "the answer is a number, in {}; write it like 1152 or 2.5",
        question.unit);
  }
  if (ChosenPlace(answer) < question.options.size()) return "";
  return fmt::format(R"(the answer is an option: a letter from "a" to "{}")",
                     LetterOf(question.options.size() - 1));
}

std::optional<double> AnsweredNumber(const QuizQuestion& question,
                                     const QuizAnswer& answer) {
  if (const auto* number = std::get_if<double>(&answer)) return *number;
  return TypedNumber(std::get<std::string>(answer), question.unit);
}

std::size_t ChosenPlace(const QuizAnswer& answer) {
  constexpr std::size_t kNone = 255;
  constexpr std::string_view kAround = " \t()'.";
  const auto* text = std::get_if<std::string>(&answer);
  if (text == nullptr) return kNone;
  const std::size_t first = text->find_first_not_of(kAround);
  if (first == std::string::npos) return kNone;
  // "c", "(c)", "c.", and "c) with the words of the option".
  std::string_view rest = *text;
  rest.remove_prefix(first + 1);
  const bool is_alone =
      rest.find_first_not_of(kAround) == std::string_view::npos;
  if (!is_alone && !rest.starts_with(')') && !rest.starts_with(". ")) {
    return kNone;
  }
  const int place =
      std::tolower(static_cast<unsigned char>((*text)[first])) - 'a';
  return place < 0 ? kNone : static_cast<std::size_t>(place);
}

std::string ReadAs(const QuizQuestion& question, const QuizAnswer& answer) {
  const auto* text = std::get_if<std::string>(&answer);
  if (text == nullptr || !Unfit(question, answer).empty()) return "";
  const std::string read =
      question.IsChoice()
          ? std::string(1, LetterOf(ChosenPlace(answer)))
          : fmt::format("{}", AnsweredNumber(question, answer).value_or(0));
  return read == *text ? "" : read;
}

}  // namespace kvlab
