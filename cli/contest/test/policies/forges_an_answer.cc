// Writes an answer of a kind that there is not.
#include <unistd.h>

#include <memory>
#include <span>

#include "modules/05_beyond/contest_policy.h"

namespace kvlab {
namespace {

class Policy final : public ContestPolicy {
  void Attend(const ContestToken& /*token*/,
              std::span<float> /*output*/) override {
    const unsigned answer[2] = {77, 0};
    if (::write(4, answer, sizeof(answer)) < 0) ::_exit(1);
  }
};

}  // namespace

std::unique_ptr<ContestPolicy> MakeContestPolicy(
    const ContestShape& /*shape*/) {
  return std::make_unique<Policy>();
}

}  // namespace kvlab
