// Answers requests: the reference in this process, or a worker process with a
// student's code in a sandbox.
#ifndef KVLAB_AUTOGRADER_MACHINE_CHECKER_ENDPOINT_H_
#define KVLAB_AUTOGRADER_MACHINE_CHECKER_ENDPOINT_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

// A call may take so many times longer than its limit, if the machine kept the
// worker from running meanwhile. Beyond that, nothing can be said of it.
inline constexpr double kMostWithheld = 5;

struct CallLimits {
  // Those in which the worker is ready but gets no processor do not count.
  double seconds = 10;
  // A longer reply is refused before it is read.
  std::size_t reply_bytes = std::size_t{1} << 20U;
  // A ContractError is the right answer, and its message is never shown.
  bool refusal_is_right = false;
};

class Endpoint {
 public:
  virtual ~Endpoint() = default;

  // Sends a request and waits for the reply. Never throws for a fault of the
  // worker: if it crashes, hangs or sends malformed bytes, it is killed and the
  // reply's status says so. After a lost worker, the next Call starts a new
  // one, without the old one's objects.
  virtual Reply Call(const Request& request, const CallLimits& limits) = 0;

  // Memory the other side holds, in bytes, as seen from outside; nullopt for
  // an endpoint in this process.
  virtual std::optional<std::uint64_t> ResidentBytes() = 0;

  // Ends the worker and all of its processes before this returns. The next Call
  // starts a new one, with no objects.
  virtual void Restart() = 0;

  // Processor time that the other side has used since it was started, in
  // seconds, as seen from outside; nullopt for an endpoint in this process.
  virtual std::optional<double> CpuSeconds() { return std::nullopt; }
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_CHECKER_ENDPOINT_H_
