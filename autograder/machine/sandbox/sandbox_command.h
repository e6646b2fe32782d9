// Defines a sandbox: the command line of bubblewrap, or of reduced_sandbox.
//
// Inside bubblewrap there is a read-only system (/usr), the mounts given below,
// a /tmp of limited size and number of files, and nothing else: no network, no
// home, no environment, no other process, no capability, no nested namespaces,
// and none of the system calls refused by system_call_filter.h.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_COMMAND_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_COMMAND_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/sandbox_user.h"
#include "autograder/machine/sandbox/staging_folder.h"
#include "autograder/machine/sandbox/system_call_filter.h"

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
  // Descriptors of each process: pipes and the like take the kernel's memory.
  std::uint64_t descriptors = 256;
  // /tmp is memory, and so is each file in it, however empty.
  std::uint64_t tmp_bytes = std::uint64_t{8} << 20U;
  std::uint64_t tmp_files = 1000;
};

// Whether the command, and what it starts, may become another program.
enum class Executing { kAllowed, kRefused };

struct SandboxSpec {
  std::vector<std::string> command;
  std::vector<Mount> mounts;
  std::string folder = "/tmp";  // where the command starts, inside
  SandboxLimits limits;
  Forking forking = Forking::kAllowed;
  // If it is refused, /tmp is not writable either.
  Creating creating = Creating::kAllowed;
  Executing executing = Executing::kAllowed;
};

// Where the process that becomes bubblewrap has mounted what is /tmp inside: in
// a mount namespace of its own, so the machine sees nothing of it.
inline constexpr const char* kTmpOutside = "/dev/shm";

// Descriptors for bubblewrap itself, which it does not pass on.
struct BubblewrapDescriptors {
  int status = -1;    // where it reports how the command ended
  int filter = -1;    // where it reads the system call filter
  int confined = -1;  // where it reads the program of confined.cc
};

// The program of confined.cc, as this process finds it.
std::filesystem::path ConfinedProgram();

std::vector<std::string> BubblewrapCommand(
    const SandboxSpec& spec, const BubblewrapDescriptors& descriptors);

// Where nothing can be mounted: the scratch folder of a sandbox, in which
// "/model" inside is the link "model" and "/tmp" the folder "tmp".
std::unique_ptr<StagingFolder> MakeScratch(
    const SandboxSpec& spec, const std::optional<SandboxUser>& user);

// The command line of reduced_sandbox. Places inside are replaced by those in
// `scratch` where a word of the command is one, begins with one ("/model/x") or
// gives one to an option ("--out=/model/x"); see there what a sandbox is then.
std::vector<std::string> ReducedCommand(
    const SandboxSpec& spec, const BubblewrapDescriptors& descriptors,
    const SandboxHost& host, const std::filesystem::path& scratch);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_COMMAND_H_
