// A worked example for ./kvlab contest: as many of the newest tokens as the
// budget holds, in a ring (task 5.6, without its batches and padding).
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "modules/05_beyond/contest_policy.h"

namespace kvlab {
namespace {

class WindowPolicy final : public ContestPolicy {
 public:
  explicit WindowPolicy(const ContestShape& shape)
      : head_dim_(shape.head_dim), width_(shape.heads * shape.head_dim) {
    // A token takes a key and a value in every layer.
    const std::size_t token_bytes = 2 * shape.layers * width_ * sizeof(float);
    slots_ = std::min<std::size_t>(shape.budget_bytes / token_bytes,
                                   shape.max_tokens);
    // Everything is reserved here. A vector that grows holds the old and the
    // new numbers for a moment, and both count.
    keys_.resize(shape.layers * slots_ * width_);
    values_.resize(shape.layers * slots_ * width_);
    weights_.resize(slots_);
  }

  void Attend(const ContestToken& token, std::span<float> output) override {
    if (slots_ == 0) return;  // sees nothing: zeros
    Store(token.key, RowOf(keys_, token.layer, token.position));
    Store(token.value, RowOf(values_, token.layer, token.position));
    for (std::size_t first = 0; first < width_; first += head_dim_) {
      AttendHead(token, first, output.subspan(first, head_dim_));
    }
  }

 private:
  static void Store(std::span<const float> from, std::span<float> to) {
    std::ranges::copy(from, to.begin());
  }

  // [heads, head_dim] of a position: slot p mod W, over the one before it.
  std::span<float> RowOf(std::vector<float>& all, std::size_t layer,
                         std::size_t position) const {
    const std::size_t row = layer * slots_ + position % slots_;
    return std::span(all).subspan(row * width_, width_);
  }

  // first: where the head begins in a row.
  void AttendHead(const ContestToken& token, std::size_t first,
                  std::span<float> output) {
    const std::span<const float> query = token.query.subspan(first, head_dim_);
    const std::size_t held = std::min(token.position + 1, slots_);
    const float scale = 1 / std::sqrt(static_cast<float>(head_dim_));
    // The order of slots is not that of positions, and a sum does not mind.
    for (std::size_t slot = 0; slot < held; ++slot) {
      const std::span<const float> key =
          RowOf(keys_, token.layer, slot).subspan(first, head_dim_);
      float score = 0;
      for (std::size_t d = 0; d < head_dim_; ++d) score += query[d] * key[d];
      weights_[slot] = score * scale;
    }
    const std::span<float> weights = std::span(weights_).first(held);
    const float max = std::ranges::max(weights);
    float sum = 0;
    for (float& weight : weights) {
      weight = std::exp(weight - max);
      sum += weight;
    }
    for (std::size_t slot = 0; slot < held; ++slot) {
      const std::span<const float> value =
          RowOf(values_, token.layer, slot).subspan(first, head_dim_);
      const float weight = weights[slot] / sum;
      for (std::size_t d = 0; d < head_dim_; ++d) {
        output[d] += weight * value[d];
      }
    }
  }

  std::size_t head_dim_;
  std::size_t width_;
  std::size_t slots_ = 0;
  std::vector<float> keys_;     // [layers, slots, heads, head_dim]
  std::vector<float> values_;   // [layers, slots, heads, head_dim]
  std::vector<float> weights_;  // [slots], of one head
};

}  // namespace

std::unique_ptr<ContestPolicy> MakeContestPolicy(const ContestShape& shape) {
  return std::make_unique<WindowPolicy>(shape);
}

}  // namespace kvlab
