// Keeps tokens in a pipe to itself.
#include <unistd.h>

#include <memory>
#include <span>

#include "modules/05_beyond/contest_policy.h"

namespace kvlab {
namespace {

class Policy final : public ContestPolicy {
  void Attend(const ContestToken& /*token*/,
              std::span<float> /*output*/) override {
    int ends[2];
    ::pipe2(ends, 0);
  }
};

}  // namespace

std::unique_ptr<ContestPolicy> MakeContestPolicy(
    const ContestShape& /*shape*/) {
  return std::make_unique<Policy>();
}

}  // namespace kvlab
