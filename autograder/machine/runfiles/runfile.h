// Files that the build puts beside a program.
#ifndef KVLAB_AUTOGRADER_MACHINE_RUNFILES_RUNFILE_H_
#define KVLAB_AUTOGRADER_MACHINE_RUNFILES_RUNFILE_H_

#include <filesystem>
#include <string>

namespace kvlab::grading {

// Where the running program finds `name`, a path from the root of the
// repository ("autograder/rubric.toml"); "" for the root itself. The program's
// target must have it in its `data`. In a program that a test started, it comes
// from the test's folder, which is whole before the test begins.
std::filesystem::path Runfile(const std::string& name);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_RUNFILES_RUNFILE_H_
