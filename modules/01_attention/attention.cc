// Fill in the TODOs: the header says what is promised, README.md says why.
#include "modules/01_attention/attention.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <string>

#include "kit/error.h"
#include "kit/linear_algebra.h"
#include "kit/reductions.h"
#include "kit/tensor.h"
#include "kit/vector_math.h"

namespace kvlab {
namespace {

// Given. Throws unless `heads` cuts `features` into equal parts.
void CheckHeads(const std::string& who, std::size_t heads,
                std::size_t features) {
  if (heads == 0 || features % heads != 0) {
    throw ContractError(who + ": heads do not divide the features",
                        std::to_string(features) + " features, " +
                            std::to_string(heads) + " heads",
                        "d_model must be heads * head_dim");
  }
}

// Given. Throws what CausalAttention promises to throw.
void CheckAttention(const Tensor4& queries, const ConstView4& keys,
                    const ConstView4& values,
                    std::span<const std::size_t> left_pad) {
  const std::size_t batch = queries.shape(0);
  const std::size_t kv_heads = keys.shape(1);
  const std::size_t total_len = keys.shape(2);
  const std::array<std::size_t, 4> expected = {batch, kv_heads, total_len,
                                               queries.shape(3)};
  CheckShape("CausalAttention: keys", keys, expected);
  CheckShape("CausalAttention: values", values, expected);
  if (kv_heads == 0 || queries.shape(1) % kv_heads != 0) {
    throw ContractError("CausalAttention: key/value heads do not divide heads",
                        std::to_string(queries.shape(1)) + " query heads, " +
                            std::to_string(kv_heads) + " key/value heads",
                        "every key/value head serves the same number of query "
                        "heads");
  }
  if (total_len < queries.shape(2)) {
    throw ContractError("CausalAttention: fewer keys than queries",
                        std::to_string(queries.shape(2)) +
                            " new tokens, but only " +
                            std::to_string(total_len) + " keys in all",
                        "append the keys of the new tokens before attending");
  }
  if (!left_pad.empty() && left_pad.size() != batch) {
    throw ContractError("CausalAttention: left_pad has the wrong length",
                        std::to_string(left_pad.size()) + " entries for " +
                            std::to_string(batch) + " batch rows",
                        "give one number per row, or none at all");
  }
}

// Given. Features [first, first + count) of every token.
Tensor3 Features(const Tensor3& x, std::size_t first, std::size_t count) {
  Tensor3 part = Tensor3::from_shape({x.shape(0), x.shape(1), count});
  for (std::size_t row = 0; row < x.shape(0) * x.shape(1); ++row) {
    std::ranges::copy(Rows(x).Row(row).subspan(first, count),
                      Rows(part).Row(row).begin());
  }
  return part;
}

}  // namespace

void SoftmaxRows(Matrix scores) {
  // TODO(1.1): for every row: find its maximum; if that is -infinity the row
  // sees nothing and becomes zeros; otherwise subtract it, exponentiate
  // (ExpInPlace) and divide by the sum.
  throw NotImplemented("SoftmaxRows", "module 1, task 1");
}

Tensor4 SplitHeads(const Tensor3& x, std::size_t heads) {
  CheckHeads("SplitHeads", heads, x.shape(2));
  // TODO(1.2): element [b, t, h * head_dim + d] moves to [b, h, t, d].
  throw NotImplemented("SplitHeads", "module 1, task 2");
}

Tensor3 MergeHeads(const Tensor4& x) {
  // TODO(1.2): the inverse of SplitHeads.
  throw NotImplemented("MergeHeads", "module 1, task 2");
}

Tensor4 CausalAttention(const Tensor4& queries, const ConstView4& keys,
                        const ConstView4& values,
                        std::span<const std::size_t> left_pad) {
  CheckAttention(queries, keys, values, left_pad);
  // TODO(1.3): for every batch row and head: scores = q k^T
  // (MatMulTransposed), scale by 1 / sqrt(head_dim), hide what a query may not
  // see, softmax, then probs * values (MatMul). Count both products as
  // Work::kAttention. Which key/value head serves query head h?
  throw NotImplemented("CausalAttention", "module 1, task 3");
}

Qkv ProjectQkv(const Tensor3& x, const AttentionWeights& weights,
               std::size_t heads) {
  const std::size_t d_model = weights.c_attn.weight.In();
  CheckShape("ProjectQkv: x", x,
             std::array<std::size_t, 3>{x.shape(0), x.shape(1), d_model});
  CheckHeads("ProjectQkv", heads, d_model);
  // TODO(1.4): one product with c_attn (Linear, Work::kQkv) gives 3 * d_model
  // features per token; Features() cuts them in three, SplitHeads each.
  throw NotImplemented("ProjectQkv", "module 1, task 4");
}

Tensor3 ProjectOutput(const Tensor4& attended,
                      const AttentionWeights& weights) {
  const std::size_t d_model = weights.c_proj.weight.In();
  CheckShape("ProjectOutput: attended, as features",
             std::array<std::size_t, 1>{attended.shape(1) * attended.shape(3)},
             std::array<std::size_t, 1>{d_model});
  // TODO(1.4): merge the heads, then one product with c_proj
  // (Work::kProjection).
  throw NotImplemented("ProjectOutput", "module 1, task 4");
}

Tensor3 MultiHeadAttention(const Tensor3& x, const AttentionWeights& weights,
                           std::size_t heads,
                           std::span<const std::size_t> left_pad) {
  // TODO(1.4): project, attend, project. View() turns keys and values into the
  // views that CausalAttention reads.
  throw NotImplemented("MultiHeadAttention", "module 1, task 4");
}

}  // namespace kvlab
