#include "quiz/answer_text.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "utf8proc.h"

namespace kvlab {
namespace {

enum class ByteOrder { kLittle, kBig };

// One unit of UTF-16 at `at`.
std::uint32_t UnitAt(std::string_view bytes, std::size_t at, ByteOrder order) {
  constexpr unsigned kByte = 8;
  const auto first = static_cast<unsigned char>(bytes[at]);
  const auto second = static_cast<unsigned char>(bytes[at + 1]);
  return order == ByteOrder::kLittle ? first | std::uint32_t{second} << kByte
                                     : second | std::uint32_t{first} << kByte;
}

std::string FromUtf16(std::string_view bytes, ByteOrder order) {
  constexpr std::uint32_t kHigh = 0xD800;
  constexpr std::uint32_t kLow = 0xDC00;
  constexpr std::uint32_t kEnd = 0xE000;
  constexpr unsigned kHalf = 10;
  std::string text;
  if (bytes.size() % 2 != 0) return text;
  for (std::size_t at = 0; at < bytes.size(); at += 2) {
    std::uint32_t code = UnitAt(bytes, at, order);
    if (code >= kLow && code < kEnd) return "";
    if (code >= kHigh && code < kLow) {
      at += 2;
      if (at >= bytes.size()) return "";
      const std::uint32_t low = UnitAt(bytes, at, order);
      if (low < kLow || low >= kEnd) return "";
      code = 0x10000 + ((code - kHigh) << kHalf) + (low - kLow);
    }
    std::array<utf8proc_uint8_t, 4> letter{};
    const utf8proc_ssize_t size = ::utf8proc_encode_char(
        static_cast<utf8proc_int32_t>(code), letter.data());
    text.append(letter.begin(), letter.begin() + size);
  }
  return text;
}

std::string InUtf8(std::string_view bytes) {
  if (bytes.starts_with("\xFF\xFE")) {
    return FromUtf16(bytes.substr(2), ByteOrder::kLittle);
  }
  if (bytes.starts_with("\xFE\xFF")) {
    return FromUtf16(bytes.substr(2), ByteOrder::kBig);
  }
  if (bytes.starts_with("\xEF\xBB\xBF")) return std::string(bytes.substr(3));
  if (bytes.size() > 1 && bytes[0] != 0 && bytes[1] == 0) {
    return FromUtf16(bytes, ByteOrder::kLittle);
  }
  if (bytes.size() > 1 && bytes[0] == 0 && bytes[1] != 0) {
    return FromUtf16(bytes, ByteOrder::kBig);
  }
  return std::string(bytes);
}

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos;
       at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::string PlainText(std::string_view bytes) {
  std::string text = InUtf8(bytes);
  // Quotes of word processors in several languages, and their spaces.
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 10>
      kPlain = {{{"\u201C", "\""},
                 {"\u201D", "\""},
                 {"\u201E", "\""},
                 {"\u201F", "\""},
                 {"\u00AB", "\""},
                 {"\u00BB", "\""},
                 {"\uFF02", "\""},
                 {"\u00A0", " "},
                 {"\u2009", " "},
                 {"\u202F", " "}}};
  for (const auto& [from, to] : kPlain) ReplaceAll(text, from, to);
  return text;
}

}  // namespace kvlab
