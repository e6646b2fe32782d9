#include "modules/05_beyond/rolling_cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

#include "kit/error.h"
#include "kit/math/linear_algebra.h"
#include "kit/tensor/copy.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"

namespace kvlab {
namespace {

constexpr float kUnwritten = std::numeric_limits<float>::quiet_NaN();

// Given. Slots that no token has taken yet.
Tensor4 UnwrittenSlots(const RollingShape& shape) {
  Tensor4 slots = Tensor4::from_shape(
      {shape.batch, shape.num_kv_heads, shape.window.Slots(), shape.head_dim});
  slots.fill(kUnwritten);
  return slots;
}

// BEGIN SOLUTION-ONLY
// softmax(q k^T / sqrt(D)) v of one query.
//   row  [1, keys], of any content: its scores, then its probabilities
void AttendTo(ConstMatrix query, ConstMatrix keys, ConstMatrix values,
              Matrix row, Matrix attended) {
  MatMulTransposed(Work::kAttention, query, keys, row);
  const float scale = 1.0F / std::sqrt(static_cast<float>(query.cols));
  for (float& score : row.Row(0)) score *= scale;
  SoftmaxRows(row);
  MatMul(Work::kAttention, row, values, attended);
}
// END SOLUTION-ONLY

}  // namespace

std::size_t SlotOf(const Window& window, std::size_t position) {
  if (window.newest == 0) {
    throw ContractError("SlotOf: a window of 0 tokens",
                        "a token that does not see itself may see nothing",
                        "give a window of at least 1");
  }
  // TODO(5.6): sinks keep their slots, all others go around.
  // BEGIN SOLUTION SlotOf
  if (position < window.sinks) return position;
  return window.sinks + (position - window.sinks) % window.newest;
}

RollingLayer::RollingLayer(const RollingShape& shape) : shape_(shape) {
  if (shape.batch == 0 || shape.num_kv_heads == 0 || shape.head_dim == 0 ||
      shape.window.newest == 0) {
    throw ContractError("RollingLayer: a size is 0",
                        "batch " + std::to_string(shape.batch) + ", " +
                            std::to_string(shape.num_kv_heads) + " heads of " +
                            std::to_string(shape.head_dim) + ", a window of " +
                            std::to_string(shape.window.newest),
                        "give sizes of at least 1; sinks alone may be 0");
  }
  keys_ = UnwrittenSlots(shape);
  values_ = UnwrittenSlots(shape);
}

std::uint64_t RollingLayer::Bytes() const {
  return sizeof(float) * (keys_.size() + values_.size());
}

void RollingLayer::CheckAttend(const Qkv& tokens,
                               std::span<const std::size_t> left_pad) const {
  const std::size_t new_len = tokens.queries.shape(2);
  const std::array<std::size_t, 4> expected = {
      shape_.batch, shape_.num_kv_heads, new_len, shape_.head_dim};
  CheckShape("RollingLayer::Attend: keys", tokens.keys, expected);
  CheckShape("RollingLayer::Attend: values", tokens.values, expected);
  const std::size_t heads = tokens.queries.shape(1);
  CheckShape("RollingLayer::Attend: queries", tokens.queries,
             std::array<std::size_t, 4>{shape_.batch, heads, new_len,
                                        shape_.head_dim});
  if (heads % shape_.num_kv_heads != 0) {
    throw ContractError(
        "RollingLayer::Attend: key/value heads do not divide heads",
        std::to_string(heads) + " query heads, " +
            std::to_string(shape_.num_kv_heads) + " key/value heads",
        "give a number of query heads that is a multiple of the number of "
        "key/value heads");
  }
  if (!left_pad.empty() && left_pad.size() != shape_.batch) {
    throw ContractError("RollingLayer::Attend: left_pad has the wrong length",
                        std::to_string(left_pad.size()) + " entries for " +
                            std::to_string(shape_.batch) + " batch rows",
                        "give one number per row, or none at all");
  }
}

Tensor4 RollingLayer::Attend(const Qkv& tokens,
                             std::span<const std::size_t> left_pad) {
  CheckAttend(tokens, left_pad);
  const std::size_t new_len = tokens.queries.shape(2);
  Tensor4 attended = Tensor4::from_shape(tokens.queries.shape());
  attended.fill(0.0F);  // [B, H, T, D]
  // TODO(5.6): token after token: into its slot, then over all that is held.
  // BEGIN SOLUTION RollingLayer::Attend
  const std::size_t heads = tokens.queries.shape(1);
  const std::size_t group = heads / shape_.num_kv_heads;
  Tensor2 scores = Tensor2::from_shape({1, shape_.window.Slots()});
  for (std::size_t b = 0; b < shape_.batch; ++b) {
    const std::size_t pad = left_pad.empty() ? 0 : left_pad[b];
    for (std::size_t i = 0; i < new_len; ++i) {
      if (past_len_ + i < pad) continue;
      const std::size_t position = past_len_ + i - pad;
      const std::size_t slot = SlotOf(shape_.window, position);
      for (std::size_t g = 0; g < shape_.num_kv_heads; ++g) {
        CopyRows(RowsFrom(HeadMatrix(tokens.keys, b, g), i, 1),
                 RowRange(HeadMatrix(keys_, b, g), slot, slot + 1));
        CopyRows(RowsFrom(HeadMatrix(tokens.values, b, g), i, 1),
                 RowRange(HeadMatrix(values_, b, g), slot, slot + 1));
      }
      // The slots fill in order, and what is in them is what p may see. Their
      // order does not matter to a sum.
      const std::size_t held = std::min(position + 1, shape_.window.Slots());
      Matrix scratch = Rows(scores);
      scratch.cols = held;
      for (std::size_t h = 0; h < heads; ++h) {
        AttendTo(RowsFrom(HeadMatrix(tokens.queries, b, h), i, 1),
                 RowsFrom(HeadMatrix(keys_, b, h / group), 0, held),
                 RowsFrom(HeadMatrix(values_, b, h / group), 0, held), scratch,
                 RowRange(HeadMatrix(attended, b, h), i, i + 1));
      }
    }
  }
  past_len_ += new_len;
  return attended;
}

}  // namespace kvlab
