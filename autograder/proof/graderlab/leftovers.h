// What a submission might have left behind on the grading machine.
#ifndef KVLAB_AUTOGRADER_PROOF_GRADERLAB_LEFTOVERS_H_
#define KVLAB_AUTOGRADER_PROOF_GRADERLAB_LEFTOVERS_H_

#include <optional>
#include <set>
#include <string>

#include "autograder/machine/sandbox/sandbox_user.h"

namespace kvlab::grading {

// Processes of the sandbox's user that this process or nobody any more has
// started ("process 4711 worker"), and his files in /tmp, /dev/shm and
// /var/tmp. Without such a user the files alone, whoever made them.
std::set<std::string> Traces(const std::optional<SandboxUser>& user);

// What is in `after` and was not in `before`.
std::set<std::string> Added(const std::set<std::string>& before,
                            const std::set<std::string>& after);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_GRADERLAB_LEFTOVERS_H_
