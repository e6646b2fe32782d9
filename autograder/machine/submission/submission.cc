#include "autograder/machine/submission/submission.h"

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/submission/archive_source.h"
#include "autograder/machine/submission/collector.h"
#include "autograder/machine/submission/folder_source.h"
#include "kit/error.h"

namespace kvlab::grading {

namespace {

std::string BytesOf(const std::filesystem::path& file) {
  constexpr auto kMost = static_cast<std::size_t>(kMaxArchiveBytes);
  std::optional<std::string> bytes = ReadRegularFile(file, kMost + 1);
  if (!bytes) {
    throw DataError(file.string() + ": cannot be read", "it is not readable",
                    "make it readable for the user who grades");
  }
  if (bytes->size() > kMost) {
    throw DataError(file.string() + ": the archive is too large",
                    "it has more than " + std::to_string(kMost) + " bytes",
                    "hand in what ./kvlab submit packs");
  }
  return *std::move(bytes);
}

}  // namespace

Submission ReadSubmission(const std::filesystem::path& path,
                          std::span<const ModuleFiles> modules) {
  std::error_code ignored;
  const std::filesystem::file_status status =
      std::filesystem::status(path, ignored);
  Collector collector(modules);
  if (std::filesystem::is_directory(status)) {
    CollectFolder(path, collector);
  } else if (std::filesystem::is_regular_file(status)) {
    CollectArchive(BytesOf(path), path.string(), collector);
  } else {
    throw DataError(path.string() + ": no such submission",
                    "there is neither a folder nor a file of that name",
                    "name a folder or a zip archive");
  }
  return std::move(collector).Finish();
}

}  // namespace kvlab::grading
