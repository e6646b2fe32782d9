// Keeps the machine busy, to test whether marks stay the same.
#ifndef KVLAB_AUTOGRADER_PROOF_GRADERLAB_STABILITY_H_
#define KVLAB_AUTOGRADER_PROOF_GRADERLAB_STABILITY_H_

#include <sys/types.h>

#include <vector>

namespace kvlab::grading {

// One busy process per core while this object exists.
class BusyCores {
 public:
  // Throws SandboxError if the system refuses a process.
  BusyCores();
  BusyCores(const BusyCores&) = delete;
  BusyCores& operator=(const BusyCores&) = delete;
  ~BusyCores();

 private:
  std::vector<pid_t> processes_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_GRADERLAB_STABILITY_H_
