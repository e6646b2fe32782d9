// Who starts a sandbox: never root.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_USER_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_USER_H_

#include <sys/types.h>

#include <optional>
#include <string>

namespace kvlab::grading {

inline constexpr const char* kGraderUserName = "kvlab-grader";

// As whom the solutions run, and are linked with submissions.
inline constexpr const char* kKeeperUserName = "kvlab-keeper";

// Somebody that root becomes before bubblewrap starts: limits such as the
// number of processes do not hold root.
struct SandboxUser {
  std::string name;
  uid_t uid = 0;
  gid_t gid = 0;
};

// nullopt for an ordinary user, who starts sandboxes as himself. For root
// kvlab-grader, or `nobody` on a machine where `./kvlab setup` has not made it.
// Throws SandboxError if there is neither.
std::optional<SandboxUser> ChooseSandboxUser();

// Another one, who may read what code of a submission may not: the solutions.
// kvlab-keeper, or `nobody` where `./kvlab setup` has not made it. nullopt for
// an ordinary user, or if there is no other than `user`.
std::optional<SandboxUser> ChooseKeeper(const std::optional<SandboxUser>& user);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_USER_H_
