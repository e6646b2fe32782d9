#include "autograder/class/whole_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>

#include "autograder/machine/sandbox/file_descriptor.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Fail(const fs::path& file) {
  throw DataError(file.string() + ": cannot be written",
                  std::error_code(errno, std::generic_category()).message(),
                  "check the folder's permissions and the free space");
}

void Write(int descriptor, const std::string& content, const fs::path& file) {
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t written =
        ::write(descriptor, content.data() + done, content.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) Fail(file);
    done += static_cast<std::size_t>(written);
  }
}

// A new name in a folder is on the disk when the folder is.
void Sync(const fs::path& folder) {
  const FileDescriptor descriptor(
      ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!descriptor.IsOpen() || ::fsync(descriptor.Number()) != 0) Fail(folder);
}

fs::path FolderOf(const fs::path& file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

void WritePart(const fs::path& part, const std::string& content) {
  constexpr int kMode = 0666;
  const FileDescriptor descriptor(
      ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode));
  if (!descriptor.IsOpen()) Fail(part);
  Write(descriptor.Number(), content, part);
  if (::fsync(descriptor.Number()) != 0) Fail(part);
}

}  // namespace

void WriteWholeFile(const fs::path& file, const std::string& content) {
  const fs::path part = file.string() + ".part";
  try {
    WritePart(part, content);
    if (::rename(part.c_str(), file.c_str()) != 0) Fail(file);
  } catch (...) {
    ::unlink(part.c_str());
    throw;
  }
  Sync(FolderOf(file));
}

void MakeLastingFolder(const fs::path& folder) {
  if (fs::is_directory(folder)) return;
  const fs::path above = FolderOf(folder);
  if (above != folder) MakeLastingFolder(above);
  std::error_code error;
  fs::create_directory(folder, error);
  if (error) {
    errno = error.value();
    Fail(folder);
  }
  Sync(above);
}

}  // namespace kvlab::grading
