// Holds its budget to the byte, and EXTRA_BYTES more.
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "modules/05_beyond/contest_policy.h"

namespace kvlab {
namespace {

class Policy final : public ContestPolicy {
 public:
  explicit Policy(const ContestShape& shape) {
    const std::size_t bytes = shape.budget_bytes + EXTRA_BYTES;
    for (std::size_t piece = 0; piece < kPieces; ++piece) {
      held_[piece].assign(bytes / kPieces, 1);
    }
  }

  void Attend(const ContestToken& token, std::span<float> output) override {
    std::vector<char>& piece = held_[token.position % kPieces];
    piece[token.position % piece.size()] += 1;
    output[0] = 1;
  }

 private:
  static constexpr std::size_t kPieces = 16;
  std::vector<char> held_[kPieces];
};

}  // namespace

std::unique_ptr<ContestPolicy> MakeContestPolicy(const ContestShape& shape) {
  return std::make_unique<Policy>(shape);
}

}  // namespace kvlab
