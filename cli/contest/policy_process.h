// A policy in a process of its own, as the host of the contest sees it.
#ifndef KVLAB_CLI_CONTEST_POLICY_PROCESS_H_
#define KVLAB_CLI_CONTEST_POLICY_PROCESS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>

#include "cli/contest/frames.h"
#include "kit/measure/stopwatch.h"

namespace kvlab::contest {

// Why a policy gets no score, in one line.
class PolicyFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct PolicyLimits {
  // Pages of data: see Confine. Without a limit for the measurement of a policy
  // that keeps nothing.
  std::uint64_t data_bytes = std::numeric_limits<std::int64_t>::max();
  double answer_seconds = 10;
  double total_seconds = 120;
};

// One layer's query, key and value of one token: [heads, head_dim] each.
struct TokenNumbers {
  std::span<const float> query;
  std::span<const float> key;
  std::span<const float> value;
};

// A process and the pipes to it. Killed at the end.
class Child {
 public:
  // Throws DataError if it cannot be started.
  Child(const std::filesystem::path& program, std::uint64_t data_bytes);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  pid_t Process() const { return process_; }
  int Requests() const { return requests_; }  // to write to
  int Answers() const { return answers_; }    // to read from

  // Waits until it has ended: the status of waitpid.
  int Ended();

 private:
  pid_t process_ = -1;
  int requests_ = -1;
  int answers_ = -1;
};

// Nothing that the process does is believed. It gets one token at a time, and
// its answer is read under a deadline, up to its exact length.
class PolicyProcess {
 public:
  // Starts `program`, which building.py has made of a policy, confined, and
  // waits until the policy has been made. Throws PolicyFault if that fails, and
  // DataError if no process can be confined here.
  PolicyProcess(const std::filesystem::path& program, const Hello& hello,
                const PolicyLimits& limits);

  // What the policy answers for a token, into output [heads, head_dim]. Throws
  // PolicyFault if it does not answer in time, answers anything but numbers,
  // or holds more than the limit.
  void Attend(const Request& request, const TokenNumbers& token,
              std::span<float> output);

  // Pages of data of the process in bytes, from /proc. Throws PolicyFault if it
  // has ended.
  std::uint64_t DataBytes();

 private:
  void Send(std::span<const std::byte> bytes, const Stopwatch& watch);
  // Throws PolicyFault if they do not come in time.
  void Receive(std::span<std::byte> bytes, const Stopwatch& watch);
  void ReceiveDone(const Stopwatch& watch);
  void Wait(int descriptor, short events, const Stopwatch& watch) const;
  void CheckNothingIsLeft() const;
  std::string HowItEnded();

  PolicyLimits limits_;
  Child child_;
  Stopwatch since_start_;
  bool made_ = false;
};

}  // namespace kvlab::contest

#endif  // KVLAB_CLI_CONTEST_POLICY_PROCESS_H_
