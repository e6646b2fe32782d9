// Runs a command, such as a compiler or a linker, to its end in a sandbox.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_RUN_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_RUN_H_

#include <cstddef>
#include <optional>
#include <string>

#include "autograder/machine/sandbox/sandbox_command.h"
#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/sandbox_process.h"

namespace kvlab::grading {

struct RunLimits {
  double seconds = 60;  // wall clock; then everything inside is killed
  std::size_t output_bytes = std::size_t{64} << 10U;  // what is kept of it
};

struct RunResult {
  std::optional<Ending> ending;  // nullopt: killed at the deadline
  std::string output;            // the beginning of stdout and stderr
  bool output_cut = false;       // there was more
  double seconds = 0;

  bool Succeeded() const { return ending && ending->Succeeded(); }
};

// Throws SandboxError if the command could not be started.
RunResult RunInSandbox(const SandboxSpec& spec, const SandboxHost& host,
                       const RunLimits& limits);

// Throws SandboxError, naming the missing part, unless sandboxes with the usual
// limits start on this host.
void RequireSandbox(const SandboxHost& host);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_RUN_H_
