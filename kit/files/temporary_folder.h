// A folder for files that are not kept.
#ifndef KVLAB_KIT_FILES_TEMPORARY_FOLDER_H_
#define KVLAB_KIT_FILES_TEMPORARY_FOLDER_H_

#include <filesystem>

namespace kvlab {

// Removed with the object, and all that is in it.
class TemporaryFolder {
 public:
  // Throws DataError if `parent` cannot be written to.
  explicit TemporaryFolder(const std::filesystem::path& parent =
                               std::filesystem::temp_directory_path());
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder();

  const std::filesystem::path& Path() const { return path_; }

 private:
  std::filesystem::path path_;
};

}  // namespace kvlab

#endif  // KVLAB_KIT_FILES_TEMPORARY_FOLDER_H_
