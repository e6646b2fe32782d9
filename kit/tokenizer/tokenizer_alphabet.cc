#include "kit/tokenizer/tokenizer_alphabet.h"

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace kvlab {
namespace {

constexpr std::size_t kFirstStandIn = 0x100;
constexpr std::size_t kStandIns = 68;  // bytes without a printable character

constexpr bool IsPrintable(std::size_t byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) ||
         (byte >= 0xAE && byte <= 0xFF);
}

struct Alphabet {
  std::array<std::size_t, 256> code_point_of_byte{};
  // Indexed by code point; -1 where none stands for a byte.
  std::array<int, kFirstStandIn + kStandIns> byte_of_code_point{};
};

constexpr Alphabet MakeAlphabet() {
  Alphabet alphabet;
  alphabet.byte_of_code_point.fill(-1);
  std::size_t stand_in = kFirstStandIn;
  for (std::size_t byte = 0; byte < 256; ++byte) {
    const std::size_t code_point = IsPrintable(byte) ? byte : stand_in++;
    alphabet.code_point_of_byte[byte] = code_point;
    alphabet.byte_of_code_point[code_point] = static_cast<int>(byte);
  }
  return alphabet;
}

constexpr Alphabet kAlphabet = MakeAlphabet();

}  // namespace

std::string SymbolOfByte(unsigned char byte) {
  const std::size_t code_point = kAlphabet.code_point_of_byte[byte];
  if (code_point < 0x80) return {static_cast<char>(code_point)};
  return {static_cast<char>(0xC0U | (code_point >> 6U)),
          static_cast<char>(0x80U | (code_point & 0x3FU))};
}

std::optional<std::string> BytesOfSymbols(std::string_view symbols) {
  // All code points are below U+0144: one or two bytes of UTF-8 each.
  std::string bytes;
  for (std::size_t i = 0; i < symbols.size(); ++i) {
    std::size_t code_point = static_cast<unsigned char>(symbols[i]);
    if (code_point >= 0x80) {
      if (code_point < 0xC2 || code_point > 0xC5) return std::nullopt;
      if (++i == symbols.size()) return std::nullopt;
      const std::size_t low = static_cast<unsigned char>(symbols[i]);
      if ((low & 0xC0U) != 0x80) return std::nullopt;
      code_point = ((code_point & 0x1FU) << 6U) | (low & 0x3FU);
    }
    if (code_point >= kAlphabet.byte_of_code_point.size()) return std::nullopt;
    const int byte = kAlphabet.byte_of_code_point[code_point];
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace kvlab
