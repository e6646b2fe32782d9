// How the sandboxes of a run are made on this machine.
#ifndef KVLAB_AUTOGRADER_SANDBOX_SANDBOX_HOST_H_
#define KVLAB_AUTOGRADER_SANDBOX_SANDBOX_HOST_H_

#include <optional>

#include "autograder/sandbox/sandbox_user.h"

namespace kvlab::grading {

enum class Confinement {
  kBubblewrap,  // namespaces of its own
  // What a machine without namespaces still offers, such as a container that
  // may make none: see reduced_sandbox.cc.
  kReduced,
};

// Chosen once, by ChooseSandboxHost in isolation.h, and the same for every
// sandbox of a run.
struct SandboxHost {
  std::optional<SandboxUser> user = {};  // see ChooseSandboxUser
  Confinement confinement = Confinement::kBubblewrap;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SANDBOX_SANDBOX_HOST_H_
