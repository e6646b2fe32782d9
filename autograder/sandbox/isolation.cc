#include "autograder/sandbox/isolation.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "autograder/sandbox/run.h"
#include "autograder/sandbox/sandbox_command.h"

namespace kvlab::grading {
namespace {

struct Probe {
  const char* name;
  const char* script;  // for a shell inside; succeeds if the component holds
};

// Shells and perl are in every Debian.
constexpr std::array kProbes = {
    Probe{"no network",
          "[ \"$(tail -n +3 /proc/net/dev | cut -d: -f1 | "
          "tr -d ' ')\" = lo ]"},
    Probe{"no environment", "[ -z \"$(tr '\\0' '\\n' < /proc/1/environ)\" ]"},
    Probe{"no files but its own",
          "[ \"$(echo /*)\" = '/bin /dev /lib /lib64 /proc /tmp /usr' ]"},
    Probe{"read-only system", "! touch /x /usr/x /dev/x /proc/x 2>/dev/null"},
    Probe{"no other process", "[ $(ls -d /proc/[0-9]* | wc -l) -le 6 ]"},
    Probe{"no capabilities",
          "[ $(grep -c 'Cap.*:.0000000000000000' /proc/self/status) = 5 ]"},
    Probe{"no nested namespaces", "! unshare --user true 2>/dev/null"},
    Probe{"system call filter", "grep -q '^Seccomp:.2' /proc/self/status"},
    Probe{"limits",
          "[ $(ulimit -v) != unlimited ] && [ $(ulimit -u) -lt 100 ] && "
          "[ $(ulimit -t) != unlimited ] && [ $(ulimit -f) != unlimited ]"},
};

bool Holds(const Probe& probe, const std::optional<SandboxUser>& user) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/bash", "-c", probe.script};
  constexpr double kSeconds = 20;
  return RunInSandbox(spec, user, {.seconds = kSeconds}).Succeeded();
}

std::string Joined(const std::vector<IsolationComponent>& components,
                   bool found) {
  std::string text;
  for (const IsolationComponent& component : components) {
    if (component.found != found) continue;
    text += (text.empty() ? "" : ", ") + component.name;
  }
  return text;
}

}  // namespace

bool Isolation::Full() const {
  return std::ranges::all_of(components, &IsolationComponent::found);
}

std::string Isolation::Text() const {
  if (Full()) return "full: " + Joined(components, true);
  return "REDUCED, missing: " + Joined(components, false) +
         "; found: " + Joined(components, true);
}

Isolation ProbeIsolation(const std::optional<SandboxUser>& user) {
  RequireSandbox(user);
  Isolation isolation;
  isolation.components.push_back({"bubblewrap", true});
  isolation.components.push_back({"a user of its own", user.has_value()});
  for (const Probe& probe : kProbes) {
    isolation.components.push_back({probe.name, Holds(probe, user)});
  }
  return isolation;
}

}  // namespace kvlab::grading
