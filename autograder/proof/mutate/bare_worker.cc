#include "autograder/proof/mutate/bare_worker.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <fstream>
#include <span>
#include <utility>

#include "autograder/exam/exam.h"
#include "autograder/machine/protocol/channel.h"
#include "autograder/machine/protocol/message.h"
#include "kit/measure/stopwatch.h"

namespace kvlab::grading {
namespace {

using Clock = std::chrono::steady_clock;

// Whether all of `bytes` came before `deadline`.
enum class Got { kAll, kEnd, kLate };

Got ReadExactly(int descriptor, std::span<std::uint8_t> bytes,
                Clock::time_point deadline) {
  while (!bytes.empty()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - Clock::now());
    pollfd waiting = {.fd = descriptor, .events = POLLIN, .revents = 0};
    if (left.count() <= 0 ||
        ::poll(&waiting, 1, static_cast<int>(left.count())) == 0) {
      return Got::kLate;
    }
    const ssize_t count = ::read(descriptor, bytes.data(), bytes.size());
    if (count <= 0) return Got::kEnd;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return Got::kAll;
}

bool WriteAll(int descriptor, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

struct Pipe {
  Pipe() {
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
      throw GraderError("a pipe cannot be made");
    }
  }
  std::array<int, 2> ends{};  // to read from, to write to
};

}  // namespace

BareWorker::BareWorker(std::string program,
                       std::vector<std::string> environment)
    : program_(std::move(program)), environment_(std::move(environment)) {
  // A worker that has died is seen by the result of a write.
  ::signal(SIGPIPE, SIG_IGN);
}

BareWorker::~BareWorker() { End(); }

void BareWorker::Start() {
  const Pipe requests;
  const Pipe replies;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  // In two steps, since an end of a pipe may have the number of another.
  constexpr int kFree = 100;
  posix_spawn_file_actions_adddup2(&actions, requests.ends[0], kFree);
  posix_spawn_file_actions_adddup2(&actions, replies.ends[1], kFree + 1);
  posix_spawn_file_actions_adddup2(&actions, kFree, kRequestDescriptor);
  posix_spawn_file_actions_adddup2(&actions, kFree + 1, kReplyDescriptor);
  posix_spawn_file_actions_addclose(&actions, kFree);
  posix_spawn_file_actions_addclose(&actions, kFree + 1);
  for (const int output : {STDOUT_FILENO, STDERR_FILENO}) {
    posix_spawn_file_actions_addopen(&actions, output, "/dev/null", O_WRONLY,
                                     0);
  }
  std::vector<char*> environment;
  for (std::string& variable : environment_) {
    environment.push_back(variable.data());
  }
  environment.push_back(nullptr);
  std::array<char*, 2> arguments = {program_.data(), nullptr};
  const int failed = posix_spawn(&process_, program_.c_str(), &actions, nullptr,
                                 arguments.data(), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  ::close(requests.ends[0]);
  ::close(replies.ends[1]);
  requests_ = requests.ends[1];
  replies_ = replies.ends[0];
  if (failed != 0) {
    process_ = -1;
    End();
    throw GraderError(program_ + " cannot be started");
  }
}

Reply BareWorker::Call(const Request& request, const CallLimits& limits) {
  if (process_ < 0) {
    Start();
    Reply ready = ReadReply(limits);
    if (ready.status != Status::kOk) return ready;
  }
  const Stopwatch watch;
  Reply reply = WriteAll(requests_, EncodeRequest(request))
                    ? ReadReply(limits)
                    : Lost(Status::kWorkerCrashed, "it does not read");
  reply.seconds = watch.Seconds();
  return reply;
}

Reply BareWorker::ReadReply(const CallLimits& limits) {
  const auto deadline =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(
                         std::chrono::duration<double>(limits.seconds));
  const auto lost = [&](Got got) {
    return got == Got::kLate ? Lost(Status::kTimedOut, "no reply in time")
                             : Lost(Status::kWorkerCrashed, "it has ended");
  };
  try {
    std::array<std::uint8_t, kHeaderBytes> header{};
    Got got = ReadExactly(replies_, header, deadline);
    if (got != Got::kAll) return lost(got);
    const std::uint64_t size = PayloadBytes(header, MessageKind::kReply);
    if (size > limits.reply_bytes) {
      return Lost(Status::kBadReply, "the reply is too large");
    }
    Bytes payload(size);
    got = ReadExactly(replies_, payload, deadline);
    if (got != Got::kAll) return lost(got);
    return DecodeReply(payload);
  } catch (const MalformedMessage& error) {
    return Lost(Status::kBadReply, error.what());
  }
}

Reply BareWorker::Lost(Status status, const std::string& message) {
  End();
  Reply reply;
  reply.status = status;
  reply.message = message;
  return reply;
}

std::optional<std::uint64_t> BareWorker::ResidentBytes() {
  if (process_ < 0) return 0;
  std::ifstream file("/proc/" + std::to_string(process_) + "/smaps_rollup");
  std::uint64_t bytes = 0;
  for (std::string word; file >> word;) {
    if (!word.starts_with("Private_")) continue;
    std::uint64_t kib = 0;
    file >> kib;
    bytes += kib << 10U;
  }
  return bytes;
}

void BareWorker::Restart() { End(); }

void BareWorker::End() {
  for (int* descriptor : {&requests_, &replies_}) {
    if (*descriptor >= 0) ::close(*descriptor);
    *descriptor = -1;
  }
  if (process_ < 0) return;
  ::kill(process_, SIGKILL);
  int status = 0;
  rusage used{};
  ::wait4(process_, &status, 0, &used);
  process_ = -1;
  const auto seconds = [](const timeval& time) {
    constexpr double kMicro = 1e-6;
    return static_cast<double>(time.tv_sec) +
           kMicro * static_cast<double>(time.tv_usec);
  };
  spent_seconds_ = seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace kvlab::grading
