#include "autograder/machine/submission/folder_source.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/submission/submission.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

std::string KindProblem(fs::file_type type) {
  if (type == fs::file_type::symlink) return "it is a symbolic link";
  return "it is not a regular file";
}

EntryContent Read(const fs::path& file, std::size_t most) {
  std::error_code ignored;
  const fs::file_type type = fs::symlink_status(file, ignored).type();
  if (type != fs::file_type::regular) return {"", KindProblem(type)};
  std::optional<std::string> bytes = ReadRegularFile(file, most + 1);
  if (!bytes) return {"", "it cannot be read"};
  return {*std::move(bytes), ""};
}

}  // namespace

void CollectFolder(const fs::path& folder, Collector& collector) {
  std::error_code error;
  // Does not descend into linked folders.
  fs::recursive_directory_iterator entry(
      folder, fs::directory_options::skip_permission_denied, error);
  std::size_t count = 0;
  for (; entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    if (error || ++count > Collector::kMaxEntries) break;
    const bool is_folder =
        entry->symlink_status(error).type() == fs::file_type::directory;
    if (entry.depth() > static_cast<int>(Collector::kMaxNesting)) {
      entry.disable_recursion_pending();
    }
    if (is_folder) continue;
    const fs::path path = entry->path();
    collector.Offer(path.lexically_relative(folder).string(),
                    [&path](std::size_t most) { return Read(path, most); });
  }
}

}  // namespace kvlab::grading
