// Finds what a submission left behind on the grading machine.
#ifndef KVLAB_AUTOGRADER_PROOF_GRADERLAB_LEFTOVERS_H_
#define KVLAB_AUTOGRADER_PROOF_GRADERLAB_LEFTOVERS_H_

#include <optional>
#include <set>
#include <string>

#include "autograder/machine/sandbox/sandbox_user.h"

namespace kvlab::grading {

// Processes of the sandbox's user that descend from this process or are orphans
// ("process 4711 worker"), and the user's files in /tmp, /dev/shm and /var/tmp.
// Without such a user only the files, of any owner.
std::set<std::string> Traces(const std::optional<SandboxUser>& user);

// The entries of `after` that are not in `before`.
std::set<std::string> Added(const std::set<std::string>& before,
                            const std::set<std::string>& after);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_GRADERLAB_LEFTOVERS_H_
