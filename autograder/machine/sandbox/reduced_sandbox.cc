// Replaces bubblewrap where namespaces are not allowed, as in most containers:
// restricts a command by the means that any process has.
//
//   reduced_sandbox [--user UID GID] --folder DIR --tmp DIR --status FD
//                   --filter FD [--no-landlock] [--read PATH]... [--write
//                   PATH]... -- COMMAND
//
// This process stays outside, as root if started so, and supervises those
// inside: whether the command ends, SIGTERM comes or the grader is gone, it
// kills all that is left of it. --status and --filter are what bubblewrap calls
// --json-status-fd and --seccomp; the process whose descendants are the sandbox
// is this one.
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "autograder/machine/sandbox/landlock.h"
#include "autograder/machine/sandbox/process_tree.h"
#include "autograder/machine/sandbox/sandbox_error.h"

namespace kvlab::grading {
namespace {

struct Options {
  std::optional<uid_t> uid;
  gid_t gid = 0;
  std::string folder;
  std::string tmp;
  std::uintmax_t tmp_bytes = 0;  // that it may hold
  std::size_t tmp_files = 0;
  int status = -1;
  int filter = -1;
  AllowedPaths allowed;
  bool landlock = true;
  std::vector<char*> command;  // ends with nullptr
};

[[noreturn]] void CannotStart(const std::string& what) {
  throw SandboxError("cannot start a reduced sandbox",
                     what + ": " + ErrnoText(errno), "see the lines above");
}

void Expect(bool good, const std::string& what) {
  if (!good) CannotStart(what);
}

// Only SandboxProcess writes these arguments, so an error here is its fault.
Options Parse(const std::vector<char*>& words) {
  Options options;
  std::size_t next = 1;
  const auto take = [&] { return std::string(words.at(next++)); };
  for (std::string word = take(); word != "--"; word = take()) {
    if (word == "--user") {
      options.uid = static_cast<uid_t>(std::stoul(take()));
      options.gid = static_cast<gid_t>(std::stoul(take()));
    } else if (word == "--folder") {
      options.folder = take();
    } else if (word == "--tmp") {
      options.tmp = take();
    } else if (word == "--no-landlock") {
      options.landlock = false;
    } else if (word == "--tmp-bytes") {
      options.tmp_bytes = std::stoull(take());
    } else if (word == "--tmp-files") {
      options.tmp_files = std::stoull(take());
    } else if (word == "--status") {
      options.status = std::stoi(take());
    } else if (word == "--filter") {
      options.filter = std::stoi(take());
    } else if (word == "--read") {
      options.allowed.read.emplace_back(take());
    } else if (word == "--write") {
      options.allowed.write.emplace_back(take());
    }
  }
  options.command.assign(words.begin() + static_cast<std::ptrdiff_t>(next),
                         words.end());
  options.command.push_back(nullptr);
  return options;
}

void Say(const Options& options, const std::string& key, int value) {
  const std::string line =
      "{ \"" + key + "\": " + std::to_string(value) + " }\n";
  Expect(::write(options.status, line.data(), line.size()) > 0,
         "the grader does not listen");
}

void BecomeUser(uid_t uid, gid_t gid) {
  // Not even a program with capabilities of its own could have one of these.
  for (unsigned long capability = 0;
       ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; ++capability) {
  }
  Expect(::setgroups(0, nullptr) == 0 && ::setresgid(gid, gid, gid) == 0 &&
             ::setresuid(uid, uid, uid) == 0,
         "root may not become the sandbox's user");
}

// The system as it is seen inside, and what the grader gave.
void KeepToOwnFiles(AllowedPaths allowed) {
  for (const auto* paths : {&allowed.read, &allowed.write}) {
    for (const std::filesystem::path& path : *paths) {
      Expect(::access(path.c_str(), R_OK) == 0, path.string());
    }
  }
  // What a first process inside knows of itself, valgrind asks for.
  for (const char* path :
       {"/usr", "/bin", "/lib", "/lib64", "/proc/self", "/dev/null",
        "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"}) {
    if (::access(path, R_OK) == 0) allowed.read.emplace_back(path);
  }
  for (const char* path : {"/dev/null", "/dev/zero", "/dev/full"}) {
    if (::access(path, W_OK) == 0) allowed.write.emplace_back(path);
  }
  Expect(KeepTo(allowed) != Landlocked::kFailed, "Landlock");
}

// A program for seccomp(2), as MakeSystemCallFilter made it.
void FilterSystemCalls(int file) {
  std::vector<sock_filter> instructions;
  sock_filter one{};
  while (::read(file, &one, sizeof(one)) == sizeof(one)) {
    instructions.push_back(one);
  }
  const sock_fprog program = {
      .len = static_cast<std::uint16_t>(instructions.size()),
      .filter = instructions.data()};
  Expect(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0,
         "the system call filter");
}

// In the child: gives up what can be given up, and becomes the command.
[[noreturn]] void RunCommand(const Options& options) {
  Expect(::setsid() >= 0, "a session of its own");
  if (options.uid) BecomeUser(*options.uid, options.gid);
  // If this program is killed, the first process is killed too.
  Expect(::prctl(PR_SET_PDEATHSIG, SIGKILL) == 0, "a signal at the end");
  Expect(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
  Expect(::chdir(options.folder.c_str()) == 0, options.folder);
  if (options.landlock) KeepToOwnFiles(options.allowed);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  std::string path = "PATH=/usr/bin";
  std::string language = "LC_ALL=C";
  std::string tmp = "TMPDIR=" + options.tmp;
  const std::array<char*, 4> environment = {path.data(), language.data(),
                                            tmp.data(), nullptr};
  FilterSystemCalls(options.filter);
  ::execve(options.command[0], options.command.data(), environment.data());
  CannotStart(options.command[0]);
}

// Whether there is more in the folder for temporary files than it may hold.
bool HoldsTooMuch(const Options& options) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  std::size_t files = 0;
  std::uintmax_t bytes = 0;
  for (auto entry = fs::recursive_directory_iterator(
           options.tmp, fs::directory_options::skip_permission_denied, ignored);
       entry != fs::recursive_directory_iterator(); entry.increment(ignored)) {
    std::error_code none;
    const std::uintmax_t size = entry->file_size(none);
    if (!none) bytes += size;
    if (++files > options.tmp_files || bytes > options.tmp_bytes) return true;
  }
  return false;
}

// The status of waitpid if `child` ends; nullopt if SIGTERM comes first. If the
// folder for temporary files is overfull, which nothing else prevents, that of
// a child that was killed.
std::optional<int> WaitFor(pid_t child, const Options& options,
                           const sigset_t& signals) {
  constexpr long kNanoseconds = 50'000'000;
  constexpr timespec kGlance = {.tv_sec = 0, .tv_nsec = kNanoseconds};
  while (true) {
    const int signal = ::sigtimedwait(&signals, nullptr, &kGlance);
    if (signal == SIGTERM) return std::nullopt;
    if (HoldsTooMuch(options)) return SIGKILL;
    if (signal < 0) continue;
    int status = 0;
    for (pid_t pid = 1; pid > 0;) {
      pid = ::waitpid(-1, &status, WNOHANG);
      if (pid == child) return status;
    }
  }
}

// Orphans come to this process, so nothing inside can leave the family.
void EndAllInside() {
  while (true) {
    KillBelow(::getpid());
    pid_t pid = 1;
    while (pid > 0) pid = ::waitpid(-1, nullptr, WNOHANG);
    if (pid < 0 && errno == ECHILD) return;
  }
}

// Starts the command; returns once it is on its way. Throws what kept it.
pid_t Start(const Options& options) {
  std::array<int, 2> trouble{};  // closed by a successful execve
  Expect(::pipe2(trouble.data(), O_CLOEXEC) == 0, "a pipe");
  const pid_t child = ::fork();
  Expect(child >= 0, "a process");
  if (child == 0) {
    try {
      RunCommand(options);
    } catch (const std::exception& error) {
      const std::string_view text = error.what();
      [[maybe_unused]] const ssize_t written =
          ::write(trouble[1], text.data(), text.size());
      ::_exit(1);
    }
  }
  ::close(trouble[1]);
  std::array<char, 4096> text{};
  const ssize_t count = ::read(trouble[0], text.data(), text.size());
  ::close(trouble[0]);
  if (count > 0) {
    ::waitpid(child, nullptr, 0);
    throw std::runtime_error(
        std::string(text.data(), static_cast<std::size_t>(count)));
  }
  return child;
}

int Run(const Options& options) {
  ::fcntl(options.status, F_SETFD, FD_CLOEXEC);
  ::fcntl(options.filter, F_SETFD, FD_CLOEXEC);
  // Other processes of the same user must not inspect this one.
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGCHLD);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  // In this order: a grader that is gone already does not listen any more.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  Say(options, "child-pid", ::getpid());
  const pid_t child = Start(options);
  const std::optional<int> status = WaitFor(child, options, signals);
  EndAllInside();
  if (!status) return 128 + SIGKILL;
  const int exit_status =
      WIFSIGNALED(*status) ? 128 + WTERMSIG(*status) : WEXITSTATUS(*status);
  Say(options, "exit-code", exit_status);
  return exit_status;
}

}  // namespace
}  // namespace kvlab::grading

int main(int argc, char** argv) {
  try {
    return kvlab::grading::Run(
        kvlab::grading::Parse(std::vector<char*>(argv, argv + argc)));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "reduced_sandbox: %s\n", error.what());
    return 1;
  }
}
