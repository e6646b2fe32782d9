#include "autograder/machine/sandbox/run.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>

#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/sandbox/sandbox_error.h"
#include "kit/measure/stopwatch.h"

namespace kvlab::grading {
namespace {

// Reads until all writers are gone, keeps the beginning and throws the rest
// away, so that no writer waits for us.
void Drain(const FileDescriptor& output, std::size_t cap,
           const Deadline& deadline, RunResult& result) {
  SetNonBlocking(output);
  std::array<char, 1U << 16U> buffer;
  while (!deadline.Passed()) {
    if (!WaitUntilReadable(output, deadline)) return;
    const ssize_t count = ::read(output.Number(), buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count <= 0) return;
    const std::size_t kept =
        std::min(static_cast<std::size_t>(count), cap - result.output.size());
    result.output.append(buffer.data(), kept);
    result.output_cut |= kept < static_cast<std::size_t>(count);
  }
}

}  // namespace

RunResult RunInSandbox(const SandboxSpec& spec, const SandboxHost& host,
                       const RunLimits& limits) {
  const Stopwatch watch;
  const Deadline deadline(limits.seconds);
  const FileDescriptor nothing = OpenDevNull();
  Pipe output = MakePipe();
  const std::array<Inherited, 3> inherited = {
      Inherited{nothing, STDIN_FILENO},
      Inherited{output.write_end, STDOUT_FILENO},
      Inherited{output.write_end, STDERR_FILENO}};
  SandboxProcess process(spec, host, inherited);
  output.write_end.Close();
  RunResult result;
  Drain(output.read_end, limits.output_bytes, deadline, result);
  result.ending = process.Wait(deadline);
  process.Kill();
  if (result.ending && !result.ending->started) {
    throw SandboxError(
        "a sandbox did not start", result.output,
        IsReduced(host.confinement)
            ? "make the file in the line above readable for the sandbox's user"
            : "allow unprivileged user namespaces "
              "(sysctl kernel.unprivileged_userns_clone=1), or grade "
              "on a machine or in a container that has them");
  }
  result.output = process.AsInside(std::move(result.output));
  result.seconds = watch.Seconds();
  return result;
}

void RequireSandbox(const SandboxHost& host) {
  if (host.confinement == Confinement::kBubblewrap &&
      ::access("/usr/bin/bwrap", X_OK) != 0) {
    throw SandboxError("submissions cannot be isolated on this machine",
                       "/usr/bin/bwrap is missing",
                       "./kvlab setup    (or: apt-get install bubblewrap)");
  }
  SandboxSpec spec;
  spec.command = {"/usr/bin/true"};
  const RunResult result = RunInSandbox(spec, host, {.seconds = 20});
  if (!result.Succeeded()) {
    throw SandboxError("submissions cannot be isolated on this machine",
                       "`true` fails in a sandbox: " + result.output,
                       "raise the limits that ulimit -a shows");
  }
}

}  // namespace kvlab::grading
