#include "cli/utf8_stream.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace kvlab {
namespace {

bool IsContinuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80U;
}

// Bytes of the character that `first` begins; 1 if it begins none.
std::size_t CharacterBytes(char first) {
  const auto byte = static_cast<unsigned char>(first);
  if (byte >= 0xF0 && byte < 0xF5) return 4;
  if (byte >= 0xE0 && byte < 0xF0) return 3;
  if (byte >= 0xC2 && byte < 0xE0) return 2;
  return 1;
}

// Length of the unfinished character at the end of `text`, or 0.
std::size_t UnfinishedBytes(std::string_view text) {
  const std::size_t longest = std::min<std::size_t>(3, text.size());
  for (std::size_t length = 1; length <= longest; ++length) {
    const char byte = text[text.size() - length];
    if (IsContinuation(byte)) continue;
    return CharacterBytes(byte) > length ? length : 0;
  }
  return 0;
}

}  // namespace

std::string Utf8Stream::Push(std::string_view bytes) {
  held_back_.append(bytes);
  const std::size_t complete = held_back_.size() - UnfinishedBytes(held_back_);
  std::string text = held_back_.substr(0, complete);
  held_back_.erase(0, complete);
  return text;
}

std::string Utf8Stream::Flush() { return std::exchange(held_back_, {}); }

}  // namespace kvlab
