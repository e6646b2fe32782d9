#include "autograder/submission/submission.h"

#include <filesystem>
#include <span>

#include "autograder/submission/collector.h"
#include "autograder/submission/folder_source.h"
#include "autograder/submission/zip_source.h"
#include "kit/error.h"

namespace kvlab::grading {

Submission ReadSubmission(const std::filesystem::path& path,
                          std::span<const ModuleFiles> modules) {
  std::error_code ignored;
  const std::filesystem::file_status status =
      std::filesystem::status(path, ignored);
  Collector collector(modules);
  if (std::filesystem::is_directory(status)) {
    CollectFolder(path, collector);
  } else if (std::filesystem::is_regular_file(status)) {
    CollectZip(path, collector);
  } else {
    throw DataError(path.string() + ": no such submission",
                    "there is neither a folder nor a file of that name",
                    "name a folder or a zip archive");
  }
  return std::move(collector).Finish();
}

}  // namespace kvlab::grading
