#include "quiz/lenient_sheet.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kvlab {
namespace {

bool IsAnyOf(char letter, std::string_view letters) {
  return letters.find(letter) != std::string_view::npos;
}

std::string_view Stripped(std::string_view text, std::string_view letters) {
  while (!text.empty() && IsAnyOf(text.front(), letters)) text.remove_prefix(1);
  while (!text.empty() && IsAnyOf(text.back(), letters)) text.remove_suffix(1);
  return text;
}

// Without a comment; '//' in quotes does not begin one.
std::string_view WithoutComment(std::string_view line) {
  bool quoted = false;
  for (std::size_t at = 0; at + 1 < line.size(); ++at) {
    if (line[at] == '"') quoted = !quoted;
    if (!quoted && line[at] == '/' && line[at + 1] == '/') {
      return line.substr(0, at);
    }
  }
  return line;
}

bool IsName(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char letter) {
    return (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z') ||
           (letter >= '0' && letter <= '9') || letter == '_';
  });
}

constexpr std::string_view kSpaces = " \t\r";
constexpr std::string_view kAround = " \t\r,;";
constexpr std::string_view kQuotes = "\"'`";

}  // namespace

std::optional<WrittenSheet> ReadLines(std::string_view text) {
  WrittenSheet sheet;
  bool has_student = false;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = WithoutComment(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name =
        Stripped(Stripped(line.substr(0, colon), " \t\r,{"), kQuotes);
    std::string_view value = Stripped(line.substr(colon + 1), kAround);
    if (!IsName(name) || value.starts_with('{')) continue;
    value = Stripped(Stripped(Stripped(value, " \t\r,;}"), kQuotes), kSpaces);
    if (name == "student") {
      if (has_student) return std::nullopt;
      has_student = true;
      sheet.student = value;
    } else if (!sheet.answers.emplace(name, value).second) {
      return std::nullopt;
    }
  }
  if (!has_student) return std::nullopt;
  return sheet;
}

}  // namespace kvlab
