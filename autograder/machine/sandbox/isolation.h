// How well submissions are isolated on this machine: tried, not assumed.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_ISOLATION_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_ISOLATION_H_

#include <string>
#include <vector>

#include "autograder/machine/sandbox/sandbox_host.h"

namespace kvlab::grading {

struct IsolationComponent {
  std::string name;    // "no network"
  bool found = false;  // whether it holds
  // What a submission could do without it: "connect to other machines"
  std::string without = {};
};

struct Isolation {
  std::vector<IsolationComponent> components;
  // Why it is not bubblewrap that isolates: what bubblewrap said, or "asked
  // for". "" if it does.
  std::string why_reduced = {};

  // Whether every component was found: what official grading asks for.
  bool Full() const;
  // Whether a submission reads no files but its own. Where it can read others,
  // everybody's are open to it, and grading asks for a word from its user.
  bool KeepsFilesApart() const;
  // "full: bubblewrap, a user of its own, ..." or
  // "REDUCED, missing: a user of its own; found: bubblewrap, ..."
  std::string Text() const;
  // Unless full: many lines that say what is missing, what a submission could
  // do therefore, and what to do about it.
  std::string Warning() const;
};

// For all sandboxes of a run: with bubblewrap where that works, else reduced.
// Throws SandboxError if neither does, or root has no user to run submissions
// as.
SandboxHost ChooseSandboxHost();

// Starts sandboxes as submissions get them, and tries inside what they must not
// allow. Throws SandboxError if none starts.
Isolation ProbeIsolation(const SandboxHost& host);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_ISOLATION_H_
