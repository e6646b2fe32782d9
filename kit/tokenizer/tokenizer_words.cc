#include "kit/tokenizer/tokenizer_words.h"

#include <array>
#include <cstddef>
#include <string_view>

#include "utf8proc.h"

namespace kvlab {
namespace {

enum class Kind { kSpace, kLetter, kNumber, kOther };

struct Character {
  Kind kind;
  std::size_t bytes;
};

// Unicode's White_Space: the separators, and six control characters.
bool IsSpace(utf8proc_int32_t code_point, utf8proc_category_t category) {
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL ||
         category == UTF8PROC_CATEGORY_ZP ||
         (code_point >= 0x09 && code_point <= 0x0D) || code_point == 0x85;
}

Kind KindOf(utf8proc_int32_t code_point) {
  const utf8proc_category_t category = utf8proc_category(code_point);
  if (IsSpace(code_point, category)) return Kind::kSpace;
  switch (category) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
      return Kind::kLetter;
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return Kind::kNumber;
    default:
      return Kind::kOther;
  }
}

// The first character of `text`, which is not empty.
Character FirstCharacter(std::string_view text) {
  utf8proc_int32_t code_point = -1;
  const utf8proc_ssize_t bytes =
      utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                       static_cast<utf8proc_ssize_t>(text.size()), &code_point);
  if (bytes <= 0) return {.kind = Kind::kOther, .bytes = 1};
  return {.kind = KindOf(code_point), .bytes = static_cast<std::size_t>(bytes)};
}

// Where the run of `kind` that starts at `begin` ends.
std::size_t EndOfRun(std::string_view text, std::size_t begin, Kind kind) {
  std::size_t end = begin;
  while (end < text.size()) {
    const Character next = FirstCharacter(text.substr(end));
    if (next.kind != kind) break;
    end += next.bytes;
  }
  return end;
}

// 's|'t|'re|'ve|'m|'ll|'d; 0 if none matches.
std::size_t ContractionBytes(std::string_view text) {
  constexpr std::array<std::string_view, 7> kContractions = {
      "'s", "'t", "'re", "'ve", "'m", "'ll", "'d"};
  for (const std::string_view contraction : kContractions) {
    if (text.starts_with(contraction)) return contraction.size();
  }
  return 0;
}

// \s+(?!\S)|\s+: all of the run at the end of the text; otherwise all but its
// last character, which then begins the next word; but at least one.
std::size_t SpaceBytes(std::string_view text) {
  std::size_t end = 0;
  std::size_t last_begin = 0;
  while (end < text.size()) {
    const Character next = FirstCharacter(text.substr(end));
    if (next.kind != Kind::kSpace) return last_begin > 0 ? last_begin : end;
    last_begin = end;
    end += next.bytes;
  }
  return end;
}

}  // namespace

std::string_view FirstWord(std::string_view text) {
  if (text.empty()) return text;
  const std::size_t contraction = ContractionBytes(text);
  if (contraction > 0) return text.substr(0, contraction);

  // ` ?` belongs to what follows it, unless that is more space.
  const std::size_t start = text[0] == ' ' && text.size() > 1 ? 1 : 0;
  const Kind kind = FirstCharacter(text.substr(start)).kind;
  if (kind != Kind::kSpace) {
    return text.substr(0, EndOfRun(text, start, kind));
  }
  return text.substr(0, SpaceBytes(text));
}

}  // namespace kvlab
