// What a sandbox is: the command line of bubblewrap.
//
// Inside there is a read-only system (/usr), what is mounted below, a /tmp and
// a /dev/shm of limited size, and nothing else: no network, no home, no
// environment, no other process, no capability, no way to a nested namespace,
// and none of the system calls of system_call_filter.h.
#ifndef KVLAB_AUTOGRADER_SANDBOX_SANDBOX_COMMAND_H_
#define KVLAB_AUTOGRADER_SANDBOX_SANDBOX_COMMAND_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kvlab::grading {

enum class Access { kReadOnly, kWritable };

// A file or folder of the host, at another place inside.
struct Mount {
  std::filesystem::path host;
  std::string inside;
  Access access = Access::kReadOnly;
};

// What each process inside may use; `processes` counts processes and threads
// of the whole sandbox.
struct SandboxLimits {
  std::uint64_t cpu_seconds = 60;
  std::uint64_t address_space_bytes = std::uint64_t{4} << 30U;
  std::uint64_t file_bytes = std::uint64_t{16} << 20U;
  std::uint64_t processes = 40;
  // /tmp and /dev/shm, each. They are memory.
  std::uint64_t tmp_bytes = std::uint64_t{8} << 20U;
};

struct SandboxSpec {
  std::vector<std::string> command;
  std::vector<Mount> mounts;
  std::string folder = "/tmp";  // where the command starts, inside
  SandboxLimits limits;
};

// What bubblewrap itself is given, and does not pass on.
struct BubblewrapDescriptors {
  int status = -1;  // where it says what became of the command
  int filter = -1;  // where it reads the system call filter
};

std::vector<std::string> BubblewrapCommand(
    const SandboxSpec& spec, const BubblewrapDescriptors& descriptors);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SANDBOX_SANDBOX_COMMAND_H_
