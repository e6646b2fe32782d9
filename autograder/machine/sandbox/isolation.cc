#include "autograder/machine/sandbox/isolation.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "autograder/machine/sandbox/deadline.h"
#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/sandbox/run.h"
#include "autograder/machine/sandbox/sandbox_command.h"
#include "autograder/machine/sandbox/sandbox_error.h"
#include "autograder/machine/sandbox/sandbox_process.h"
#include "autograder/machine/sandbox/staging_folder.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr const char* kOwnFiles = "no files but its own";

struct Probe {
  const char* name;
  const char* without;
  // For bash inside; succeeds if the component holds. What it reads in /proc,
  // the first process reads itself: reduced, no other can. Perl is in every
  // Debian.
  std::string script;
};

// Waits for connections on the machine's own loopback, and takes none.
class Listener {
 public:
  Listener() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* plain = reinterpret_cast<sockaddr*>(&address);
    socklen_t size = sizeof(address);
    if (::bind(socket_.Number(), plain, size) == 0 &&
        ::listen(socket_.Number(), 1) == 0 &&
        ::getsockname(socket_.Number(), plain, &size) == 0) {
      port_ = ntohs(address.sin_port);
    }
  }
  int Port() const { return port_; }

 private:
  FileDescriptor socket_;
  int port_ = 0;
};

// Another submission's sandbox.
class Neighbour {
 public:
  explicit Neighbour(const SandboxHost& host)
      : process_(Sleep(), host, Inherits()) {}

  // Numbers of processes that no submission may see or signal: the neighbour's
  // and the grader's own.
  std::string Strangers() const {
    constexpr double kSeconds = 10;
    const Deadline deadline(kSeconds);
    constexpr useconds_t kMicroseconds = 1000;
    while (process_.Processes().empty() && !deadline.Passed()) {
      ::usleep(kMicroseconds);
    }
    std::string strangers = std::to_string(::getpid());
    for (const pid_t process : process_.Processes()) {
      strangers.append(" ").append(std::to_string(process));
    }
    return strangers;
  }

 private:
  static SandboxSpec Sleep() {
    SandboxSpec spec;
    spec.command = {"/usr/bin/sleep", "60"};
    return spec;
  }
  std::array<Inherited, 3> Inherits() const {
    return {Inherited{nothing_, STDIN_FILENO},
            Inherited{nothing_, STDOUT_FILENO},
            Inherited{nothing_, STDERR_FILENO}};
  }

  FileDescriptor nothing_ = OpenDevNull();
  SandboxProcess process_;
};

// Prints the status of the sandbox's first process, for a command to read.
const std::string kStatus =
    R"(mapfile -t lines < /proc/self/status; printf '%s\n' "${lines[@]}" | )";

std::vector<Probe> Probes(const std::string& strangers, int port,
                          const fs::path& secret) {
  return {
      {"no network", "connect to other machines, and to this one's services",
       "! (exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(port) + ")"},
      {"no environment", "read the grader's environment variables",
       "perl -e 'delete @ENV{qw(PATH LC_ALL TMPDIR PWD OLDPWD SHLVL _)}; "
       "exit scalar keys %ENV' && "
       "[ -z \"$(tr '\\0' '\\n' < /proc/$PPID/environ)\" ]"},
      {kOwnFiles,
       "read every world-readable file of this machine, and the files of other "
       "submissions that are graded at the same time",
       "mapfile -t known < /etc/passwd; mapfile -t secret < " +
           secret.string() +
           "; [ ${#known[*]}${#secret[*]} = 00 ] && ! ls / | grep -q etc"},
      {"read-only system", "change the files that later submissions meet",
       "for file in /x /usr/x /dev/x /proc/x; do ! echo > $file || exit 1; "
       "done"},
      {"no other process",
       "watch, signal and stop the processes of other submissions that are "
       "graded at the same time, and of the grader if that is not root",
       // In a separate namespace these numbers mean nothing.
       R"(own=$(readlink /proc/$$/ns/pid); [ "$own" ] && [ "$own" != ')" +
           fs::read_symlink("/proc/self/ns/pid").string() +
           "' ] || for pid in " + strangers +
           "; do ! mapfile -t lines < /proc/$pid/status || exit 1; "
           "! kill -0 $pid || exit 1; done"},
      {"no capabilities", "use rights of the administrator",
       kStatus + "perl -ne '$found += /^Cap(Inh|Prm|Eff|Amb):.0{16}$/ + "
                 "/^NoNewPrivs:.1/; END { exit($found != 5) }'"},
      {"no nested namespaces", "reach parts of the kernel with many holes",
       "! unshare --user true"},
      {"system call filter", "reach parts of the kernel with many holes",
       kStatus + "grep -q '^Seccomp:.2'"},
      {"limits", "use up memory, processors and processes",
       "[ $(ulimit -v) != unlimited ] && [ $(ulimit -t) != unlimited ] && "
       "[ $(ulimit -f) != unlimited ] && perl -e 'for (1..60) { $p = fork; "
       "defined $p or exit 0; if (!$p) { sleep 20; exit } } exit 1'"},
      {"small temporary folders", "fill the disk with many files until it ends",
       "! head -c 2000000 /dev/zero > ${TMPDIR:-/tmp}/x"},
  };
}

bool Succeeds(const std::string& script, const SandboxHost& host) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/bash", "-c", script};
  spec.limits.tmp_bytes = std::uint64_t{1} << 20U;
  constexpr double kSeconds = 20;
  return RunInSandbox(spec, host, {.seconds = kSeconds}).Succeeded();
}

// Whether files written to world-writable folders are gone afterwards.
bool LeavesNoFiles(const SandboxHost& host) {
  const std::string name = "/kvlab-probe-" + std::to_string(::getpid());
  const std::array places = {"/tmp" + name, "/dev/shm" + name,
                             "/var/tmp" + name};
  std::string script;
  for (const std::string& place : places) script += "echo > " + place + "; ";
  Succeeds(script, host);
  std::error_code ignored;
  bool leaves_none = true;
  for (const std::string& place : places) {
    leaves_none &= !fs::remove(place, ignored);
  }
  return leaves_none;
}

// What bubblewrap says where it does not work.
std::string TroubleWithBubblewrap(const SandboxHost& host) {
  try {
    RequireSandbox({.user = host.user});
  } catch (const SandboxError& error) {
    return error.what();
  }
  return "";
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

// Indents the lines after the first below it, without empty ones.
std::string Indented(const std::string& lines) {
  std::istringstream stream(lines);
  std::string text;
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) text += (text.empty() ? "" : "\n  ") + line;
  }
  return text;
}

constexpr const char* kRule =
    "=============================================================="
    "==================\n";

constexpr const char* kAdvice =
    "  What to do:\n"
    "    - grade as root on Debian 12, with the user that ./kvlab setup "
    "makes,\n"
    "      on a kernel that allows namespaces; in Docker use these options:\n"
    "      --security-opt seccomp=unconfined --security-opt\n"
    "      apparmor=unconfined --cap-add SYS_ADMIN\n"
    "    - or grade in a container for each submission that holds nothing "
    "else\n"
    "      of value, with this repository readable by root alone (chmod 700),\n"
    "      and check high marks by hand\n"
    "    - for marks that count: --official, which refuses to grade like "
    "this\n";

}  // namespace

bool Isolation::KeepsFilesApart() const {
  return std::ranges::none_of(
      components, [](const IsolationComponent& component) {
        return component.name == kOwnFiles && !component.found;
      });
}

bool Isolation::Full() const {
  return std::ranges::all_of(components, &IsolationComponent::found);
}

std::string Isolation::Text() const {
  if (Full()) return "full: " + Joined(components, true);
  return "REDUCED, missing: " + Joined(components, false) +
         "; found: " + Joined(components, true);
}

std::string Isolation::Warning() const {
  if (Full()) return "";
  std::string text = kRule;
  text +=
      "WARNING: REDUCED ISOLATION. Submissions can do more to this machine ";
  text += "than\nthey should.\n";
  if (!why_reduced.empty()) text += "  Why: " + Indented(why_reduced) + "\n";
  text += "  A submission could:\n";
  for (const IsolationComponent& component : components) {
    if (component.found) continue;
    text += "    - " + component.without +
            "\n      (missing: " + component.name + ")\n";
  }
  text += "  Found: " + Joined(components, true) + "\n";
  return text + kAdvice + kRule;
}

void RequireIsolation(const Isolation& isolation, Grading grading) {
  const std::string level = isolation.Text() +
                            (isolation.why_reduced.empty() ? "" : "\n  ") +
                            isolation.why_reduced;
  if (grading == Grading::kOfficial && !isolation.Full()) {
    throw SandboxError(
        "official grading needs the full level of isolation", level,
        "./kvlab setup as root makes the user kvlab-grader; grade as root, who "
        "hands submissions over to it, on a kernel with user namespaces and "
        "seccomp");
  }
  if (grading == Grading::kUsual && !isolation.KeepsFilesApart()) {
    throw SandboxError(
        "submissions could read every file here, and each other's processes",
        level,
        "grade where bubblewrap works, or on a kernel with Landlock (Linux "
        "5.13). In a container with nothing but one submission, graded "
        "as root: --submissions-may-read-everything");
  }
}

SandboxHost ChooseSandboxHost() {
  SandboxHost host{.user = ChooseSandboxUser()};
  host.keeper = ChooseKeeper(host.user);
  if (TroubleWithBubblewrap(host).empty()) return host;
  host.confinement = Confinement::kReduced;
  RequireSandbox(host);
  return host;
}

Isolation ProbeIsolation(const SandboxHost& host) {
  RequireSandbox(host);
  const bool bubblewrap = host.confinement == Confinement::kBubblewrap;
  Isolation isolation;
  if (!bubblewrap) {
    const std::string trouble = TroubleWithBubblewrap(host);
    isolation.why_reduced = trouble.empty() ? "asked for" : trouble;
  }
  isolation.components = {
      {"bubblewrap", bubblewrap,
       "escape through a hole in any one of the layers below: there is no "
       "second layer"},
      {"a user of its own", host.user.has_value(),
       "access your files and processes where the layers below do not "
       "prevent it"}};
  if (!bubblewrap) {
    isolation.components.push_back(
        {"solutions kept by another user", host.keeper.has_value(),
         "read the solutions, if it gets past the layers below, and "
         "become the reference"});
  }
  const StagingFolder staging(host.user);
  const fs::path secret = staging.WriteFile("secret", "of another\n");
  const Listener listener;
  const Neighbour neighbour(host);
  for (const Probe& probe :
       Probes(neighbour.Strangers(), listener.Port(), secret)) {
    isolation.components.push_back(
        {probe.name, Succeeds(probe.script, host), probe.without});
  }
  isolation.components.push_back({"no files left behind", LeavesNoFiles(host),
                                  "leave files in /tmp, /dev/shm and /var/tmp "
                                  "for later submissions"});
  return isolation;
}

}  // namespace kvlab::grading
