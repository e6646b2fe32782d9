#include "cli/contest/policy_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>

#include "cli/contest/confinement.h"
#include "cli/contest/frames.h"
#include "fmt/format.h"
#include "kit/error.h"

namespace kvlab::contest {
namespace {

// Exit statuses of the child before it has become the policy.
constexpr int kNotConfined = 101;
constexpr int kNotExecuted = 102;

// For libstdc++ 13 and later. Of earlier ones policy_memory.cc takes the place.
constexpr const char* kNoReserve =
    "GLIBCXX_TUNABLES=glibcxx.eh_pool.obj_count=0";

[[noreturn]] void CannotStart(const std::string& what) {
  throw DataError("a policy's process cannot be started",
                  what + ": " + std::strerror(errno),
                  "close other programs, and try again");
}

struct Pipe {
  int read = -1;
  int write = -1;
};

Pipe MakePipe() {
  std::array<int, 2> ends = {};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) CannotStart("pipe");
  return {.read = ends[0], .write = ends[1]};
}

void NeverBlock(int descriptor) { ::fcntl(descriptor, F_SETFL, O_NONBLOCK); }

// In the child. Only system calls.
[[noreturn]] void BecomePolicy(const char* program, const Pipe& requests,
                               const Pipe& answers, std::uint64_t data_bytes) {
  constexpr int kOutOfTheWay = 64;
  const int nothing = ::open("/dev/null", O_RDWR);
  const int from = ::fcntl(requests.read, F_DUPFD, kOutOfTheWay);
  const int to = ::fcntl(answers.write, F_DUPFD, kOutOfTheWay);
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::dup2(nothing, standard);
  }
  ::dup2(from, kRequests);
  ::dup2(to, kAnswers);
  ::close_range(kAnswers + 1, ~0U, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!Confine(data_bytes)) ::_exit(kNotConfined);
  const std::array<const char*, 2> words = {"policy", nullptr};
  const std::array<const char*, 2> environment = {kNoReserve, nullptr};
  ::execve(program, const_cast<char* const*>(words.data()),
           const_cast<char* const*>(environment.data()));
  ::_exit(kNotExecuted);
}

// What is printable ASCII; other bytes become '?'. Up to the first zero.
std::string Printable(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    const char letter = static_cast<char>(byte);
    if (letter == '\0') break;
    text += letter >= ' ' && letter <= '~' ? letter : '?';
  }
  return text;
}

std::size_t BytesWaitingIn(int pipe) {
  int bytes = 0;
  return ::ioctl(pipe, FIONREAD, &bytes) == 0 ? static_cast<std::size_t>(bytes)
                                              : 0;
}

const char* const kNoMemoryWords =
    "needs more memory than --bytes allows (std::bad_alloc; statics, scratch "
    "and what the standard library keeps count as well)";

}  // namespace

Child::Child(const std::filesystem::path& program, std::uint64_t data_bytes) {
  // Writing to a process that has ended fails, and is no signal.
  std::signal(SIGPIPE, SIG_IGN);
  const Pipe requests = MakePipe();
  const Pipe answers = MakePipe();
  process_ = ::fork();
  if (process_ < 0) CannotStart("fork");
  if (process_ == 0) {
    BecomePolicy(program.c_str(), requests, answers, data_bytes);
  }
  ::close(requests.read);
  ::close(answers.write);
  requests_ = requests.write;
  answers_ = answers.read;
  NeverBlock(requests_);
  NeverBlock(answers_);
}

Child::~Child() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    ::waitpid(process_, nullptr, 0);
  }
  ::close(requests_);
  ::close(answers_);
}

int Child::Ended() {
  int status = 0;
  ::waitpid(process_, &status, 0);
  process_ = -1;
  return status;
}

PolicyProcess::PolicyProcess(const std::filesystem::path& program,
                             const Hello& hello, const PolicyLimits& limits)
    : limits_(limits), child_(program, limits.data_bytes) {
  const Stopwatch watch;
  Send(std::as_bytes(std::span(&hello, 1)), watch);
  ReceiveDone(watch);
  CheckNothingIsLeft();
  made_ = true;
}

void PolicyProcess::Attend(const Request& request, const TokenNumbers& token,
                           std::span<float> output) {
  const Stopwatch watch;
  Send(std::as_bytes(std::span(&request, 1)), watch);
  Send(std::as_bytes(token.query), watch);
  Send(std::as_bytes(token.key), watch);
  Send(std::as_bytes(token.value), watch);
  ReceiveDone(watch);
  Receive(std::as_writable_bytes(output), watch);
  CheckNothingIsLeft();
  for (std::size_t i = 0; i < output.size(); ++i) {
    if (std::isfinite(output[i])) continue;
    throw PolicyFault(
        fmt::format("answers with {} as number {} of layer {}, position {}",
                    output[i], i, request.layer, request.position));
  }
}

std::uint64_t PolicyProcess::DataBytes() {
  std::ifstream status(fmt::format("/proc/{}/status", child_.Process()));
  for (std::string word; status >> word;) {
    std::uint64_t kibibytes = 0;
    constexpr std::uint64_t kKibibyte = 1024;
    if (word == "VmData:" && status >> kibibytes) return kibibytes * kKibibyte;
  }
  throw PolicyFault(HowItEnded());
}

void PolicyProcess::Send(std::span<const std::byte> bytes,
                         const Stopwatch& watch) {
  while (!bytes.empty()) {
    Wait(child_.Requests(), POLLOUT, watch);
    const ssize_t count =
        ::write(child_.Requests(), bytes.data(), bytes.size());
    if (count < 0 && errno == EAGAIN) continue;
    // What it has answered before it ended says more.
    if (count <= 0) return;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void PolicyProcess::Receive(std::span<std::byte> bytes,
                            const Stopwatch& watch) {
  while (!bytes.empty()) {
    Wait(child_.Answers(), POLLIN, watch);
    const ssize_t count = ::read(child_.Answers(), bytes.data(), bytes.size());
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (count <= 0) throw PolicyFault(HowItEnded());
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void PolicyProcess::ReceiveDone(const Stopwatch& watch) {
  Answer answer = {};
  Receive(std::as_writable_bytes(std::span(&answer, 1)), watch);
  switch (answer.status) {
    case Status::kDone:
      return;
    case Status::kNoMemory:
      throw PolicyFault(kNoMemoryWords);
    case Status::kException: {
      std::array<std::byte, kTextBytes> text = {};
      Receive(text, watch);
      throw PolicyFault("throws: " + Printable(text));
    }
    case Status::kRefusedCall:
      throw PolicyFault(
          fmt::format("calls {}, and a policy has memory alone: no files, "
                      "threads, processes or mappings",
                      SystemCallName(answer.number)));
  }
  throw PolicyFault("writes what is not an answer");
}

void PolicyProcess::Wait(int descriptor, short events,
                         const Stopwatch& watch) const {
  constexpr double kMilliseconds = 1000;
  for (;;) {
    const double left =
        std::min(limits_.answer_seconds - watch.Seconds(),
                 limits_.total_seconds - since_start_.Seconds());
    if (left <= 0) {
      throw PolicyFault(fmt::format(
          "does not answer: the limits are {:g} s for an answer and {:g} s for "
          "a window of the text",
          limits_.answer_seconds, limits_.total_seconds));
    }
    pollfd waiting = {.fd = descriptor, .events = events, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(left * kMilliseconds) + 1) > 0) {
      return;
    }
  }
}

// An unread question, or an answer too many, would be memory that no limit
// counts.
void PolicyProcess::CheckNothingIsLeft() const {
  if (BytesWaitingIn(child_.Requests()) > 0) {
    throw PolicyFault("answers before it has read what it is asked");
  }
  if (BytesWaitingIn(child_.Answers()) > 0) {
    throw PolicyFault("writes more than its answer");
  }
}

std::string PolicyProcess::HowItEnded() {
  const int status = child_.Ended();
  const std::string when = made_ ? "" : " before it was made";
  if (WIFSIGNALED(status)) {
    const int signal = WTERMSIG(status);
    if (signal == SIGSYS) {
      return "makes a system call that no policy may make" + when;
    }
    if (!made_ && (signal == SIGKILL || signal == SIGSEGV)) {
      return fmt::format(
          "cannot be started within --bytes: its statics may be too large, or "
          "their constructors crash ({})",
          ::strsignal(signal));
    }
    if (signal == SIGSEGV) {
      return fmt::format(
          "crashes (segmentation fault): the stack has {} KiB, and an index "
          "out of range or a null pointer does the same",
          kStackBytes / 1024);
    }
    return fmt::format("crashes ({}){}", ::strsignal(signal), when);
  }
  const int exit_status = WEXITSTATUS(status);
  if (!made_ && exit_status == kNotConfined) {
    throw DataError("a policy cannot be confined here",
                    "seccomp or a limit was refused",
                    "use Linux 5.9 or later on x86-64 or 64-bit ARM; in a "
                    "container, one that allows seccomp");
  }
  if (!made_ && exit_status == kNotExecuted) {
    throw DataError("a policy's program cannot be executed",
                    "the kernel refused it",
                    "see that programs may run in TMPDIR (not noexec)");
  }
  return fmt::format("ends by itself, with status {}{}", exit_status, when);
}

}  // namespace kvlab::contest
