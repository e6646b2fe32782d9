// A student's code, in a worker process in a sandbox.
#ifndef KVLAB_AUTOGRADER_MACHINE_CHECKER_WORKER_ENDPOINT_H_
#define KVLAB_AUTOGRADER_MACHINE_CHECKER_WORKER_ENDPOINT_H_

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "autograder/machine/checker/endpoint.h"
#include "autograder/machine/protocol/value.h"
#include "autograder/machine/sandbox/deadline.h"
#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/sandbox/sandbox_command.h"
#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/sandbox_process.h"

namespace kvlab::grading {

struct WorkerOptions {
  // The program, and the checkpoint folder that it finds at kModelFolder ("":
  // none). The sandbox's user must be able to read both, as in a StagingFolder.
  std::filesystem::path program;
  std::filesystem::path model = {};
  SandboxHost host = {};  // see ChooseSandboxHost
  // A submission may start a thread for each head of each row.
  SandboxLimits limits = {.processes = 400};
  // From the start of the sandbox until the worker is ready: what its static
  // initialisers may take.
  double start_seconds = 10;
};

// The worker starts at the first Call, in about 15 ms, and again at the first
// Call after it was lost or restarted. Starting it does not count in
// Reply.seconds.
//
// After three failed starts in a row the worker is not started again: every
// further Call returns the result of the last attempt at once.
//
// A check that must be independent of earlier ones begins with Restart(), which
// removes every thread and byte that they left.
//
// The thread that starts the worker must outlive it (see SandboxProcess).
class WorkerEndpoint : public Endpoint {
 public:
  explicit WorkerEndpoint(WorkerOptions options);
  ~WorkerEndpoint() override;

  // Throws SandboxError only if no sandbox can be started.
  Reply Call(const Request& request, const CallLimits& limits) override;

  // Private memory of all processes in the sandbox; 0 if there is no worker.
  std::optional<std::uint64_t> ResidentBytes() final;

  // Processor time of all processes in the sandbox; 0 if there is no worker.
  std::optional<double> CpuSeconds() final;

  // Throws SandboxError if a process of the sandbox cannot be ended.
  void Restart() final;

 protected:
  // What the sandbox runs. A subclass may put a tool in front of it.
  virtual SandboxSpec Spec() const;
  // The program that the worker's process must run; "" under a tool.
  virtual std::filesystem::path Program() const { return options_.program; }
  const WorkerOptions& Options() const { return options_; }

 private:
  struct Worker;

  // Starts a worker if there is none. Nothing, or why it did not get ready.
  std::optional<Reply> EnsureWorker();
  std::optional<Reply> Start();
  // An error if the worker's process runs another program.
  std::optional<Reply> RefuseStranger();
  Reply Exchange(const Request& request, const CallLimits& limits);
  // Seconds that the machine has kept from the worker since they were last
  // counted.
  double Withheld() const;
  // `seconds` from now, and later by what is withheld meanwhile.
  Deadline DeadlineOf(double seconds) const;
  // One reply, or how the worker was lost while we waited for it.
  Reply ReadReply(std::size_t cap, const Deadline& deadline);
  // An error if there are bytes after the end of a reply.
  std::optional<Reply> RefuseLeftovers();
  // The worker's end of the pipe is closed, or the deadline has passed.
  Reply Lost(Transfer transfer);
  // Ends the worker.
  Reply Lost(Status status, const std::string& message);

  WorkerOptions options_;
  std::unique_ptr<Worker> worker_;
  int failed_starts_ = 0;  // in a row
  Reply last_failure_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_CHECKER_WORKER_ENDPOINT_H_
