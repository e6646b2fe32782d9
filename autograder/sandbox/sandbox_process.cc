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
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "autograder/sandbox/process_tree.h"
#include "autograder/sandbox/sandbox_error.h"
#include "autograder/sandbox/system_call_filter.h"

namespace kvlab::grading {
namespace {

constexpr BubblewrapDescriptors kForLauncher = {
    .status = Pipe::kFirstPrivate - 1, .filter = Pipe::kFirstPrivate - 2};

// A launcher names the first process within milliseconds.
constexpr double kStartSeconds = 10;
// A killed process is gone within milliseconds.
constexpr double kKillSeconds = 10;
// A stopped one too.
constexpr double kPauseSeconds = 5;

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
  CannotStart("cannot execute the program that makes sandboxes");
}

ExecPlan Plan(std::vector<std::string> words,
              std::span<const Inherited> inherited,
              const FileDescriptor& status, const FileDescriptor& filter) {
  ExecPlan plan;
  plan.words = std::move(words);
  for (std::string& word : plan.words) plan.arguments.push_back(word.data());
  plan.arguments.push_back(nullptr);
  for (const Inherited& one : inherited) {
    plan.descriptors.push_back({one.ours.Number(), one.inside});
  }
  plan.descriptors.push_back({status.Number(), kForLauncher.status});
  plan.descriptors.push_back({filter.Number(), kForLauncher.filter});
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

SandboxProcess::SandboxProcess(const SandboxSpec& spec, const SandboxHost& host,
                               std::span<const Inherited> inherited)
    : confinement_(host.confinement) {
  Pipe status = MakePipe();
  // When bubblewrap is killed, the first process inside becomes our child, and
  // we see it off: in a container nobody else might.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const FileDescriptor filter = MakeSystemCallFilter(spec.forking);
  const bool reduced = confinement_ == Confinement::kReduced;
  if (reduced) scratch_ = MakeScratch(spec, host.user);
  ExecPlan plan = Plan(
      reduced ? ReducedCommand(spec, kForLauncher, host.user, scratch_->Path())
              : BubblewrapCommand(spec, kForLauncher),
      inherited, status.write_end, filter);
  // The reduced launcher stays root: what is inside may not signal it then.
  if (!reduced) plan.user = host.user;
  launcher_ = ::fork();
  if (launcher_ == 0) ExecInChild(plan);
  if (launcher_ < 0) {
    throw SandboxError("cannot start a sandbox", ErrnoText(errno),
                       "see the limit of processes (ulimit -u)");
  }
  launcher_end_ = EndOf(launcher_);
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
  std::array<char, 4096> buffer;  // a launcher writes some 200 bytes
  const ssize_t count = ::read(status_.Number(), buffer.data(), buffer.size());
  return count > 0 &&
         std::string_view(buffer.data(), count).find("\"exit-code\"") !=
             std::string_view::npos;
}

std::optional<Ending> SandboxProcess::Wait(const Deadline& deadline) {
  if (ending_) return ending_;
  if (!WaitUntilReadable(launcher_end_, deadline)) return std::nullopt;
  int status = 0;
  while (::waitpid(launcher_, &status, 0) < 0 && errno == EINTR) {
  }
  ending_ = Ending{.exit_status = WIFSIGNALED(status) ? 128 + WTERMSIG(status)
                                                      : WEXITSTATUS(status),
                   .started = SaysThatCommandEnded()};
  return ending_;
}

void SandboxProcess::Kill() {
  const Deadline deadline(kKillSeconds);
  // The kernel kills what is inside when bubblewrap is gone. The reduced
  // launcher has to do it itself.
  const bool reduced = confinement_ == Confinement::kReduced;
  if (!ending_) ::kill(launcher_, reduced ? SIGTERM : SIGKILL);
  if (!Wait(deadline)) {
    ::kill(launcher_, SIGKILL);
    Wait(Deadline(kKillSeconds));
  }
  if (init_end_.IsOpen() && init_ != launcher_) {
    // Code inside may have talked the first process out of dying with
    // bubblewrap: it can write its memory.
    ::syscall(SYS_pidfd_send_signal, init_end_.Number(), SIGKILL, nullptr, 0);
    WaitUntilReadable(init_end_, deadline);
    ::waitpid(init_, nullptr, WNOHANG);  // not our child if bubblewrap took it
  }
  init_end_.Close();
}

bool SandboxProcess::Pause() {
  if (!Runs()) return true;
  const Deadline deadline(kPauseSeconds);
  while (!StopBelow(init_)) {
    if (deadline.Passed()) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

void SandboxProcess::Resume() {
  if (Runs()) ContinueBelow(init_);
}

std::uint64_t SandboxProcess::ResidentBytes() const {
  return Runs() ? PrivateBytesBelow(init_) : 0;
}

std::vector<pid_t> SandboxProcess::Processes() const {
  return Runs() ? ProcessesBelow(init_) : std::vector<pid_t>();
}

std::string SandboxProcess::AsInside(std::string output) const {
  if (!scratch_) return output;
  const std::string folder = scratch_->Path().string() + "/";
  for (std::size_t at = output.find(folder); at != std::string::npos;
       at = output.find(folder, at)) {
    output.erase(at, folder.size() - 1);  // all but the last '/'
  }
  return output;
}

}  // namespace kvlab::grading
