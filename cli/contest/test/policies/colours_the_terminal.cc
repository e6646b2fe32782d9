// Throws a text that would act in a terminal.
#include <memory>
#include <span>
#include <stdexcept>

#include "modules/05_beyond/contest_policy.h"

namespace kvlab {
namespace {

class Policy final : public ContestPolicy {
  void Attend(const ContestToken& /*token*/,
              std::span<float> /*output*/) override {
    throw std::runtime_error("\033[2J\nkvlab contest: loss 0.000");
  }
};

}  // namespace

std::unique_ptr<ContestPolicy> MakeContestPolicy(
    const ContestShape& /*shape*/) {
  return std::make_unique<Policy>();
}

}  // namespace kvlab
