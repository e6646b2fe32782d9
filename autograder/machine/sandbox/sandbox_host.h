// How the sandboxes of a run are made on this machine.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_HOST_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_HOST_H_

#include <optional>

#include "autograder/machine/sandbox/sandbox_user.h"

namespace kvlab::grading {

enum class Confinement {
  kBubblewrap,  // namespaces of its own
  // Weaker isolation for machines without namespaces, such as most containers:
  // see reduced_sandbox.cc.
  kReduced,
  // The same without Landlock, as on a kernel that lacks it: for the grader's
  // own tests.
  kReducedWithoutLandlock,
};

constexpr bool IsReduced(Confinement confinement) {
  return confinement != Confinement::kBubblewrap;
}

// Chosen once, by ChooseSandboxHost in isolation.h, and the same for every
// sandbox of a run.
struct SandboxHost {
  std::optional<SandboxUser> user = {};  // see ChooseSandboxUser
  Confinement confinement = Confinement::kBubblewrap;
  // The user for programs that submissions must not read, see ChooseKeeper;
  // nullopt: the same as `user`.
  std::optional<SandboxUser> keeper = {};

  // The same for what the keeper runs.
  SandboxHost AsKeeper() const {
    SandboxHost host = *this;
    if (keeper) host.user = keeper;
    return host;
  }
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_HOST_H_
