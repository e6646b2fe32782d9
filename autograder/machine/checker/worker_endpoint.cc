#include "autograder/machine/checker/worker_endpoint.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "autograder/machine/protocol/channel.h"
#include "autograder/machine/protocol/message.h"
#include "autograder/machine/sandbox/process_tree.h"
#include "autograder/machine/sandbox/sandbox_error.h"
#include "kit/measure/stopwatch.h"

namespace kvlab::grading {
namespace {

constexpr const char* kProgram = "/worker";

// One failure may be bad luck on a busy machine.
constexpr int kMaxFailedStarts = 3;

// A worker whose pipe is closed has ended or is about to.
constexpr double kEndingSeconds = 2;

// Counting what was withheld takes time itself, and of a shorter call it could
// not be much.
constexpr double kLongCallSeconds = 0.05;

bool IsStarved(const Reply& reply, double seconds) {
  return reply.status == Status::kTimedOut &&
         reply.withheld_seconds >= kMostWithheld * seconds;
}

std::string SecondsText(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3g s", seconds);
  return text.data();
}

}  // namespace

struct WorkerEndpoint::Worker {
  FileDescriptor requests;
  FileDescriptor replies;
  std::unique_ptr<SandboxProcess> process;
  std::vector<pid_t> processes;  // inside; a worker starts no others
  double withheld_s = 0;         // as counted by now
};

WorkerEndpoint::WorkerEndpoint(WorkerOptions options)
    : options_(std::move(options)) {
  IgnoreBrokenPipes();
}

WorkerEndpoint::~WorkerEndpoint() = default;

SandboxSpec WorkerEndpoint::Spec() const {
  SandboxSpec spec;
  spec.command = {kProgram};
  spec.mounts.push_back({options_.program, kProgram});
  if (!options_.model.empty()) {
    const std::filesystem::path inside =
        std::filesystem::path(spec.folder) / kModelFolder;
    spec.mounts.push_back({options_.model, inside.lexically_normal()});
  }
  spec.limits = options_.limits;
  // What runs in another process is not counted, and hard to get rid of.
  spec.forking = Forking::kRefused;
  // Files would take memory that no limit counts.
  spec.creating = Creating::kRefused;
  spec.executing = Executing::kRefused;
  return spec;
}

Reply WorkerEndpoint::Call(const Request& request, const CallLimits& limits) {
  if (std::optional<Reply> failure = EnsureWorker()) return *failure;
  if (std::optional<Reply> refusal = RefuseStranger()) return *refusal;
  const Stopwatch watch;
  Reply reply = Exchange(request, limits);
  reply.seconds = watch.Seconds();
  return reply;
}

std::optional<std::uint64_t> WorkerEndpoint::ResidentBytes() {
  return worker_ ? worker_->process->ResidentBytes() : 0;
}

std::optional<double> WorkerEndpoint::CpuSeconds() {
  return worker_ ? worker_->process->CpuSeconds() : 0;
}

void WorkerEndpoint::Restart() {
  if (!worker_) return;
  const bool gone = worker_->process->Kill();
  worker_.reset();
  if (!gone) {
    throw SandboxError(
        "a worker cannot be ended",
        "a process of its sandbox still exists after SIGKILL",
        "find out what it waits for (/proc/PID/stack), and grade "
        "again when it has ended");
  }
}

std::optional<Reply> WorkerEndpoint::EnsureWorker() {
  if (worker_) return std::nullopt;
  if (failed_starts_ == kMaxFailedStarts) return last_failure_;
  const std::optional<Reply> failure = Start();
  failed_starts_ = failure ? failed_starts_ + 1 : 0;
  if (failure) last_failure_ = *failure;
  return failure;
}

std::optional<Reply> WorkerEndpoint::Start() {
  const FileDescriptor nothing = OpenDevNull();
  Pipe requests = MakePipe();
  Pipe replies = MakePipe();
  const std::array<Inherited, 5> inherited = {
      Inherited{nothing, STDIN_FILENO}, Inherited{nothing, STDOUT_FILENO},
      Inherited{nothing, STDERR_FILENO},
      Inherited{requests.read_end, kRequestDescriptor},
      Inherited{replies.write_end, kReplyDescriptor}};
  SetNonBlocking(requests.write_end);
  SetNonBlocking(replies.read_end);
  worker_ = std::make_unique<Worker>();
  worker_->requests = std::move(requests.write_end);
  worker_->replies = std::move(replies.read_end);
  worker_->process =
      std::make_unique<SandboxProcess>(Spec(), options_.host, inherited);
  requests.read_end.Close();
  replies.write_end.Close();
  Reply ready = ReadReply(kMaxMessageBytes, DeadlineOf(options_.start_seconds));
  if (worker_ && ready.message == kReadyMessage) {
    worker_->processes = worker_->process->Processes();
    return std::nullopt;
  }
  if (worker_) ready = Lost(Status::kBadReply, "it wrote bytes of its own");
  ready.starved = IsStarved(ready, options_.start_seconds);
  ready.message =
      "while it started, before any call (static initialisers run then): " +
      ready.message;
  return ready;
}

std::optional<Reply> WorkerEndpoint::RefuseStranger() {
  const std::filesystem::path program = Program();
  if (program.empty()) return std::nullopt;
  for (const pid_t process : worker_->processes) {
    if (!RunsProgram(process, program)) {
      return Lost(Status::kBadReply,
                  "its process is not the program any more that was built from "
                  "the submission");
    }
  }
  return std::nullopt;
}

Reply WorkerEndpoint::Exchange(const Request& request,
                               const CallLimits& limits) {
  const Deadline deadline = DeadlineOf(limits.seconds);
  if (std::optional<Reply> refusal = RefuseLeftovers()) return *refusal;
  const Stopwatch watch;
  const Transfer sent =
      WriteAll(worker_->requests, EncodeRequest(request), deadline);
  Reply reply = sent == Transfer::kDone
                    ? ReadReply(limits.reply_bytes, deadline)
                    : Lost(sent);
  if (reply.status == Status::kTimedOut) {
    reply.message = "no reply within " + SecondsText(limits.seconds);
    reply.starved = IsStarved(reply, limits.seconds);
  }
  if (!worker_) return reply;
  if (std::optional<Reply> refusal = RefuseLeftovers()) return *refusal;
  if (watch.Seconds() >= kLongCallSeconds) {
    reply.withheld_seconds = Withheld();
    worker_->withheld_s += reply.withheld_seconds;
  }
  return reply;
}

double WorkerEndpoint::Withheld() const {
  const std::vector<pid_t> processes = worker_->processes.empty()
                                           ? worker_->process->Processes()
                                           : worker_->processes;
  return std::max(0.0, WithheldSeconds(processes) - worker_->withheld_s);
}

Deadline WorkerEndpoint::DeadlineOf(double seconds) const {
  return {seconds,
          [=, this] { return std::min(Withheld(), kMostWithheld * seconds); }};
}

Reply WorkerEndpoint::ReadReply(std::size_t cap, const Deadline& deadline) {
  try {
    std::array<std::uint8_t, kHeaderBytes> header{};
    Transfer read = ReadExactly(worker_->replies, header, deadline);
    if (read != Transfer::kDone) return Lost(read);
    const std::uint64_t size = PayloadBytes(header, MessageKind::kReply);
    if (size > cap) {
      return Lost(Status::kBadReply,
                  "the reply claims " + std::to_string(size) +
                      " bytes, more than the " + std::to_string(cap) +
                      " that any right one could need");
    }
    Bytes payload(size);
    read = ReadExactly(worker_->replies, payload, deadline);
    if (read != Transfer::kDone) return Lost(read);
    return DecodeReply(payload);
  } catch (const MalformedMessage& error) {
    return Lost(Status::kBadReply,
                std::string("not a valid reply: ") + error.what());
  }
}

std::optional<Reply> WorkerEndpoint::RefuseLeftovers() {
  if (!HasBytes(worker_->replies)) return std::nullopt;
  return Lost(Status::kBadReply,
              "the worker wrote more bytes than its reply has");
}

Reply WorkerEndpoint::Lost(Transfer transfer) {
  if (transfer == Transfer::kTimedOut) {
    const double withheld_s = Withheld();
    Reply reply = Lost(Status::kTimedOut, "no reply in time");
    reply.withheld_seconds = withheld_s;
    return reply;
  }
  const std::optional<Ending> ending =
      worker_->process->Wait(Deadline(kEndingSeconds));
  if (ending && !ending->started) {
    throw SandboxError("the sandbox of a worker did not start",
                       "its launcher failed with " + EndingText(*ending),
                       "make " + options_.program.string() +
                           " readable for the sandbox's user");
  }
  return Lost(Status::kWorkerCrashed,
              ending ? "the process ended with " + EndingText(*ending)
                     : "the process closed its pipe to the checker");
}

Reply WorkerEndpoint::Lost(Status status, const std::string& message) {
  Restart();
  Reply reply;
  reply.status = status;
  reply.message = message;
  return reply;
}

}  // namespace kvlab::grading
