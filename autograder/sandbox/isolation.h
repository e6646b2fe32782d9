// How well submissions are isolated on this machine: tried, not assumed.
#ifndef KVLAB_AUTOGRADER_SANDBOX_ISOLATION_H_
#define KVLAB_AUTOGRADER_SANDBOX_ISOLATION_H_

#include <optional>
#include <string>
#include <vector>

#include "autograder/sandbox/sandbox_user.h"

namespace kvlab::grading {

struct IsolationComponent {
  std::string name;    // "no network"
  bool found = false;  // whether it holds
};

struct Isolation {
  std::vector<IsolationComponent> components;

  // Whether every component was found: what official grading asks for.
  bool Full() const;
  // "full: bubblewrap, a user of its own, ..." or
  // "REDUCED, missing: a user of its own; found: bubblewrap, ..."
  std::string Text() const;
};

// Starts a sandbox as submissions get it, and tries inside what it must not
// allow. Throws SandboxError if none starts.
Isolation ProbeIsolation(const std::optional<SandboxUser>& user);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SANDBOX_ISOLATION_H_
