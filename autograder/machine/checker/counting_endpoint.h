// A worker whose instructions are counted, call by call: how the work of a
// step grows can be seen without a clock, and no noise moves it.
#ifndef KVLAB_AUTOGRADER_MACHINE_CHECKER_COUNTING_ENDPOINT_H_
#define KVLAB_AUTOGRADER_MACHINE_CHECKER_COUNTING_ENDPOINT_H_

#include <cstdint>
#include <optional>

#include "autograder/machine/checker/worker_endpoint.h"
#include "autograder/machine/sandbox/staging_folder.h"

namespace kvlab::grading {

// Runs the worker under valgrind's callgrind, which counts what happens inside
// kvlab_measured_call: the operation, without the protocol around it. The same
// call gives the same count on every run and machine. Starting takes about a
// second, and code runs some 50 times slower than alone: ask for small sizes.
//
// Made for honest code with a wrong cost. Code that knows valgrind can stop
// the counting or write a count of its own, so a count proves that work is
// done only together with a right answer; a count that is too small to be true
// is a reason to look.
class CountingEndpoint final : public WorkerEndpoint {
 public:
  // Of options.limits the address space is raised to what valgrind needs, and
  // start_seconds to what it takes. Throws SandboxError if there is no
  // valgrind.
  explicit CountingEndpoint(const WorkerOptions& options);

  Reply Call(const Request& request, const CallLimits& limits) override;

  // Instructions that the last Call executed inside the operation; nullopt if
  // that Call lost the worker.
  std::optional<std::uint64_t> InstructionsOfLastCall() const {
    return instructions_;
  }

 protected:
  SandboxSpec Spec() const override;
  std::filesystem::path Program() const override { return {}; }

 private:
  StagingFolder staging_;
  std::filesystem::path counts_;  // where callgrind writes
  std::optional<std::uint64_t> instructions_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_CHECKER_COUNTING_ENDPOINT_H_
