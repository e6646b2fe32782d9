// Tests how well submissions are isolated on this machine.
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
  // Why bubblewrap is not used: its error, or "asked for". "" if it is used.
  std::string why_reduced = {};

  // Whether every component was found, as official grading requires.
  bool Full() const;
  // Whether a submission can read no files but its own. Otherwise it can read
  // those of all users, and grading requires an explicit option.
  bool KeepsFilesApart() const;
  // "full: bubblewrap, a user of its own, ..." or
  // "REDUCED, missing: a user of its own; found: bubblewrap, ..."
  std::string Text() const;
  // Unless full: many lines that say what is missing, what a submission could
  // do without it, and how to fix it.
  std::string Warning() const;
};

// How much isolation a run asks for.
enum class Grading {
  kUsual,              // that submissions cannot read each other's files
  kMayReadEverything,  // not even that
  kOfficial,           // all of it
};

// Throws SandboxError if that is not enough for `grading`.
void RequireIsolation(const Isolation& isolation, Grading grading);

// For all sandboxes of a run: with bubblewrap where that works, else reduced.
// Throws SandboxError if neither works, or if root finds no user to run
// submissions as.
SandboxHost ChooseSandboxHost();

// Starts sandboxes like those of submissions, and tries the forbidden
// operations inside. Throws SandboxError if none starts.
Isolation ProbeIsolation(const SandboxHost& host);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_ISOLATION_H_
