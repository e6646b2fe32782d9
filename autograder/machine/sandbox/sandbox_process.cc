#include "autograder/machine/sandbox/sandbox_process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/mount.h>
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

#include "autograder/machine/sandbox/process_tree.h"
#include "autograder/machine/sandbox/sandbox_error.h"
#include "autograder/machine/sandbox/system_call_filter.h"

namespace kvlab::grading {
namespace {

constexpr BubblewrapDescriptors kForLauncher = {
    .status = Pipe::kFirstPrivate - 1,
    .filter = Pipe::kFirstPrivate - 2,
    .confined = Pipe::kFirstPrivate - 3};

// A launcher names the first process within milliseconds.
constexpr double kStartSeconds = 10;
// A killed process is gone within milliseconds.
constexpr double kKillSeconds = 10;
// Debian 12's <sys/pidfd.h> cannot be linked from C++.
FileDescriptor EndOf(pid_t pid) {
  return FileDescriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
}

// Says so where the sandbox's errors go.
[[noreturn]] void CannotStart(std::string_view why) {
  constexpr int kExitStatus = 127;
  [[maybe_unused]] const ssize_t written =
      ::write(STDERR_FILENO, why.data(), why.size());
  ::_exit(kExitStatus);
}

// Everything the child needs, made before fork: between fork and exec only
// system calls are safe.
struct ExecPlan {
  std::vector<std::string> words;
  std::vector<char*> arguments;
  std::vector<std::array<int, 2>> descriptors;  // ours, inside
  std::optional<SandboxUser> user;
  std::string tmp_options;  // of the tmpfs at kTmpOutside; "" for none
  std::string user_map;     // what the namespace that may mount it calls us
  std::string group_map;
};

// "1000 1000 1": this user, and no other.
std::string OnlyUser(std::uint64_t id) {
  return std::to_string(id) + " " + std::to_string(id) + " 1";
}

void WriteFile(const char* path, std::string_view text) {
  const int file = ::open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || ::write(file, text.data(), text.size()) < 0) {
    CannotStart("cannot map its user in a user namespace");
  }
  ::close(file);
}

// bubblewrap limits the bytes of a tmpfs and not its files, so this mounts one
// that has both limits, where bubblewrap then takes it from.
void MountTmp(const ExecPlan& plan) {
  // Otherwise a process that has just changed its user may not write its maps.
  ::prctl(PR_SET_DUMPABLE, 1);
  if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
    CannotStart("user namespaces are not allowed here");
  }
  WriteFile("/proc/self/setgroups", "deny");
  WriteFile("/proc/self/uid_map", plan.user_map);
  WriteFile("/proc/self/gid_map", plan.group_map);
  if (::mount("tmpfs", kTmpOutside, "tmpfs", MS_NOSUID | MS_NODEV,
              plan.tmp_options.c_str()) != 0) {
    CannotStart("a tmpfs cannot be mounted in a new namespace");
  }
}

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
    CannotStart("root cannot change to the sandbox's user");
  }
  if (!plan.tmp_options.empty()) MountTmp(plan);
  const std::array<char*, 1> no_environment = {nullptr};
  ::execve(plan.arguments[0], plan.arguments.data(), no_environment.data());
  CannotStart("cannot execute the sandbox launcher");
}

ExecPlan Plan(std::vector<std::string> words,
              std::span<const Inherited> inherited,
              const FileDescriptor& status, const FileDescriptor& filter,
              const FileDescriptor& confined) {
  ExecPlan plan;
  plan.words = std::move(words);
  for (std::string& word : plan.words) plan.arguments.push_back(word.data());
  plan.arguments.push_back(nullptr);
  for (const Inherited& one : inherited) {
    plan.descriptors.push_back({one.ours.Number(), one.inside});
  }
  plan.descriptors.push_back({status.Number(), kForLauncher.status});
  plan.descriptors.push_back({filter.Number(), kForLauncher.filter});
  if (confined.IsOpen()) {
    plan.descriptors.push_back({confined.Number(), kForLauncher.confined});
  }
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
  // we reap it: in a container there may be no init that does.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  const FileDescriptor filter =
      MakeSystemCallFilter(spec.forking, spec.creating);
  const bool reduced = IsReduced(confinement_);
  if (reduced) scratch_ = MakeScratch(spec, host.user);
  const FileDescriptor confined =
      reduced ? FileDescriptor() : OpenToRead(ConfinedProgram());
  ExecPlan plan =
      Plan(reduced ? ReducedCommand(spec, kForLauncher, host, scratch_->Path())
                   : BubblewrapCommand(spec, kForLauncher),
           inherited, status.write_end, filter, confined);
  // The reduced launcher stays root, so processes inside cannot signal it.
  if (!reduced) plan.user = host.user;
  if (!reduced && spec.creating == Creating::kAllowed) {
    plan.tmp_options =
        "mode=0700,size=" + std::to_string(spec.limits.tmp_bytes) +
        ",nr_inodes=" + std::to_string(spec.limits.tmp_files);
    plan.user_map = OnlyUser(host.user ? host.user->uid : ::geteuid());
    plan.group_map = OnlyUser(host.user ? host.user->gid : ::getegid());
  }
  launcher_ = ::fork();
  if (launcher_ == 0) ExecInChild(plan);
  if (launcher_ < 0) {
    throw SandboxError("cannot start a sandbox", ErrnoText(errno),
                       "raise the limit of processes (ulimit -u)");
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
      const std::string inside = ProcessNamespaceOf(init_);
      if (inside != ProcessNamespaceOf(::getpid())) namespace_ = inside;
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

bool SandboxProcess::Kill() {
  const Deadline deadline(kKillSeconds);
  // The kernel kills the processes inside when bubblewrap is gone. The reduced
  // launcher has to do it itself, and ends when nothing is left.
  const bool reduced = IsReduced(confinement_);
  if (!ending_) ::kill(launcher_, reduced ? SIGTERM : SIGKILL);
  bool gone = true;
  if (!Wait(deadline)) {
    gone = !reduced;
    ::kill(launcher_, SIGKILL);
    Wait(Deadline(kKillSeconds));
  }
  if (init_end_.IsOpen() && init_ != launcher_) {
    // Code inside can write the first process's memory, so that it survives
    // bubblewrap.
    ::syscall(SYS_pidfd_send_signal, init_end_.Number(), SIGKILL, nullptr, 0);
    WaitUntilReadable(init_end_, deadline);
    ::waitpid(init_, nullptr, WNOHANG);  // not our child if bubblewrap took it
    while (!namespace_.empty() && !ProcessesIn(namespace_).empty()) {
      if (deadline.Passed()) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  }
  init_end_.Close();
  return gone;
}

double SandboxProcess::CpuSeconds() const {
  return Runs() ? CpuSecondsFrom(init_) : 0;
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
