#include "autograder/report/base64.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kvlab::grading {

std::string Base64(std::string_view bytes) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string encoded;
  for (std::size_t begin = 0; begin < bytes.size(); begin += 3) {
    const std::string_view three = bytes.substr(begin, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      const char byte = i < three.size() ? three[i] : '\0';
      bits = bits << 8U | static_cast<unsigned char>(byte);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      // n bytes need n + 1 digits; the rest of the four is padding.
      encoded += i <= three.size() ? kDigits[bits >> (18 - 6 * i) & 63U] : '=';
    }
  }
  return encoded;
}

}  // namespace kvlab::grading
