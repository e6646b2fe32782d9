// The reference: operations run in this process, on the code linked into it.
#ifndef KVLAB_AUTOGRADER_MACHINE_CHECKER_LOCAL_ENDPOINT_H_
#define KVLAB_AUTOGRADER_MACHINE_CHECKER_LOCAL_ENDPOINT_H_

#include <cstdint>
#include <optional>

#include "autograder/machine/checker/endpoint.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

// Trusted, so its limits are not enforced.
class LocalEndpoint final : public Endpoint {
 public:
  Reply Call(const Request& request, const CallLimits& limits) override;
  std::optional<std::uint64_t> ResidentBytes() override { return {}; }
  void Restart() override { objects_ = ObjectStore(); }

 private:
  ObjectStore objects_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_CHECKER_LOCAL_ENDPOINT_H_
