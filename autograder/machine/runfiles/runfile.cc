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
  // Bazel makes a test's folder before it starts the test, and that of a
  // program which the test starts at any time: beside the program, a part of
  // the files may be missing. The test's has the program's data too.
  if (const char* test = std::getenv("TEST_SRCDIR")) {
    const fs::path of_test = Below(test, name);
    if (fs::exists(of_test)) return of_test;
  }
  return Below(fs::read_symlink("/proc/self/exe").string() + ".runfiles", name);
}

}  // namespace kvlab::grading
