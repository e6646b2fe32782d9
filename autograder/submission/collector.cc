#include "autograder/submission/collector.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kvlab::grading {
namespace {

constexpr std::size_t kMaxIgnoredNames = 50;
constexpr std::size_t kMaxNameBytes = 200;

// Some archivers write Windows' separators.
std::vector<std::string> Parts(const std::string& name) {
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

// Copies of the submission that Bazel's links and archivers leave in it.
bool IsLeftByTools(std::string_view folder) {
  return folder.starts_with("bazel-") || folder == "__MACOSX" ||
         folder == ".git";
}

// Names are shown to people: no control characters, no broken UTF-8.
std::string Escaped(const std::string& name) {
  std::string text;
  for (const char letter : name.substr(0, kMaxNameBytes)) {
    if (letter >= ' ' && letter <= '~') {
      text.push_back(letter);
    } else {
      std::array<char, 8> escaped{};
      std::snprintf(escaped.data(), escaped.size(), "\\x%02x",
                    static_cast<unsigned>(static_cast<unsigned char>(letter)));
      text.append(escaped.data());
    }
  }
  if (name.size() > kMaxNameBytes) text.append("...");
  return text;
}

}  // namespace

Collector::Collector(std::span<const ModuleFiles> modules) {
  for (const ModuleFiles& module : modules) {
    for (const auto* names : {&module.files, &module.papers}) {
      for (const std::string& file : *names) {
        const std::string path = CoursePath(module, file);
        wanted_.insert(path);
        submission_.files[path].problem = "it is missing";
      }
    }
  }
}

std::optional<std::string> Collector::WantedPath(
    const std::string& name) const {
  const std::vector<std::string> parts = Parts(name);
  if (parts.size() < 2 || parts.size() > kMaxNesting + 2) return std::nullopt;
  for (const std::string& part : parts) {
    // An empty part: an absolute name, or a doubled separator.
    if (part.empty() || part == ".." || IsLeftByTools(part)) {
      return std::nullopt;
    }
  }
  const std::string path =
      "modules/" + parts[parts.size() - 2] + "/" + parts.back();
  if (wanted_.count(path) == 0) return std::nullopt;
  return path;
}

void Collector::Offer(const std::string& name, const ReadEntry& read) {
  const std::optional<std::string> path = WantedPath(name);
  if (!path) return Ignore(name);
  SubmittedFile& file = submission_.files[*path];
  if (!file.found_at.empty()) {
    file.content.clear();
    file.problem = "it is there twice, as " + file.found_at + " and as " +
                   Escaped(name) + "; nobody can know which you mean";
    return;
  }
  file.found_at = Escaped(name);
  EntryContent content = read();
  if (content.problem.empty() && content.bytes.size() > kMaxSourceBytes) {
    content.problem =
        "it is longer than " + std::to_string(kMaxSourceBytes) + " bytes";
  }
  file.problem = content.problem;
  if (file.IsPresent()) file.content = std::move(content.bytes);
}

void Collector::Ignore(const std::string& name) {
  ++submission_.ignored_count;
  if (submission_.ignored.size() < kMaxIgnoredNames) {
    submission_.ignored.push_back(Escaped(name));
  }
}

Submission Collector::Finish() && {
  std::ranges::sort(submission_.ignored);
  return std::move(submission_);
}

}  // namespace kvlab::grading
