// Landlock, by which a process without any privilege gives up files.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_LANDLOCK_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_LANDLOCK_H_

#include <filesystem>
#include <vector>

namespace kvlab::grading {

// Files, and folders with all below them.
struct AllowedPaths {
  std::vector<std::filesystem::path> read;   // and execute
  std::vector<std::filesystem::path> write;  // as well as read and execute
};

enum class Landlocked {
  kYes,
  kNotOnThisKernel,
  kFailed,  // errno says why; a path that does not exist is a reason
};

// From now on this process and its children open no other file. As far as the
// kernel knows how, they also bind and connect no TCP socket (Linux 6.7) and
// send no signal to a process outside (6.12), nor trace one. Needs
// PR_SET_NO_NEW_PRIVS.
// Source: Documentation/userspace-api/landlock.rst of Linux.
Landlocked KeepTo(const AllowedPaths& allowed);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_LANDLOCK_H_
