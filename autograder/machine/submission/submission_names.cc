#include "autograder/machine/submission/submission_names.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <map>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "autograder/machine/submission/entry_name.h"
#include "autograder/machine/text/printable.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

using Parts = std::vector<std::string>;

constexpr std::size_t kMostNameBytes = 120;

// From the root; an archive's ending says nothing.
Parts PartsOfPath(const fs::path& path) {
  fs::path clean = fs::absolute(path).lexically_normal();
  if (clean.filename().empty()) clean = clean.parent_path();
  Parts parts;
  for (const fs::path& part : clean) parts.push_back(part.string());
  std::string& last = parts.back();
  if (IsArchiveName(last)) {
    last.erase(
        Folded(last).rfind(Folded(last).ends_with(".tar.gz") ? ".tar" : "."));
  }
  return parts;
}

std::string Clean(const std::string& part) {
  // Not a letter more than a folder's name may have.
  std::string name = PrintableLine(part.substr(0, kMostNameBytes));
  for (std::size_t i = 0; i < name.size(); ++i) {
    const auto letter = static_cast<unsigned char>(name[i]);
    constexpr unsigned char kAscii = 0x80;
    const bool harmless = letter >= kAscii || std::isalnum(letter) != 0 ||
                          (i > 0 && std::string_view("._-@+,'").find(name[i]) !=
                                        std::string_view::npos) ||
                          letter == '_';
    if (!harmless) name[i] = '_';
  }
  return name.empty() ? "_" : name;
}

// `count` parts from `first` on.
std::string Joined(const Parts& parts, std::size_t first, std::size_t count) {
  std::string name;
  for (std::size_t i = first; i < std::min(first + count, parts.size()); ++i) {
    name += (name.empty() ? "" : "_") + Clean(parts[i]);
  }
  return name.empty() ? "_" : name;
}

// How many parts all paths have in common, at most all but the last of each.
std::size_t CommonParts(const std::vector<Parts>& all) {
  std::size_t common = all.front().size() - 1;
  for (const Parts& parts : all) {
    common = std::min(common, parts.size() - 1);
    for (std::size_t i = 0; i < common; ++i) {
      if (parts[i] != all.front()[i]) common = i;
    }
  }
  return common;
}

}  // namespace

std::vector<std::string> SubmissionNames(std::span<const fs::path> paths) {
  std::vector<Parts> all;
  std::ranges::transform(paths, std::back_inserter(all), PartsOfPath);
  if (all.empty()) return {};
  const std::size_t common =
      all.size() == 1 ? all.front().size() - 1 : CommonParts(all);
  std::vector<std::size_t> counts(all.size(), 1);
  std::vector<std::string> names(all.size());
  // One more part for all that share a name, until none has more.
  for (bool more = true; more;) {
    std::map<std::string, std::vector<std::size_t>> sharing;
    for (std::size_t i = 0; i < all.size(); ++i) {
      names[i] = Joined(all[i], common, counts[i]);
      sharing[Folded(names[i])].push_back(i);
    }
    more = false;
    for (const auto& [name, indices] : sharing) {
      for (const std::size_t i : indices) {
        if (indices.size() == 1 || common + counts[i] >= all[i].size()) {
          continue;
        }
        ++counts[i];
        more = true;
      }
    }
  }
  // The first of each name keeps it, before others get numbers.
  std::set<std::string> taken;
  std::vector<std::string*> later;
  for (std::string& name : names) {
    if (!taken.insert(Folded(name)).second) later.push_back(&name);
  }
  for (std::string* name : later) {
    const std::string plain = *name;
    for (int n = 2; !taken.insert(Folded(*name)).second; ++n) {
      *name = fmt::format("{}-{}", plain, n);
    }
  }
  return names;
}

fs::path NewFolder(const fs::path& out, const std::string& name) {
  fs::path folder = out / name;
  std::error_code ignored;
  for (int n = 2;
       fs::symlink_status(folder, ignored).type() != fs::file_type::not_found;
       ++n) {
    folder = out / fmt::format("{}-{}", name, n);
  }
  return folder;
}

}  // namespace kvlab::grading
