#include "autograder/machine/submission/collector.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograder/machine/submission/archive_source.h"
#include "autograder/machine/submission/entry_name.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kMaxIgnoredNames = 50;
constexpr std::size_t kMaxNotes = 10;

// Entries that are compared with the first of their name.
constexpr std::size_t kMaxOffers = 8;

// A folder of the handout whose files are not the student's.
bool IsOfTheHandout(std::string_view folder) {
  static constexpr std::array<std::string_view, 6> kFolders = {
      "kit/", "cli/", "lab/", "compare/", "quiz/", "handout/"};
  return std::ranges::find(kFolders, folder) != kFolders.end();
}

EntryContent ReadFile(const ReadEntry& read) {
  EntryContent content = read(kMaxSourceBytes);
  if (content.problem.empty() && content.bytes.size() > kMaxSourceBytes) {
    content.problem =
        "it is longer than " + std::to_string(kMaxSourceBytes) + " bytes";
  }
  if (!content.problem.empty()) content.bytes.clear();
  return content;
}

}  // namespace

Collector::Collector(std::span<const ModuleFiles> modules) {
  for (const ModuleFiles& module : modules) {
    for (const auto* names : {&module.files, &module.papers}) {
      for (const std::string& file : *names) {
        const std::string path = CoursePath(module, file);
        exact_[module.folder + "/" + file] = path;
        flat_[Folded(module.folder + "/" + file)] = path;
        // A name that two modules have says nothing without its folder.
        const auto [place, is_new] = flat_.emplace(Folded(file), path);
        if (!is_new) place->second.clear();
        submission_.files[path].problem = "it is missing";
      }
    }
  }
}

std::optional<Collector::Wish> Collector::WishFor(
    const std::vector<std::string>& parts) const {
  const std::string& file = parts.back();
  const std::string folder =
      parts.size() < 2 ? "" : parts[parts.size() - 2] + "/";
  const auto exact = exact_.find(folder + file);
  if (exact != exact_.end()) return Wish{exact->second, Likeness::kExact};
  // Of a handout that was handed in as a whole; kit/ has a roofline.cc, too.
  if (IsOfTheHandout(folder)) return std::nullopt;
  const std::string copy = WithoutCopyNumber(file);
  for (const auto& [name, likeness] :
       {std::pair(Folded(folder + file), Likeness::kFolded),
        std::pair(Folded(file), Likeness::kFolded),
        std::pair(Folded(folder + copy), Likeness::kCopy),
        std::pair(Folded(copy), Likeness::kCopy)}) {
    const auto found = flat_.find(name);
    if (found == flat_.end() || found->second.empty()) continue;
    const bool is_flat = found->second.ends_with("/" + file);
    return Wish{found->second, is_flat ? Likeness::kFlat : likeness};
  }
  return std::nullopt;
}

void Collector::Offer(const std::string& name, const ReadEntry& read) {
  const std::vector<std::string> parts = PartsOf(name);
  if (LeadsOut(parts)) return Ignore(name);
  if (IsLeftByTools(parts)) return;
  if (const std::optional<Wish> wish = WishFor(parts)) {
    Take(*wish, prefix_ + name, read);
  } else if (IsArchiveName(parts.back())) {
    OpenArchive(name, read);
  } else if (IsForeignArchiveName(parts.back())) {
    Note(Shown(prefix_ + name) +
         ": archives of this kind are not read; hand in what ./kvlab submit "
         "packs");
  } else {
    Ignore(name);
  }
}

void Collector::Take(const Wish& wish, const std::string& name,
                     const ReadEntry& read) {
  Find& find = finds_[wish.path];
  if (find.offers > 0 && wish.likeness > find.likeness) return Ignore(name);
  if (find.offers == 0 || wish.likeness < find.likeness) {
    if (find.offers > 0) Ignore(find.file.found_at);
    EntryContent content = ReadFile(read);
    find = {.likeness = wish.likeness,
            .file = {.content = std::move(content.bytes),
                     .found_at = Shown(name),
                     .problem = std::move(content.problem)},
            .others = {},
            .offers = 1};
    return;
  }
  if (++find.offers > kMaxOffers) return Ignore(name);
  // The same file twice leaves no doubt.
  const EntryContent content = ReadFile(read);
  if (!content.problem.empty() || !find.file.IsPresent() ||
      content.bytes != find.file.content) {
    find.others.push_back(Shown(name));
  }
}

void Collector::OpenArchive(const std::string& name, const ReadEntry& read) {
  if (depth_ == kMaxArchiveDepth || archives_ == kMaxArchives) {
    Note(Shown(prefix_ + name) +
         ": an archive too many; hand in what ./kvlab submit packs");
    return;
  }
  const EntryContent content = read(kMaxInnerArchiveBytes);
  const std::string shown = Shown(prefix_ + name);
  if (!content.problem.empty()) return Note(shown + ": " + content.problem);
  if (content.bytes.size() > kMaxInnerArchiveBytes) {
    return Note(shown + ": an archive in a submission may have " +
                std::to_string(kMaxInnerArchiveBytes) + " bytes");
  }
  ++archives_;
  ++depth_;
  const std::string outside = std::exchange(prefix_, prefix_ + name + "/");
  try {
    CollectArchive(content.bytes, shown, *this);
  } catch (const DataError& error) {
    Note(error.what());
  }
  prefix_ = outside;
  --depth_;
}

void Collector::Note(const std::string& problem) {
  if (submission_.notes.size() < kMaxNotes) {
    submission_.notes.push_back(problem);
  }
}

void Collector::Ignore(const std::string& name) {
  ++submission_.ignored_count;
  if (submission_.ignored.size() < kMaxIgnoredNames) {
    submission_.ignored.push_back(Shown(name));
  }
}

Submission Collector::Finish() && {
  for (auto& [path, find] : finds_) {
    SubmittedFile& file = submission_.files[path];
    file = std::move(find.file);
    if (find.others.empty()) {
      if (file.IsPresent() && find.likeness != Likeness::kExact) {
        submission_.taken_by_name.push_back(file.found_at);
      }
      continue;
    }
    file.content.clear();
    file.problem = "it appears twice, as " + file.found_at + " and as " +
                   find.others.front() +
                   ", and they differ; hand in the one that you mean";
  }
  std::ranges::sort(submission_.ignored);
  return std::move(submission_);
}

}  // namespace kvlab::grading
