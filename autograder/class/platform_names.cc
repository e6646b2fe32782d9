#include "autograder/class/platform_names.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "autograder/machine/submission/entry_name.h"

namespace kvlab::grading {
namespace {

constexpr std::string_view kDigits = "0123456789";

// The text up to the first `separator`, which is removed with it; nothing if
// there is none.
std::optional<std::string_view> TakeUntil(std::string_view& text,
                                          std::string_view separator) {
  const std::size_t at = text.find(separator);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view taken = text.substr(0, at);
  text.remove_prefix(at + separator.size());
  return taken;
}

bool IsNumber(std::string_view text) {
  return !text.empty() &&
         text.find_first_not_of(kDigits) == std::string_view::npos;
}

}  // namespace

std::optional<CanvasName> ParseCanvasName(std::string_view name) {
  if (name.find_first_of("/\\") != std::string_view::npos) return std::nullopt;
  CanvasName parsed;
  if (!TakeUntil(name, "_")) return std::nullopt;
  if (name.starts_with("LATE_")) {
    parsed.late = true;
    name.remove_prefix(std::string_view("LATE_").size());
  }
  const auto user = TakeUntil(name, "_");
  const auto submission = TakeUntil(name, "_");
  if (!user || !submission || !IsNumber(*user) || !IsNumber(*submission) ||
      name.empty()) {
    return std::nullopt;
  }
  parsed.user = *user;
  parsed.file = name;
  const std::string original = WithoutCopyNumber(parsed.file);
  if (original.empty() || parsed.file.find('(') != std::string::npos) {
    return parsed;
  }
  // "-1" before the ending.
  const std::size_t dash = parsed.file.rfind('-');
  const char* begin = parsed.file.data() + dash + 1;
  const auto read = std::from_chars(
      begin, parsed.file.data() + parsed.file.size(), parsed.attempt);
  if (read.ec != std::errc()) return parsed;  // a number beyond all attempts
  parsed.file = original;
  return parsed;
}

std::optional<MoodleName> ParseMoodleName(std::string_view name) {
  const std::string_view first = name.substr(0, name.find('/'));
  constexpr std::string_view kMark = "_assignsubmission_";
  const std::size_t mark = first.find(kMark);
  if (mark == std::string_view::npos) return std::nullopt;
  // The names of people and of files may contain a second one, to pass for
  // those of others.
  if (first.rfind(kMark) != mark) return std::nullopt;
  const std::string_view person = first.substr(0, mark);
  const std::size_t before = person.rfind('_');
  if (before == std::string_view::npos) return std::nullopt;
  MoodleName parsed;
  parsed.participant = person.substr(before + 1);
  if (!IsNumber(parsed.participant)) return std::nullopt;
  name.remove_prefix(mark + kMark.size());
  for (const std::string_view kind : {"file", "onlinetext"}) {
    if (!name.starts_with(kind)) continue;
    parsed.text = kind == "onlinetext";
    name.remove_prefix(kind.size());
    if (name.starts_with('_')) name.remove_prefix(1);
    if (name.starts_with('/')) name.remove_prefix(1);
    if (name.empty()) return std::nullopt;  // the folder itself
    parsed.file = name;
    return parsed;
  }
  return std::nullopt;
}

std::string ArchiveStem(std::string_view name) {
  static constexpr std::array<std::string_view, 4> kEndings = {
      ".tar.gz", ".tgz", ".tar", ".zip"};
  const std::string folded = Folded(name);
  const auto* const ending = std::ranges::find_if(
      kEndings, [&](std::string_view each) { return folded.ends_with(each); });
  if (ending == kEndings.end()) return "";
  return std::string(name.substr(0, name.size() - ending->size()));
}

}  // namespace kvlab::grading
