#include "kit/files/temporary_folder.h"

#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

#include "kit/error.h"

namespace kvlab {

namespace fs = std::filesystem;

TemporaryFolder::TemporaryFolder(const fs::path& parent) {
  std::string name = (parent / "kvlab-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw DataError(name + ": cannot be made", "files are written there",
                    "set TMPDIR to a folder that you may write to");
  }
  path_ = name;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

}  // namespace kvlab
