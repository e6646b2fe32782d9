#include "autograder/machine/submission/entry_name.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/machine/text/printable.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kMaxNameBytes = 200;

bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }

// Where trailing digits begin.
std::size_t DigitsFrom(std::string_view text) {
  std::size_t at = text.size();
  while (at > 0 && IsDigit(text[at - 1])) --at;
  return at;
}

// Whatever the letters' case.
bool EndsWithAny(std::string_view name,
                 std::span<const std::string_view> endings) {
  const std::string folded = Folded(name);
  return std::ranges::any_of(endings, [&](std::string_view ending) {
    return folded.ends_with(ending);
  });
}

}  // namespace

std::vector<std::string> PartsOf(const std::string& name) {
  std::vector<std::string> parts = {""};
  for (const char letter : name) {
    if (letter == '/' || letter == '\\') {
      parts.emplace_back();
    } else {
      parts.back().push_back(letter);
    }
  }
  std::erase(parts, ".");
  return parts;
}

bool IsLeftByTools(const std::vector<std::string>& parts) {
  static constexpr std::array<std::string_view, 9> kNames = {
      "__macosx",    ".git",    ".ds_store", "thumbs.db", "desktop.ini",
      "__pycache__", ".vscode", ".idea",     ".cache"};
  return std::ranges::any_of(parts, [](const std::string& part) {
    return part.starts_with("bazel-") || part.starts_with("._") ||
           std::ranges::find(kNames, Folded(part)) != kNames.end();
  });
}

bool LeadsOut(const std::vector<std::string>& parts) {
  // An empty part: an absolute name, or a doubled separator.
  return parts.empty() ||
         std::ranges::any_of(parts, [](const std::string& part) {
           return part.empty() || part == "..";
         });
}

bool IsArchiveName(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kEndings = {
      ".zip", ".tar", ".tar.gz", ".tgz"};
  return EndsWithAny(name, kEndings);
}

bool IsForeignArchiveName(std::string_view name) {
  static constexpr std::array<std::string_view, 7> kEndings = {
      ".rar", ".7z", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst"};
  return EndsWithAny(name, kEndings);
}

std::string Folded(std::string_view name) {
  std::string folded(name);
  for (char& letter : folded) {
    if (letter >= 'A' && letter <= 'Z') {
      letter = static_cast<char>(letter - 'A' + 'a');
    }
  }
  return folded;
}

std::string WithoutCopyNumber(const std::string& file) {
  const std::size_t dot = file.rfind('.');
  if (dot == std::string::npos) return "";
  std::string_view stem(file.data(), dot);
  const bool bracketed = stem.ends_with(')');
  if (bracketed) stem.remove_suffix(1);
  const std::size_t digits = DigitsFrom(stem);
  if (digits == stem.size() || digits == 0) return "";
  stem = stem.substr(0, digits);
  if (!stem.ends_with(bracketed ? '(' : '-')) return "";
  stem.remove_suffix(1);
  if (stem.ends_with(' ')) stem.remove_suffix(1);
  return std::string(stem) + file.substr(dot);
}

std::string Shown(const std::string& name) {
  const std::string whole = name.substr(0, kMaxNameBytes);
  const std::string more = name.size() > kMaxNameBytes ? "..." : "";
  if (PrintableLine(whole) == whole) return whole + more;
  std::string text;
  for (const char letter : whole) {
    if (letter >= ' ' && letter <= '~') {
      text.push_back(letter);
    } else {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(letter)));
      text.append(escaped.data());
    }
  }
  return text + more;
}

}  // namespace kvlab::grading
