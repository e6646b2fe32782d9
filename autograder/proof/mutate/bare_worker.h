// A worker without a sandbox, for the course's own code: it starts ten times
// faster, and the environment chooses its mutant.
#ifndef KVLAB_AUTOGRADER_PROOF_MUTATE_BARE_WORKER_H_
#define KVLAB_AUTOGRADER_PROOF_MUTATE_BARE_WORKER_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "autograder/machine/checker/endpoint.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

class BareWorker final : public Endpoint {
 public:
  // Starts `program` at the first Call, with "NAME=value" strings as its whole
  // environment.
  BareWorker(std::string program, std::vector<std::string> environment);
  ~BareWorker() override;
  BareWorker(const BareWorker&) = delete;
  BareWorker& operator=(const BareWorker&) = delete;

  Reply Call(const Request& request, const CallLimits& limits) override;
  // Private memory of the worker.
  std::optional<std::uint64_t> ResidentBytes() override;
  void Restart() override;

  // Processor time of the last worker that has ended.
  double SpentSeconds() const { return spent_seconds_; }

 private:
  void Start();
  Reply ReadReply(const CallLimits& limits);
  // Ends the worker.
  Reply Lost(Status status, const std::string& message);
  void End();

  std::string program_;
  std::vector<std::string> environment_;
  pid_t process_ = -1;
  int requests_ = -1;
  int replies_ = -1;
  double spent_seconds_ = 0;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_MUTATE_BARE_WORKER_H_
