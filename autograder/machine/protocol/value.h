// Data exchanged between the checker and the worker.
#ifndef KVLAB_AUTOGRADER_MACHINE_PROTOCOL_VALUE_H_
#define KVLAB_AUTOGRADER_MACHINE_PROTOCOL_VALUE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace kvlab::grading {

// A float32 tensor of any rank, row-major.
struct Array {
  std::vector<std::size_t> shape;
  std::vector<float> values;
  friend bool operator==(const Array&, const Array&) = default;
};

// An object that lives in the process that made it: a cache, a model.
struct Handle {
  std::uint64_t id = 0;
  friend bool operator==(const Handle&, const Handle&) = default;
};

using Integers = std::vector<std::int64_t>;

using Value =
    std::variant<std::int64_t, double, Integers, Array, Handle, std::string>;
using Values = std::vector<Value>;

struct Request {
  std::string operation;  // "attention.causal"
  Values arguments;
};

enum class Status {
  kOk,
  kContractError,   // the code refused the arguments, as a contract may ask
  kNotImplemented,  // a stub
  kException,       // anything else that was thrown
  kWorkerCrashed,   // the worker died: by a signal, an exit, a broken pipe
  kTimedOut,        // no complete reply before the deadline
  kBadReply,        // an invalid reply: too long, malformed
};

// Whether the worker itself answered, if only with what it threw.
constexpr bool IsAnswer(Status status) { return status <= Status::kException; }

struct Reply {
  Status status = Status::kOk;
  std::string message;  // what was thrown, or how the worker was lost
  Values values;
  double seconds = 0;  // by the checker's clock, request to complete reply
  // In which the worker was ready, and the machine did something else. Counted
  // in calls that take long; what short ones waited is in the next long one's.
  double withheld_seconds = 0;
  // Timed out, and so much was withheld that nothing can be said of it.
  bool starved = false;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_PROTOCOL_VALUE_H_
