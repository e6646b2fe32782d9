// Files that the build puts beside a program.
#ifndef KVLAB_AUTOGRADER_MACHINE_RUNFILES_RUNFILE_H_
#define KVLAB_AUTOGRADER_MACHINE_RUNFILES_RUNFILE_H_

#include <filesystem>
#include <string>

namespace kvlab::grading {

// Where the running program finds `name`, a path from the root of the
// repository ("autograder/rubric.toml"); "" for the root itself. The program's
// target must have it in its `data`. If Bazel has not made the program's folder
// of such files, they come from that of the test that started it.
std::filesystem::path Runfile(const std::string& name);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_RUNFILES_RUNFILE_H_
