// The users that sandboxes run as: never root.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_USER_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_USER_H_

#include <sys/types.h>

#include <optional>
#include <string>

namespace kvlab::grading {

inline constexpr const char* kGraderUserName = "kvlab-grader";

// Runs the solutions, and links submissions with them.
inline constexpr const char* kKeeperUserName = "kvlab-keeper";

// A user that root changes to before bubblewrap starts: limits such as the
// number of processes do not apply to root.
struct SandboxUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

// nullopt for an ordinary user, who starts sandboxes under their own name. For
// root kvlab-grader, or `nobody` if `./kvlab setup` has not created it. Throws
// SandboxError if neither exists.
std::optional<SandboxUser> ChooseSandboxUser();

// A second user, who may read the solutions, which a submission's code must not
// read. kvlab-keeper, or `nobody` if `./kvlab setup` has not created it.
// nullopt for an ordinary user, or if there is none but `user`.
std::optional<SandboxUser> ChooseKeeper(const std::optional<SandboxUser>& user);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_USER_H_
