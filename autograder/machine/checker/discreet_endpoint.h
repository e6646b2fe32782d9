// Limits the error messages of a submission: enough to find an error, too
// little to leak hidden inputs or a file.
#ifndef KVLAB_AUTOGRADER_MACHINE_CHECKER_DISCREET_ENDPOINT_H_
#define KVLAB_AUTOGRADER_MACHINE_CHECKER_DISCREET_ENDPOINT_H_

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "autograder/machine/checker/endpoint.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

// Small whole numbers that a program was sent, as arguments, elements or sizes.
class SentNumbers {
 public:
  // Numbers from this one on are never small.
  static constexpr std::size_t kEnd = 10000;

  void Add(const Request& request);
  bool Has(std::size_t number) const { return sent_.test(number); }
  void Clear() { sent_.reset(); }

 private:
  void Add(double number);

  std::bitset<kEnd> sent_;
};

// One allowance for all checks of a submission. The submission chooses the text
// of its exceptions, so all of their text counts.
class WorkersWords {
 public:
  // Characters of one text, and of all texts that differ from each other.
  static constexpr std::size_t kMostOfOne = 300;
  static constexpr std::size_t kMostOfAll = 1500;

  // The printable beginning of `message` with '#' for every number that was
  // sent, and for every number that is not a small whole one. The message of a
  // stub keeps its numbers. Once the allowance is used up, a sentence says so.
  std::string Quote(std::string_view message, const SentNumbers& sent);

 private:
  std::set<std::string> quoted_;  // which may be repeated
  std::size_t characters_ = 0;
};

// The endpoint of a submission, whose words pass through `words`. Both outlive
// it.
class DiscreetEndpoint final : public Endpoint {
 public:
  DiscreetEndpoint(Endpoint& endpoint, WorkersWords& words)
      : endpoint_(endpoint), words_(words) {}

  Reply Call(const Request& request, const CallLimits& limits) override;
  std::optional<std::uint64_t> ResidentBytes() override {
    return endpoint_.ResidentBytes();
  }
  void Restart() override;
  std::optional<double> CpuSeconds() override { return endpoint_.CpuSeconds(); }

 private:
  Endpoint& endpoint_;
  WorkersWords& words_;
  SentNumbers sent_;  // to the worker that runs
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_CHECKER_DISCREET_ENDPOINT_H_
