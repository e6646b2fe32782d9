// Lifts its own limit first.
#include <sys/resource.h>

#include <memory>
#include <span>
#include <vector>

#include "modules/05_beyond/contest_policy.h"

namespace kvlab {
namespace {

class Policy final : public ContestPolicy {
  void Attend(const ContestToken& /*token*/,
              std::span<float> /*output*/) override {
    const rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    ::setrlimit(RLIMIT_DATA, &all);
    held_.resize(1 << 22, 1);
  }

  std::vector<char> held_;
};

}  // namespace

std::unique_ptr<ContestPolicy> MakeContestPolicy(
    const ContestShape& /*shape*/) {
  return std::make_unique<Policy>();
}

}  // namespace kvlab
