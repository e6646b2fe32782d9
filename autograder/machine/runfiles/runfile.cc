#include "autograder/machine/runfiles/runfile.h"

#include <cstdlib>
#include <filesystem>
#include <string>

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

fs::path Below(const fs::path& folder, const std::string& name) {
  // With MODULE.bazel, Bazel's name for every repository of its own.
  const fs::path main = folder / "_main";
  return (fs::exists(main) ? main : folder / "kvlab") / name;
}

}  // namespace

fs::path Runfile(const std::string& name) {
  const fs::path own =
      Below(fs::read_symlink("/proc/self/exe").string() + ".runfiles", name);
  const char* of_test = std::getenv("TEST_SRCDIR");
  // Bazel makes a test's folder before it starts the test, but that of a
  // program which the test starts at any time; both have the program's data.
  if (of_test == nullptr || fs::exists(own)) return own;
  return Below(of_test, name);
}

}  // namespace kvlab::grading
