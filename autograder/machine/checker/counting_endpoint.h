// A worker whose instructions are counted, call by call. This shows how the
// work of a step grows without a clock and its noise.
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
// Meant for honest code with a wrong cost. Code that knows valgrind can stop
// the counting or forge a count, so a count is evidence of work only together
// with a right answer. An implausibly small count calls for a manual review.
class CountingEndpoint final : public WorkerEndpoint {
 public:
  // Raises the address space of options.limits and start_seconds to what
  // valgrind needs. Throws SandboxError if valgrind is not installed.
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
