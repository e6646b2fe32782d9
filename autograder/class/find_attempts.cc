#include "autograder/class/find_attempts.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "autograder/class/entry_source.h"
#include "autograder/class/git_repository.h"
#include "autograder/class/gradescope_metadata.h"
#include "autograder/class/platform_names.h"
#include "autograder/class/roster.h"
#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/submission/collector.h"
#include "autograder/machine/submission/entry_name.h"
#include "autograder/machine/text/printable.h"
#include "fmt/format.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

using Entries = std::shared_ptr<const EntrySource>;

// An entry, and its name within the attempt.
struct Part {
  std::size_t entry = 0;
  std::string name;
};

// The only archive as it is, or all files in one.
std::function<std::string()> ReaderOf(const Entries& entries,
                                      const std::vector<Part>& parts) {
  return [entries, parts] {
    if (parts.size() == 1 && !ArchiveStem(parts.front().name).empty()) {
      return entries->Read(parts.front().entry);
    }
    std::vector<std::pair<std::string, std::string>> files;
    std::size_t bytes = 0;
    for (const Part& part : parts) {
      files.emplace_back(part.name, entries->Read(part.entry));
      bytes += files.back().second.size();
      if (bytes > kMaxArchiveBytes) {
        throw DataError(Shown(part.name) + ": too large with the files beside",
                        "together they have more than 64 MiB",
                        "ask for the files that the course asks for");
      }
    }
    return Bundle(std::move(files));
  };
}

std::string OriginText(const char* platform, const fs::path& path,
                       const std::string& entry) {
  return PrintableLine(
      fmt::format("{}: {}, {}", platform, path.filename().string(), entry));
}

// --- Canvas

struct CanvasEntry {
  CanvasName name;
  std::size_t entry = 0;
};

FoundAttempt CanvasAttempt(const fs::path& path, const Entries& entries,
                           const std::vector<CanvasEntry>& files) {
  FoundAttempt attempt;
  std::vector<Part> parts;
  for (const CanvasEntry& file : files) {
    attempt.marked_late = attempt.marked_late || file.name.late;
    attempt.number = std::max(attempt.number, file.name.attempt);
    parts.push_back({file.entry, file.name.file});
  }
  attempt.authors = {{files.front().name.user}};
  attempt.origin =
      OriginText("canvas", path, entries->Names()[files.front().entry]);
  attempt.read = ReaderOf(entries, parts);
  return attempt;
}

// One file under several numbers is several attempts; of several files the
// last of each is one.
FoundAttempts FromCanvas(const fs::path& path, const Entries& entries) {
  FoundAttempts found;
  // By user, then by file.
  std::map<std::string, std::map<std::string, std::vector<CanvasEntry>>> users;
  for (std::size_t i = 0; i < entries->Names().size(); ++i) {
    const auto name = ParseCanvasName(entries->Names()[i]);
    if (name) {
      users[name->user][name->file].push_back({*name, i});
    } else {
      found.ignored.push_back(Shown(entries->Names()[i]) +
                              ": not a name that Canvas gives");
    }
  }
  for (auto& [user, files] : users) {
    std::vector<CanvasEntry> last;
    for (auto& [file, versions] : files) {
      std::ranges::stable_sort(versions, {}, [](const CanvasEntry& each) {
        return each.name.attempt;
      });
      last.push_back(versions.back());
    }
    if (files.size() > 1) {
      found.attempts.push_back(CanvasAttempt(path, entries, last));
      continue;
    }
    for (const CanvasEntry& version : files.begin()->second) {
      found.attempts.push_back(CanvasAttempt(path, entries, {version}));
    }
  }
  return found;
}

// --- Moodle

FoundAttempts FromMoodle(const fs::path& path, const Entries& entries) {
  FoundAttempts found;
  std::map<std::string, std::vector<Part>> participants;
  for (std::size_t i = 0; i < entries->Names().size(); ++i) {
    const std::string& name = entries->Names()[i];
    const auto parsed = ParseMoodleName(name);
    if (!parsed) {
      found.ignored.push_back(Shown(name) + ": not a name that Moodle gives");
    } else if (parsed->text) {
      found.ignored.push_back(Shown(name) + ": typed into Moodle, not a file");
    } else {
      participants[parsed->participant].push_back({i, parsed->file});
    }
  }
  for (const auto& [participant, parts] : participants) {
    FoundAttempt attempt;
    attempt.authors = {{participant}};
    attempt.origin =
        OriginText("moodle", path, entries->Names()[parts.front().entry]);
    attempt.read = ReaderOf(entries, parts);
    found.attempts.push_back(std::move(attempt));
  }
  return found;
}

// --- Gradescope

// At the top, else in the one folder there: a deeper one was handed in.
std::optional<std::size_t> MetadataOf(const EntrySource& entries) {
  std::vector<std::size_t> below;
  for (std::size_t i = 0; i < entries.Names().size(); ++i) {
    const std::vector<std::string> parts = PartsOf(entries.Names()[i]);
    if (parts.back() != kGradescopeMetadata) continue;
    if (parts.size() == 1) return i;
    if (parts.size() == 2) below.push_back(i);
  }
  if (below.size() == 1) return below.front();
  return std::nullopt;
}

FoundAttempts FromGradescope(const fs::path& path, const Entries& entries) {
  const auto metadata = MetadataOf(*entries);
  if (!metadata) {
    throw DataError(
        PrintableLine(path.string()) + ": there is no " + kGradescopeMetadata,
        "it says who handed in what",
        "name what Gradescope's 'Export Submissions' wrote");
  }
  const std::string& place = entries->Names()[*metadata];
  const std::string top =
      place.substr(0, place.size() - std::string(kGradescopeMetadata).size());
  FoundAttempts found;
  for (const GradescopeSubmission& submission : ParseGradescopeMetadata(
           entries->Read(*metadata), PrintableLine(place))) {
    const std::string folder = top + submission.folder + '/';
    std::vector<Part> parts;
    for (std::size_t i = 0; i < entries->Names().size(); ++i) {
      const std::string& name = entries->Names()[i];
      if (name.starts_with(folder)) {
        parts.push_back({i, name.substr(folder.size())});
      }
    }
    if (parts.empty()) {
      found.ignored.push_back(Shown(submission.folder) + ": it has no files");
      continue;
    }
    FoundAttempt attempt;
    for (const GradescopeSubmitter& submitter : submission.submitters) {
      attempt.authors.push_back({submitter.sid, submitter.email});
    }
    attempt.submitted_at = submission.created_at;
    attempt.origin = OriginText("gradescope", path, submission.folder);
    attempt.read = ReaderOf(entries, parts);
    found.attempts.push_back(std::move(attempt));
  }
  return found;
}

// --- git and plain archives

FoundAttempt FromRepository(const fs::path& folder) {
  // Read now: its time is needed, and one commit is small.
  auto files = std::make_shared<CommittedFiles>(ReadGitRepository(folder));
  FoundAttempt attempt;
  attempt.authors = {{folder.filename().string()}};
  attempt.submitted_at = files->committed_at;
  attempt.origin = OriginText("git", folder, "commit " + files->commit);
  attempt.read = [files] { return files->tar; };
  return attempt;
}

FoundAttempt FromArchive(const fs::path& file) {
  FoundAttempt attempt;
  attempt.authors = {{ArchiveStem(file.filename().string())}};
  attempt.origin =
      OriginText("plain", file.parent_path(), file.filename().string());
  attempt.read = [file] {
    constexpr auto kMost = static_cast<std::size_t>(kMaxArchiveBytes);
    std::optional<std::string> bytes = ReadRegularFile(file, kMost + 1);
    if (!bytes || bytes->size() > kMost) {
      throw DataError(PrintableLine(file.string()) + ": cannot be read",
                      bytes ? "it has more than 64 MiB" : "it is not readable",
                      "ask for what ./kvlab submit packs");
    }
    return *std::move(bytes);
  };
  return attempt;
}

// The entries of a folder, in the order of their names.
std::vector<fs::path> Sorted(const fs::path& folder) {
  std::vector<fs::path> paths;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  return paths;
}

FoundAttempts FromFolder(const fs::path& folder,
                         const std::optional<Origin>& origin) {
  FoundAttempts found;
  for (const fs::path& path : Sorted(folder)) {
    const std::string name = path.filename().string();
    std::error_code ignored;
    if (fs::is_symlink(path, ignored)) {
      found.ignored.push_back(Shown(name) + ": a symbolic link");
    } else if (fs::is_directory(path, ignored) && IsGitRepository(path) &&
               origin != Origin::kPlain) {
      try {
        found.attempts.push_back(FromRepository(path));
      } catch (const DataError& error) {
        found.ignored.emplace_back(error.what());
      }
    } else if (fs::is_regular_file(path, ignored) &&
               !ArchiveStem(name).empty() && origin != Origin::kGit) {
      found.attempts.push_back(FromArchive(path));
    } else if (!IsLeftByTools({name})) {
      found.ignored.push_back(Shown(name) +
                              ": neither an archive nor a git repository");
    }
  }
  return found;
}

bool HasNames(const EntrySource& entries, bool (*is_one)(const std::string&)) {
  return std::ranges::any_of(entries.Names(), is_one);
}

// What a zip or a folder is by its content. Students name files: one of them
// could make an export pass for another platform's, and give its author's work
// to others. So all signs must agree.
std::optional<Origin> OriginOf(const fs::path& path,
                               const EntrySource& entries) {
  std::vector<Origin> origins;
  if (MetadataOf(entries)) origins.push_back(Origin::kGradescope);
  if (HasNames(entries, [](const std::string& name) {
        return ParseMoodleName(name).has_value();
      })) {
    origins.push_back(Origin::kMoodle);
  }
  if (HasNames(entries, [](const std::string& name) {
        return ParseCanvasName(name).has_value();
      })) {
    origins.push_back(Origin::kCanvas);
  }
  if (origins.empty()) return std::nullopt;
  if (origins.size() > 1) {
    throw DataError(
        PrintableLine(path.string()) + ": may be of several platforms",
        "some of its names are like one's, some like another's",
        "say which it is: --from canvas, --from moodle or --from gradescope");
  }
  return origins.front();
}

// An archive that is named like one person is theirs, whatever is in it.
bool IsNamedByPerson(const fs::path& file, const Roster& roster) {
  const std::string stem = ArchiveStem(file.filename().string());
  return !stem.empty() && roster.Find(stem).person != nullptr;
}

}  // namespace

FoundAttempts FindAttempts(const fs::path& path, const Roster& roster,
                           const std::optional<Origin>& origin) {
  const bool is_folder = fs::is_directory(path);
  if (!is_folder && (origin == Origin::kPlain ||
                     (!origin && IsNamedByPerson(path, roster)))) {
    return {{FromArchive(path)}, {}};
  }
  if (is_folder && (origin == Origin::kPlain || origin == Origin::kGit)) {
    return FromFolder(path, origin);
  }
  const Entries entries = OpenEntries(path);
  const std::optional<Origin> kind = origin ? origin : OriginOf(path, *entries);
  if (kind == Origin::kGradescope) return FromGradescope(path, entries);
  if (kind == Origin::kMoodle) return FromMoodle(path, entries);
  if (kind == Origin::kCanvas) return FromCanvas(path, entries);
  if (is_folder) return FromFolder(path, origin);
  // Its name is not on the roster, and will be listed as that.
  return {{FromArchive(path)}, {}};
}

}  // namespace kvlab::grading
