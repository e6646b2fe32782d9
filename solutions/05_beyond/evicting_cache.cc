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

// BEGIN SOLUTION-ONLY
// softmax(q k^T / sqrt(D)) v of one query; its probabilities stay in `row`.
//   row  [1, keys], of any content
void AttendTo(ConstMatrix query, ConstMatrix keys, ConstMatrix values,
              Matrix row, Matrix attended) {
  MatMulTransposed(Work::kAttention, query, keys, row);
  const float scale = 1.0F / std::sqrt(static_cast<float>(query.cols));
  for (float& score : row.Row(0)) score *= scale;
  SoftmaxRows(row);
  MatMul(Work::kAttention, row, values, attended);
}

// In double: float32 would lose the small probabilities that are asked for.
double Dot(std::span<const float> x, std::span<const float> y) {
  double sum = 0;
  for (std::size_t d = 0; d < x.size(); ++d) sum += double{x[d]} * double{y[d]};
  return sum;
}
// END SOLUTION-ONLY

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
  // BEGIN SOLUTION TokenToEvict
  // By age: the first held.size() - (newest - 1) of them may go.
  std::vector<std::size_t> by_age(held.size());
  for (std::size_t i = 0; i < by_age.size(); ++i) by_age[i] = i;
  std::ranges::sort(by_age, {},
                    [&](std::size_t i) { return held[i].position; });
  std::size_t victim = by_age[0];
  for (std::size_t age = 0; age < held.size() - (newest - 1); ++age) {
    const std::size_t i = by_age[age];
    if (held[i].probability <= held[victim].probability) victim = i;
  }
  return victim;
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
  // BEGIN SOLUTION EvictingLayer::Attend
  const std::size_t kv_heads = shape_.num_kv_heads;
  const std::size_t group = tokens.queries.shape(1) / kv_heads;
  Tensor2 scratch = Tensor2::from_shape({1, shape_.budget.tokens});
  for (std::size_t b = 0; b < shape_.batch; ++b) {
    const std::size_t pad = left_pad.empty() ? 0 : left_pad[b];
    for (std::size_t i = 0; i < new_len; ++i) {
      if (past_len_ + i < pad) continue;
      for (std::size_t g = 0; g < kv_heads; ++g) {
        std::vector<HeldToken>& held = held_[b * kv_heads + g];
        std::size_t slot = held.size();
        if (slot == shape_.budget.tokens) {
          slot = TokenToEvict(held, shape_.budget.newest);
        } else {
          held.emplace_back();
        }
        held[slot] = {.position = past_len_ + i - pad, .probability = 0};
        CopyRows(RowsFrom(HeadMatrix(tokens.keys, b, g), i, 1),
                 RowRange(HeadMatrix(keys_, b, g), slot, slot + 1));
        CopyRows(RowsFrom(HeadMatrix(tokens.values, b, g), i, 1),
                 RowRange(HeadMatrix(values_, b, g), slot, slot + 1));
        Matrix probs = Rows(scratch);
        probs.cols = held.size();
        for (std::size_t h = g * group; h < (g + 1) * group; ++h) {
          AttendTo(RowsFrom(HeadMatrix(tokens.queries, b, h), i, 1),
                   RowsFrom(HeadMatrix(keys_, b, g), 0, held.size()),
                   RowsFrom(HeadMatrix(values_, b, g), 0, held.size()), probs,
                   RowRange(HeadMatrix(attended, b, h), i, i + 1));
          for (std::size_t s = 0; s < held.size(); ++s) {
            held[s].probability += probs.Row(0)[s];
          }
        }
      }
    }
  }
  past_len_ += new_len;
  return attended;
}

EvictionLoss LossOfEviction(const QueryOfAll& all,
                            std::span<const std::size_t> kept) {
  const std::vector<bool> is_kept = CheckLoss(all, kept);
  EvictionLoss loss;
  loss.mean = Tensor1::from_shape({all.query.size()});
  loss.mean.fill(0.0F);
  // TODO(5.7): the share of what was dropped, its mean, and the bound.
  // BEGIN SOLUTION LossOfEviction
  const std::size_t head_dim = all.query.size();
  const double scale = 1 / std::sqrt(static_cast<double>(head_dim));
  std::vector<double> scores(all.keys.rows);
  for (std::size_t s = 0; s < scores.size(); ++s) {
    scores[s] = Dot(all.query, all.keys.Row(s)) * scale;
  }
  const double max = *std::ranges::max_element(scores);
  double sum = 0;
  double dropped = 0;
  double largest = 0;  // |v|
  std::vector<double> weighted(head_dim, 0);
  for (std::size_t s = 0; s < scores.size(); ++s) {
    const std::span<const float> value = all.values.Row(s);
    const double weight = std::exp(scores[s] - max);
    sum += weight;
    largest = std::max(largest, std::sqrt(Dot(value, value)));
    if (is_kept[s]) continue;
    dropped += weight;
    for (std::size_t d = 0; d < head_dim; ++d) {
      weighted[d] += weight * double{value[d]};
    }
  }
  if (dropped == 0) return loss;
  loss.mass = dropped / sum;
  loss.bound = 2 * loss.mass * largest;
  for (std::size_t d = 0; d < head_dim; ++d) {
    loss.mean(d) = static_cast<float>(weighted[d] / dropped);
  }
  // END SOLUTION
  return loss;
}

}  // namespace kvlab
