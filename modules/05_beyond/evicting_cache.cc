// Fill in the TODOs: the header says what is promised, README.md says why.
#include "modules/05_beyond/evicting_cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/math/linear_algebra.h"
#include "kit/tensor/copy.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"

namespace kvlab {
namespace {

constexpr float kUnwritten = std::numeric_limits<float>::quiet_NaN();

// Given. Slots that no token has taken yet.
Tensor4 UnwrittenSlots(const EvictingShape& shape) {
  Tensor4 slots = Tensor4::from_shape(
      {shape.batch, shape.num_kv_heads, shape.budget.tokens, shape.head_dim});
  slots.fill(kUnwritten);
  return slots;
}

// Given. Throws what LossOfEviction promises to throw; which rows are kept.
std::vector<bool> CheckLoss(const QueryOfAll& all,
                            std::span<const std::size_t> kept) {
  const std::size_t tokens = all.keys.rows;
  const std::array<std::size_t, 2> expected = {tokens, all.query.size()};
  for (const ConstMatrix& matrix : {all.keys, all.values}) {
    CheckShape("LossOfEviction: keys or values",
               std::array<std::size_t, 2>{matrix.rows, matrix.cols}, expected);
  }
  if (tokens == 0) {
    throw ContractError("LossOfEviction: there are no keys",
                        "attention over nothing has no probabilities",
                        "give at least one key");
  }
  std::vector<bool> is_kept(tokens, false);
  for (const std::size_t row : kept) {
    if (row >= tokens || is_kept[row]) {
      throw ContractError(
          "LossOfEviction: row " + std::to_string(row) + " cannot be kept",
          row >= tokens ? "there are " + std::to_string(tokens) + " keys"
                        : "it is in the list already",
          "name each row that is kept once, counted from 0");
    }
    is_kept[row] = true;
  }
  return is_kept;
}

}  // namespace

std::size_t TokenToEvict(std::span<const HeldToken> held, std::size_t newest) {
  if (newest == 0 || newest > held.size()) {
    throw ContractError("TokenToEvict: no token may go",
                        std::to_string(held.size()) + " are held, and the " +
                            std::to_string(newest) +
                            " newest stay, the next one included",
                        "keep at least 1 new token, and at most all");
  }
  // TODO(5.7): of those that are not among the newest, the least attended to.
  throw NotImplemented("TokenToEvict", "module 5, task 7");
}

EvictingLayer::EvictingLayer(const EvictingShape& shape) : shape_(shape) {
  const EvictionBudget& budget = shape.budget;
  if (shape.batch == 0 || shape.num_kv_heads == 0 || shape.head_dim == 0 ||
      budget.newest == 0 || budget.newest > budget.tokens) {
    throw ContractError(
        "EvictingLayer: these sizes do not fit",
        "batch " + std::to_string(shape.batch) + ", " +
            std::to_string(shape.num_kv_heads) + " heads of " +
            std::to_string(shape.head_dim) + ", a budget of " +
            std::to_string(budget.tokens) + " tokens, the newest " +
            std::to_string(budget.newest) + " among them",
        "give sizes of at least 1, and at most as many new tokens as the "
        "budget has");
  }
  keys_ = UnwrittenSlots(shape);
  values_ = UnwrittenSlots(shape);
  held_.resize(shape.batch * shape.num_kv_heads);
  for (std::vector<HeldToken>& head : held_) head.reserve(budget.tokens);
}

std::span<const HeldToken> EvictingLayer::Held(std::size_t row,
                                               std::size_t kv_head) const {
  if (row >= shape_.batch || kv_head >= shape_.num_kv_heads) {
    throw ContractError(
        "EvictingLayer::Held: no such row or head",
        "row " + std::to_string(row) + ", head " + std::to_string(kv_head),
        "count rows and key/value heads from 0");
  }
  return held_[row * shape_.num_kv_heads + kv_head];
}

void EvictingLayer::Reset() {
  for (std::vector<HeldToken>& head : held_) head.clear();
  past_len_ = 0;
}

std::uint64_t EvictingLayer::Bytes() const {
  return sizeof(float) * (keys_.size() + values_.size());
}

void EvictingLayer::CheckAttend(const Qkv& tokens,
                                std::span<const std::size_t> left_pad) const {
  const std::size_t new_len = tokens.queries.shape(2);
  const std::array<std::size_t, 4> expected = {
      shape_.batch, shape_.num_kv_heads, new_len, shape_.head_dim};
  CheckShape("EvictingLayer::Attend: keys", tokens.keys, expected);
  CheckShape("EvictingLayer::Attend: values", tokens.values, expected);
  const std::size_t heads = tokens.queries.shape(1);
  CheckShape("EvictingLayer::Attend: queries", tokens.queries,
             std::array<std::size_t, 4>{shape_.batch, heads, new_len,
                                        shape_.head_dim});
  if (heads % shape_.num_kv_heads != 0) {
    throw ContractError(
        "EvictingLayer::Attend: key/value heads do not divide heads",
        std::to_string(heads) + " query heads, " +
            std::to_string(shape_.num_kv_heads) + " key/value heads",
        "give a number of query heads that is a multiple of the number of "
        "key/value heads");
  }
  if (!left_pad.empty() && left_pad.size() != shape_.batch) {
    throw ContractError("EvictingLayer::Attend: left_pad has the wrong length",
                        std::to_string(left_pad.size()) + " entries for " +
                            std::to_string(shape_.batch) + " batch rows",
                        "give one number per row, or none at all");
  }
}

Tensor4 EvictingLayer::Attend(const Qkv& tokens,
                              std::span<const std::size_t> left_pad) {
  CheckAttend(tokens, left_pad);
  const std::size_t new_len = tokens.queries.shape(2);
  Tensor4 attended = Tensor4::from_shape(tokens.queries.shape());
  attended.fill(0.0F);  // [B, H, T, D]
  // TODO(5.7): token after token: a slot, attention, then who was attended to.
  throw NotImplemented("EvictingLayer::Attend", "module 5, task 7");
}

EvictionLoss LossOfEviction(const QueryOfAll& all,
                            std::span<const std::size_t> kept) {
  const std::vector<bool> is_kept = CheckLoss(all, kept);
  EvictionLoss loss;
  loss.mean = Tensor1::from_shape({all.query.size()});
  loss.mean.fill(0.0F);
  // TODO(5.7): the share of what was dropped, its mean, and the bound.
  throw NotImplemented("LossOfEviction", "module 5, task 7");
  return loss;
}

}  // namespace kvlab
