// A running sandbox, seen from outside.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_PROCESS_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autograder/machine/sandbox/deadline.h"
#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/sandbox/sandbox_command.h"
#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/staging_folder.h"

namespace kvlab::grading {

// A descriptor of ours and the number that it has inside (below
// Pipe::kFirstPrivate - 3). Nothing else is inherited.
struct Inherited {
  const FileDescriptor& ours;
  int inside = 0;
};

// How the command inside ended. The launcher passes an exit status on, and
// turns a signal into 128 plus its number.
struct Ending {
  int exit_status = 0;
  // Whether the command started. If not, the launcher failed, which is a fault
  // of the grader.
  bool started = true;

  bool Succeeded() const { return started && exit_status == 0; }
};

// "exit status 3", "signal 11 (SIGSEGV, Segmentation fault)"
std::string EndingText(const Ending& ending);

// Started by a launcher: bubblewrap, or reduced_sandbox, which reports in the
// same format.
//
// The thread that starts a sandbox must outlive it: when the thread ends, the
// kernel kills the sandbox.
class SandboxProcess {
 public:
  // Starts spec.command. Whether that succeeded shows when the command prints
  // something or ends. Throws SandboxError if the system refuses a process.
  SandboxProcess(const SandboxSpec& spec, const SandboxHost& host,
                 std::span<const Inherited> inherited);
  SandboxProcess(const SandboxProcess&) = delete;
  SandboxProcess& operator=(const SandboxProcess&) = delete;
  // Kills.
  ~SandboxProcess();

  // Waits for the end of the command inside; nullopt if the deadline passes.
  std::optional<Ending> Wait(const Deadline& deadline);

  // Ends every process inside, and returns when they are gone. False if the
  // kernel still shows one of them after ten seconds.
  bool Kill();

  // Processor time used inside so far, by threads and processes that have ended
  // as well as by the others.
  double CpuSeconds() const;

  // Private memory of all processes inside, in bytes: what they have written,
  // not the files that they have mapped.
  std::uint64_t ResidentBytes() const;

  // The processes inside by the numbers that they have outside.
  std::vector<pid_t> Processes() const;

  // What a command printed, with places as it would name them in bubblewrap.
  std::string AsInside(std::string output) const;

 private:
  // Reads from the launcher the process that all others inside descend from.
  void FindInit();
  // Whether the launcher, which has ended, reported that the command ended.
  bool SaysThatCommandEnded();
  bool Runs() const { return init_ > 0 && !ending_; }

  Confinement confinement_;
  std::unique_ptr<StagingFolder> scratch_;  // see MakeScratch
  pid_t launcher_ = -1;
  FileDescriptor launcher_end_;  // readable when the launcher has ended
  FileDescriptor status_;        // what the launcher says about itself
  // The first process inside; reduced, the launcher itself.
  pid_t init_ = -1;
  FileDescriptor init_end_;  // readable when all processes inside have ended
  std::string namespace_;    // of the processes inside; "" if they share ours
  std::optional<Ending> ending_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_PROCESS_H_
