#include "quiz/typed_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kvlab {
namespace {

bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }

bool IsLetter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

bool IsSpace(char letter) { return letter == ' ' || letter == '\t'; }

std::string Folded(std::string_view word) {
  std::string folded(word);
  std::ranges::transform(folded, folded.begin(), [](char letter) {
    return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + 32)
                                          : letter;
  });
  return folded;
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && IsSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsSpace(text.back())) text.remove_suffix(1);
  return text;
}

// Whether `word` is in the unit, singular or plural: "rows" of "a row". The
// unit's explanation in brackets does not count.
bool IsOfUnit(std::string_view word, std::string_view unit) {
  unit = unit.substr(0, unit.find_first_of("(,"));
  while (!unit.empty()) {
    const std::size_t end = std::min(unit.find(' '), unit.size());
    const std::string named = Folded(unit.substr(0, end));
    const std::string said = Folded(word);
    if (said == named || said + "s" == named || said == named + "s") {
      return true;
    }
    unit.remove_prefix(std::min(end + 1, unit.size()));
  }
  return false;
}

// Removes words of the unit from either end.
std::string_view WithoutUnit(std::string_view text, std::string_view unit) {
  text = Trimmed(text);
  std::size_t begin = text.size();
  while (begin > 0 && IsLetter(text[begin - 1])) --begin;
  if (begin < text.size() && IsOfUnit(text.substr(begin), unit)) {
    return WithoutUnit(text.substr(0, begin), unit);
  }
  std::size_t end = 0;
  while (end < text.size() && IsLetter(text[end])) ++end;
  if (end > 0 && IsOfUnit(text.substr(0, end), unit)) {
    return WithoutUnit(text.substr(end), unit);
  }
  return text;
}

// Digits in groups of three after the first group, "1,152,000" with ','.
bool IsGrouped(std::string_view digits, char separator) {
  std::size_t group = 0;
  std::size_t separators = 0;
  for (const char letter : digits) {
    if (letter == separator) {
      if (group == 0 || group > 3 || (separators > 0 && group != 3)) {
        return false;
      }
      ++separators;
      group = 0;
    } else if (IsDigit(letter)) {
      ++group;
    } else {
      return false;
    }
  }
  return separators > 0 && group == 3 && digits.front() != '0';
}

std::string Without(std::string_view text, char letter) {
  std::string rest(text);
  std::erase(rest, letter);
  return rest;
}

// The same number in the form that std::from_chars reads; "" if ambiguous.
std::string InOneWay(std::string_view text) {
  const std::size_t comma = text.rfind(',');
  const std::size_t dot = text.rfind('.');
  for (const char separator : {' ', '\'', '_'}) {
    // Thousands; what follows is a fraction.
    const std::size_t end =
        std::min({text.find('.'), text.find(','), text.size()});
    if (IsGrouped(text.substr(0, end), separator)) {
      return InOneWay(Without(text, separator));
    }
  }
  if (comma == std::string_view::npos) return std::string(text);
  if (dot != std::string_view::npos && dot > comma) {  // 1,152.5
    return IsGrouped(text.substr(0, dot), ',') ? Without(text, ',') : "";
  }
  if (dot == std::string_view::npos && IsGrouped(text, ',')) {  // 1,152
    return Without(text, ',');
  }
  if (text.find(',') != comma) return "";   // 1,2,3
  if (comma + 1 == text.size()) return "";  // 1,
  std::string whole(text.substr(0, comma));
  if (dot != std::string_view::npos) {  // 1.152,5
    if (!IsGrouped(whole, '.')) return "";
    whole = Without(whole, '.');
  }
  return whole + "." + std::string(text.substr(comma + 1));
}

}  // namespace

std::optional<double> TypedNumber(std::string_view text,
                                  std::string_view unit) {
  std::string_view rest = WithoutUnit(text, unit);
  if (rest.starts_with('=')) rest = Trimmed(rest.substr(1));
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  if (rest.empty() || !IsDigit(rest.front())) return std::nullopt;
  const std::string plain = InOneWay(rest);
  double number = 0;
  const char* end = plain.data() + plain.size();
  const auto [stop, error] = std::from_chars(plain.data(), end, number);
  if (plain.empty() || error != std::errc() || stop != end ||
      !std::isfinite(number)) {
    return std::nullopt;
  }
  return negative ? -number : number;
}

}  // namespace kvlab
