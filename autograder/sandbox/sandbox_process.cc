#include "autograder/sandbox/sandbox_process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/sandbox/process_tree.h"
#include "autograder/sandbox/sandbox_error.h"
#include "autograder/sandbox/system_call_filter.h"

namespace kvlab::grading {
namespace {

constexpr BubblewrapDescriptors kForBubblewrap = {
    .status = Pipe::kFirstPrivate - 1, .filter = Pipe::kFirstPrivate - 2};

// Bubblewrap names the first process within milliseconds.
constexpr double kStartSeconds = 10;
// A killed process is gone within milliseconds.
constexpr double kKillSeconds = 10;

// Debian 12's <sys/pidfd.h> cannot be linked from C++.
FileDescriptor EndOf(pid_t pid) {
  return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// Everything the child needs, made before fork: between fork and exec only
// system calls are safe.
struct ExecPlan {
  std::vector<std::string> words;
  std::vector<char*> arguments;
  std::vector<std::array<int, 2>> descriptors;  // ours, inside
  std::optional<SandboxUser> user;
};

// Whatever this program and the one that started it have opened stays out.
void CloseOthersOnExec() {
  constexpr int kFirst = 3;
  if (::close_range(kFirst, ~0U, CLOSE_RANGE_CLOEXEC) == 0) return;
  constexpr int kUsualLimit = 65536;  // a kernel without close_range
  for (int number = kFirst; number < kUsualLimit; ++number) {
    ::fcntl(number, F_SETFD, FD_CLOEXEC);
  }
}

bool BecomeUser(const SandboxUser& user) {
  return ::setgroups(0, nullptr) == 0 &&
         ::setresgid(user.gid, user.gid, user.gid) == 0 &&
         ::setresuid(user.uid, user.uid, user.uid) == 0;
}

// Says so where the sandbox's errors go.
[[noreturn]] void CannotStart(std::string_view why) {
  constexpr int kExitStatus = 127;
  [[maybe_unused]] const ssize_t written =
      ::write(STDERR_FILENO, why.data(), why.size());
  ::_exit(kExitStatus);
}

[[noreturn]] void ExecInChild(const ExecPlan& plan) {
  CloseOthersOnExec();
  for (const auto& [ours, inside] : plan.descriptors) {
    if (::dup2(ours, inside) < 0) CannotStart("cannot pass a descriptor");
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::setpgid(0, 0);
  if (plan.user && !BecomeUser(*plan.user)) {
    CannotStart("root may not become the sandbox's user");
  }
  const std::array<char*, 1> no_environment = {nullptr};
  ::execve(plan.arguments[0], plan.arguments.data(), no_environment.data());
  CannotStart("cannot execute /usr/bin/bwrap");
}

ExecPlan Plan(const SandboxSpec& spec, const std::optional<SandboxUser>& user,
              std::span<const Inherited> inherited,
              const FileDescriptor& status, const FileDescriptor& filter) {
  ExecPlan plan;
  plan.words = BubblewrapCommand(spec, kForBubblewrap);
  for (std::string& word : plan.words) plan.arguments.push_back(word.data());
  plan.arguments.push_back(nullptr);
  for (const Inherited& one : inherited) {
    plan.descriptors.push_back({one.ours.Number(), one.inside});
  }
  plan.descriptors.push_back({status.Number(), kForBubblewrap.status});
  plan.descriptors.push_back({filter.Number(), kForBubblewrap.filter});
  plan.user = user;
  return plan;
}

// {"child-pid": 27455, ...}
std::optional<pid_t> ChildPid(std::string_view status) {
  constexpr std::string_view kKey = "\"child-pid\": ";
  const std::size_t key = status.find(kKey);
  if (key == std::string_view::npos) return std::nullopt;
  pid_t pid = 0;
  const char* end = status.data() + status.size();
  const auto parsed =
      std::from_chars(status.data() + key + kKey.size(), end, pid);
  // Without a character behind it the number may go on.
  if (parsed.ec != std::errc() || parsed.ptr == end) return std::nullopt;
  return pid;
}

}  // namespace

std::string EndingText(const Ending& ending) {
  const int signal = ending.exit_status - 128;
  const char* name = signal > 0 ? ::sigabbrev_np(signal) : nullptr;
  if (name == nullptr) {
    return "exit status " + std::to_string(ending.exit_status);
  }
  return "signal " + std::to_string(signal) + " (SIG" + name + ", " +
         ::sigdescr_np(signal) + ")";
}

SandboxProcess::SandboxProcess(const SandboxSpec& spec,
                               const std::optional<SandboxUser>& user,
                               std::span<const Inherited> inherited) {
  Pipe status = MakePipe();
  // When bubblewrap is killed, the first process inside becomes our child, and
  // we see it off: in a container nobody else might.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const FileDescriptor filter = MakeSystemCallFilter();
  const ExecPlan plan = Plan(spec, user, inherited, status.write_end, filter);
  bubblewrap_ = ::fork();
  if (bubblewrap_ == 0) ExecInChild(plan);
  if (bubblewrap_ < 0) {
    throw SandboxError("cannot start a sandbox", ErrnoText(errno),
                       "see the limit of processes (ulimit -u)");
  }
  bubblewrap_end_ = EndOf(bubblewrap_);
  status_ = std::move(status.read_end);
  status.write_end.Close();
  FindInit();
}

SandboxProcess::~SandboxProcess() { Kill(); }

void SandboxProcess::FindInit() {
  SetNonBlocking(status_);
  const Deadline deadline(kStartSeconds);
  std::string text;
  std::array<std::uint8_t, 1> byte{};
  while (ReadExactly(status_, byte, deadline) == Transfer::kDone) {
    text.push_back(static_cast<char>(byte[0]));
    if (const std::optional<pid_t> pid = ChildPid(text)) {
      init_ = *pid;
      init_end_ = EndOf(init_);
      return;
    }
  }
}

bool SandboxProcess::SaysThatCommandEnded() {
  std::array<char, 4096> buffer;  // bubblewrap writes some 200 bytes
  const ssize_t count = ::read(status_.Number(), buffer.data(), buffer.size());
  return count > 0 &&
         std::string_view(buffer.data(), count).find("\"exit-code\"") !=
             std::string_view::npos;
}

std::optional<Ending> SandboxProcess::Wait(const Deadline& deadline) {
  if (ending_) return ending_;
  if (!WaitUntilReadable(bubblewrap_end_, deadline)) return std::nullopt;
  int status = 0;
  while (::waitpid(bubblewrap_, &status, 0) < 0 && errno == EINTR) {
  }
  ending_ = Ending{.exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                                      : WEXITSTATUS(status),
                   .started = SaysThatCommandEnded()};
  return ending_;
}

void SandboxProcess::Kill() {
  const Deadline deadline(kKillSeconds);
  // The kernel kills what is inside when bubblewrap is gone.
  if (!ending_) ::kill(bubblewrap_, SIGKILL);
  Wait(deadline);
  if (init_end_.IsOpen()) {
    WaitUntilReadable(init_end_, deadline);
    ::waitpid(init_, nullptr, WNOHANG);  // not our child if bubblewrap took it
  }
  init_end_.Close();
}

std::uint64_t SandboxProcess::ResidentBytes() const {
  return init_ > 0 && !ending_ ? PrivateBytesBelow(init_) : 0;
}

}  // namespace kvlab::grading
