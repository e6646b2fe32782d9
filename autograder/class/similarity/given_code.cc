#include "autograder/class/similarity/given_code.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvlab::grading {
namespace {

struct Token {
  std::size_t begin = 0;
  std::size_t end = 0;
};

bool IsWordByte(char byte) {
  const auto code = static_cast<unsigned char>(byte);
  constexpr unsigned char kAscii = 0x80;
  return code >= kAscii || std::isalnum(code) != 0 || byte == '_';
}

// Tokens of C++ as far as comparing needs them; whatever the text is, each byte
// is in one token at most.
class Tokenizer {
 public:
  explicit Tokenizer(std::string_view text) : text_(text) {}

  std::vector<Token> All() {
    while (at_ < text_.size()) Step();
    return std::move(tokens_);
  }

 private:
  bool StartsWith(std::string_view what) const {
    return text_.substr(at_).starts_with(what);
  }
  // After the next `what`, or at the end.
  std::size_t Past(std::string_view what, std::size_t from) const {
    const std::size_t found = text_.find(what, from);
    return found == std::string_view::npos ? text_.size() : found + what.size();
  }
  void Take(std::size_t end) {
    tokens_.push_back({.begin = at_, .end = end});
    at_ = end;
  }

  void Step() {
    const char byte = text_[at_];
    if (byte == '\n') {
      in_line_ = false;
      ++at_;
    } else if (std::isspace(static_cast<unsigned char>(byte)) != 0) {
      ++at_;
    } else if (StartsWith("//") || (!in_line_ && StartsWith("#include"))) {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (StartsWith("/*")) {
      at_ = Past("*/", at_ + 2);
    } else {
      in_line_ = true;
      TakeToken();
    }
  }

  void TakeToken() {
    if (StartsWith("R\"")) {
      const std::size_t open = text_.find('(', at_);
      if (open != std::string_view::npos) {
        const std::string close =
            ')' + std::string(text_.substr(at_ + 2, open - at_ - 2)) + '"';
        Take(Past(close, open));
        return;
      }
    }
    const char byte = text_[at_];
    if (byte == '"' || byte == '\'') {
      TakeQuoted(byte);
    } else if (IsWordByte(byte)) {
      TakeWord();
    } else {
      Take(at_ + 1);
    }
  }

  // Ends with its line if the quote is never closed.
  void TakeQuoted(char quote) {
    std::size_t end = at_ + 1;
    while (end < text_.size() && text_[end] != quote && text_[end] != '\n') {
      end += text_[end] == '\\' ? 2 : 1;
    }
    const bool closed = end < text_.size() && text_[end] == quote;
    Take(std::min(closed ? end + 1 : end, text_.size()));
  }

  // 1'000 is one number.
  void TakeWord() {
    const bool is_number =
        std::isdigit(static_cast<unsigned char>(text_[at_])) != 0;
    std::size_t end = at_;
    while (end < text_.size() &&
           (IsWordByte(text_[end]) ||
            (is_number && text_[end] == '\'' && end + 1 < text_.size() &&
             IsWordByte(text_[end + 1])))) {
      ++end;
    }
    Take(end);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_line_ = false;  // whether the line has a token
  std::vector<Token> tokens_;
};

// From each token on, of kWindow tokens; fewer than tokens by kWindow - 1.
std::vector<std::uint64_t> WindowsOf(std::string_view text,
                                     const std::vector<Token>& tokens) {
  std::vector<std::uint64_t> words;
  words.reserve(tokens.size());
  for (const Token& token : tokens) {
    words.push_back(std::hash<std::string_view>{}(
        text.substr(token.begin, token.end - token.begin)));
  }
  std::vector<std::uint64_t> windows;
  constexpr std::uint64_t kMultiplier = 0x9E3779B97F4A7C15U;
  for (std::size_t i = 0; i + GivenCode::kWindow <= words.size(); ++i) {
    std::uint64_t window = 0;
    for (std::size_t k = 0; k < GivenCode::kWindow; ++k) {
      window = (window ^ words[i + k]) * kMultiplier;
    }
    windows.push_back(window);
  }
  return windows;
}

}  // namespace

std::size_t OwnCode::OwnLines() const {
  return static_cast<std::size_t>(std::ranges::count(own, true));
}

void GivenCode::Add(std::string_view text) {
  const std::vector<Token> tokens = Tokenizer(text).All();
  for (const std::uint64_t window : WindowsOf(text, tokens)) {
    windows_.insert(window);
  }
}

OwnCode GivenCode::Without(std::string_view text) const {
  const std::vector<Token> tokens = Tokenizer(text).All();
  const std::vector<std::uint64_t> windows = WindowsOf(text, tokens);
  std::vector<bool> given(tokens.size(), false);
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (!windows_.contains(windows[i])) continue;
    std::fill_n(given.begin() + static_cast<std::ptrdiff_t>(i), kWindow, true);
  }
  OwnCode code;
  code.text.assign(text.size(), ' ');
  std::vector<bool> is_own(text.size(), false);
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (given[i]) continue;
    for (std::size_t at = tokens[i].begin; at < tokens[i].end; ++at) {
      is_own[at] = true;
      const auto byte = static_cast<unsigned char>(text[at]);
      constexpr unsigned char kAscii = 0x80;
      code.text[at] = byte >= kAscii            ? 'x'
                      : std::isprint(byte) != 0 ? text[at]
                                                : ' ';
    }
  }
  code.own.push_back(false);
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (is_own[at]) code.own.back() = true;
    if (text[at] != '\n') continue;
    code.text[at] = '\n';
    code.own.push_back(false);
  }
  if (text.empty() || text.back() != '\n') code.text += '\n';
  if (text.ends_with('\n')) code.own.pop_back();
  return code;
}

}  // namespace kvlab::grading
