// The program around a policy: cli/contest/building.py compiles it with the
// policy's file. It runs confined (confinement.h) and is not trusted: the
// policy's code is in the same process, and can do all that this file does.
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <span>
#include <vector>

#include "cli/contest/frames.h"
#include "modules/05_beyond/contest_policy.h"

namespace kvlab::contest {
namespace {

[[noreturn]] void Leave() { ::_exit(1); }

void Read(std::span<std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::read(kRequests, bytes.data(), bytes.size());
    if (count <= 0) Leave();  // the host has seen enough
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void Write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(kAnswers, bytes.data(), bytes.size());
    if (count <= 0) Leave();
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

template <typename Frame>
Frame ReadFrame() {
  Frame frame;
  Read(std::as_writable_bytes(std::span(&frame, 1)));
  return frame;
}

void WriteAnswer(Status status, std::uint32_t number = 0) {
  const Answer answer = {.status = status, .number = number};
  Write(std::as_bytes(std::span(&answer, 1)));
}

[[noreturn]] void Fail(Status status) {
  WriteAnswer(status);
  Leave();
}

[[noreturn]] void Fail(const char* text) {
  WriteAnswer(Status::kException);
  std::array<char, kTextBytes> padded = {};
  std::strncpy(padded.data(), text, padded.size() - 1);
  Write(std::as_bytes(std::span(padded)));
  Leave();
}

// Calls a function of the policy.
template <typename Function>
auto Guarded(const Function& function) {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    Fail(Status::kNoMemory);
  } catch (const std::exception& error) {
    Fail(error.what());
  } catch (...) {
    Fail("an exception that is not a std::exception");
  }
}

// SIGSYS: the filter has refused a system call.
void OnRefusedCall(int /*signal*/, siginfo_t* info, void* /*context*/) {
  WriteAnswer(Status::kRefusedCall,
              static_cast<std::uint32_t>(info->si_syscall));
  Leave();
}

// Before other code, such as the constructors of the policy's statics.
__attribute__((constructor(101))) void Prepare() {
  struct sigaction action = {};
  action.sa_sigaction = OnRefusedCall;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGSYS, &action, nullptr);
}

void Serve() {
  const Hello hello = ReadFrame<Hello>();
  const std::unique_ptr<ContestPolicy> policy = Guarded([&] {
    return MakeContestPolicy({.layers = hello.layers,
                              .heads = hello.heads,
                              .head_dim = hello.head_dim,
                              .max_tokens = hello.max_tokens,
                              .budget_bytes = hello.budget_bytes});
  });
  if (policy == nullptr) Fail("MakeContestPolicy returned no policy");
  const std::size_t width = hello.heads * hello.head_dim;
  std::vector<float> numbers =
      Guarded([&] { return std::vector<float>(4 * width); });
  const std::span<float> all(numbers);
  const std::span<float> input = all.first(3 * width);
  const std::span<float> output = all.last(width);
  WriteAnswer(Status::kDone);
  for (;;) {
    const Request request = ReadFrame<Request>();
    Read(std::as_writable_bytes(input));
    std::memset(output.data(), 0, output.size_bytes());
    Guarded([&] {
      policy->Attend({.layer = request.layer,
                      .position = request.position,
                      .query = input.first(width),
                      .key = input.subspan(width, width),
                      .value = input.last(width)},
                     output);
    });
    WriteAnswer(Status::kDone);
    Write(std::as_bytes(output));
  }
}

}  // namespace
}  // namespace kvlab::contest

int main() { kvlab::contest::Serve(); }
