// Never forgets: four pages more for each token.
#include <memory>
#include <span>

#include "modules/05_beyond/contest_policy.h"

namespace kvlab {
namespace {

class Policy final : public ContestPolicy {
  void Attend(const ContestToken& /*token*/,
              std::span<float> /*output*/) override {
    last_ = new float[4096];
    last_[0] = 1;
  }

  float* last_ = nullptr;
};

}  // namespace

std::unique_ptr<ContestPolicy> MakeContestPolicy(
    const ContestShape& /*shape*/) {
  return std::make_unique<Policy>();
}

}  // namespace kvlab
