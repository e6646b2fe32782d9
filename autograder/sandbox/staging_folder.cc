#include "autograder/sandbox/staging_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include "autograder/sandbox/sandbox_error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr mode_t kOwnerAndGroup = 0750;
constexpr mode_t kOwnerOnly = 0700;
// Only the topmost folder keeps others out.
constexpr auto kReadable = static_cast<fs::perms>(0755);

[[noreturn]] void Refused(const fs::path& path, const std::string& why) {
  throw SandboxError("cannot prepare " + path.string(), why,
                     "see that /tmp is writable and has room");
}

// Runs `action` and turns the standard library's errors into ours.
template <typename Action>
void OrRefused(const fs::path& path, Action&& action) {
  try {
    action();
  } catch (const fs::filesystem_error& error) {
    Refused(path, error.code().message());
  }
}

// A folder for others to read, and all those above it up to `top`.
void MakeFolders(const fs::path& top, const fs::path& relative) {
  fs::path folder = top;
  for (const fs::path& part : relative) {
    folder /= part;
    if (fs::create_directory(folder)) fs::permissions(folder, kReadable);
  }
}

void CopyFile(const fs::path& from, const fs::path& to) {
  fs::copy_file(from, to, fs::copy_options::overwrite_existing);
  fs::permissions(to, kReadable);
}

}  // namespace

StagingFolder::StagingFolder(const std::optional<SandboxUser>& user)
    : user_(user) {
  std::string name = "/tmp/kvlab-grade-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) Refused(name, ErrnoText(errno));
  path_ = name;
  if (user && (::chown(name.c_str(), 0, user->gid) != 0 ||
               ::chmod(name.c_str(), kOwnerAndGroup) != 0)) {
    const int error_number = errno;
    fs::remove(path_);
    Refused(name, ErrnoText(error_number));
  }
}

StagingFolder::~StagingFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path StagingFolder::WriteFile(const fs::path& relative,
                                  std::string_view content) const {
  fs::path path = path_ / relative;
  OrRefused(path, [&] {
    MakeFolders(path_, relative.parent_path());
    std::ofstream file(path, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) Refused(path, "writing failed");
    fs::permissions(path, kReadable);
  });
  return path;
}

fs::path StagingFolder::Copy(const fs::path& from,
                             const fs::path& relative) const {
  fs::path to = path_ / relative;
  OrRefused(to, [&] {
    if (!fs::is_directory(from)) {
      MakeFolders(path_, relative.parent_path());
      CopyFile(from, to);
      return;
    }
    MakeFolders(path_, relative);
    for (const auto& entry : fs::recursive_directory_iterator(
             from, fs::directory_options::follow_directory_symlink)) {
      const fs::path below = relative / entry.path().lexically_relative(from);
      if (entry.is_directory()) {
        MakeFolders(path_, below);
      } else {
        CopyFile(entry.path(), path_ / below);
      }
    }
  });
  return to;
}

fs::path StagingFolder::Link(const fs::path& target,
                             const fs::path& relative) const {
  fs::path path = path_ / relative;
  OrRefused(path, [&] {
    MakeFolders(path_, relative.parent_path());
    fs::create_symlink(target, path);
  });
  return path;
}

fs::path StagingFolder::MakeWritable(const fs::path& relative) const {
  fs::path path = path_ / relative;
  OrRefused(path, [&] { MakeFolders(path_, relative); });
  if (::chmod(path.c_str(), kOwnerOnly) != 0 ||
      (user_ && ::chown(path.c_str(), user_->uid, user_->gid) != 0)) {
    Refused(path, ErrnoText(errno));
  }
  return path;
}

}  // namespace kvlab::grading
