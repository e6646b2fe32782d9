#include "autograder/machine/text/printable.h"

#include <cstddef>
#include <string>
#include <string_view>

#include "utf8proc.h"

namespace kvlab::grading {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// The character that `text` begins with; of no bytes if it is none.
struct Character {
  utf8proc_int32_t code = 0;
  std::size_t bytes = 0;
};

Character First(std::string_view text) {
  Character first;
  const utf8proc_ssize_t bytes = ::utf8proc_iterate(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
      static_cast<utf8proc_ssize_t>(text.size()), &first.code);
  if (bytes > 0) first.bytes = static_cast<std::size_t>(bytes);
  return first;
}

// Also the marks that make a line read from right to left, and the ends of
// planes, which are no characters.
bool IsControl(utf8proc_int32_t code) {
  const utf8proc_category_t category = ::utf8proc_category(code);
  return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CF ||
         (code & 0xFFFE) == 0xFFFE;
}

}  // namespace

std::string Printable(std::string_view text) {
  std::string printable;
  while (!text.empty()) {
    const Character first = First(text);
    const std::size_t bytes = first.bytes == 0 ? 1 : first.bytes;
    if (first.code == '\n' || (first.bytes > 0 && !IsControl(first.code))) {
      printable += text.substr(0, bytes);
    } else if (first.code == '\t') {
      printable += ' ';
    } else if (first.code != '\r') {
      printable += kReplacement;
    }
    text.remove_prefix(bytes);
  }
  return printable;
}

std::string PrintableLine(std::string_view text) {
  std::string line;
  for (const char letter : Printable(text)) {
    if (letter == '\n') {
      line += kReplacement;
    } else {
      line += letter;
    }
  }
  return line;
}

std::string Shortened(std::string_view line, std::size_t characters) {
  std::size_t end = 0;
  for (std::size_t n = 0; n < characters && end < line.size(); ++n) {
    end += First(line.substr(end)).bytes;
  }
  std::size_t left_out = 0;
  for (std::size_t at = end; at < line.size(); ++left_out) {
    at += First(line.substr(at)).bytes;
  }
  std::string shortened(line.substr(0, end));
  if (left_out > 0) {
    shortened += " [" + std::to_string(left_out) + " more characters]";
  }
  return shortened;
}

}  // namespace kvlab::grading
