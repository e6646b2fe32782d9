#include "autograder/machine/runfiles/runfile.h"

#include <filesystem>
#include <string>

namespace kvlab::grading {

std::filesystem::path Runfile(const std::string& name) {
  const std::filesystem::path folder =
      std::filesystem::read_symlink("/proc/self/exe").string() + ".runfiles";
  // With MODULE.bazel, Bazel's name for every repository of its own.
  const std::filesystem::path main = folder / "_main";
  return (std::filesystem::exists(main) ? main : folder / "kvlab") / name;
}

}  // namespace kvlab::grading
