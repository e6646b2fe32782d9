// Landlock, with which an unprivileged process restricts its own access to
// files.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_LANDLOCK_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_LANDLOCK_H_

#include <filesystem>
#include <vector>

namespace kvlab::grading {

// Files, and folders with everything below them.
struct AllowedPaths {
  std::vector<std::filesystem::path> read;   // and execute
  std::vector<std::filesystem::path> write;  // as well as read and execute
};

enum class Landlocked {
  kYes,
  kNotOnThisKernel,
  kFailed,  // errno says why; a path that does not exist is a reason
};

// Keeps this process and its children from opening any other file. Where the
// kernel supports it, they also cannot bind or connect a TCP socket (Linux
// 6.7), or signal (6.12) or trace a process outside. Needs PR_SET_NO_NEW_PRIVS.
// Source: Documentation/userspace-api/landlock.rst of Linux.
Landlocked KeepTo(const AllowedPaths& allowed);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_LANDLOCK_H_
