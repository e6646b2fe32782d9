#include "autograder/report/legible.h"

#include <string>
#include <string_view>

#include "utf8proc.h"

namespace kvlab::grading {
namespace {

constexpr const char* kReplacement = "\xEF\xBF\xBD";

bool IsLegible(utf8proc_int32_t point) {
  if (point == '\n' || point == '\t') return true;
  if ((point & 0xFFFE) == 0xFFFE) return false;          // ends of planes
  if (point >= 0x202A && point <= 0x202E) return false;  // direction
  if (point >= 0x2066 && point <= 0x2069) return false;
  return utf8proc_category(point) != UTF8PROC_CATEGORY_CC;
}

}  // namespace

std::string Legible(std::string_view text) {
  std::string legible;
  while (!text.empty()) {
    utf8proc_int32_t point = 0;
    const utf8proc_ssize_t length = utf8proc_iterate(
        // NOLINTNEXTLINE: the same bytes, as utf8proc wants them
        reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
        static_cast<utf8proc_ssize_t>(text.size()), &point);
    if (length <= 0) {
      legible += kReplacement;
      text.remove_prefix(1);
      continue;
    }
    const auto taken = static_cast<std::size_t>(length);
    legible += IsLegible(point) ? text.substr(0, taken) : kReplacement;
    text.remove_prefix(taken);
  }
  return legible;
}

}  // namespace kvlab::grading
