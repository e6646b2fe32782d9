#include "autograder/proof/fuzz/scratch_folder.h"

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "autograder/proof/fuzz/require.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

fs::path Parent() {
  const char* of_test = std::getenv("TEST_TMPDIR");
  if (of_test != nullptr) return of_test;
  const fs::path in_memory = "/dev/shm";
  return fs::is_directory(in_memory) ? in_memory : fs::temp_directory_path();
}

}  // namespace

ScratchFolder::ScratchFolder() {
  std::string name = Parent() / "kvlab-fuzz-XXXXXX";
  Require(::mkdtemp(name.data()) != nullptr, "a scratch folder can be made");
  path_ = name;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path ScratchFolder::Write(const std::string& name,
                              std::span<const std::uint8_t> bytes) const {
  fs::path file = path_ / name;
  std::ofstream stream(file, std::ios::binary | std::ios::trunc);
  stream.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  Require(stream.flush().good(), "a scratch file can be written");
  return file;
}

}  // namespace kvlab::grading
