#include "modules/05_beyond/recomputing_cache.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/math/linear_algebra.h"
#include "kit/tensor/copy.h"
#include "kit/tensor/tensor.h"
#include "modules/01_attention/attention.h"
#include "modules/05_beyond/attention_in_pieces.h"

namespace kvlab {
namespace {

// Given. Throws unless every size is at least 1.
void CheckSizes(std::string_view what, const InputShape& shape) {
  for (const std::size_t size :
       {shape.batch, shape.max_seq_len, shape.num_layers, shape.d_model}) {
    if (size == 0) {
      throw ContractError(std::string(what) + ": a size is 0",
                          "rows, tokens, layers and d_model are at least 1",
                          "give every size of the shape");
    }
  }
}

// Given. Throws unless left_pad is empty or has one number for each row.
void CheckLeftPad(std::string_view what, std::span<const std::size_t> left_pad,
                  std::size_t batch) {
  if (!left_pad.empty() && left_pad.size() != batch) {
    throw ContractError(std::string(what) + ": left_pad has the wrong length",
                        std::to_string(left_pad.size()) + " entries for " +
                            std::to_string(batch) + " batch rows",
                        "give one number per row, or none at all");
  }
}

// BEGIN SOLUTION-ONLY
// Rows [begin, end) of a matrix.
ConstMatrix RowsOf(ConstMatrix matrix, std::size_t begin, std::size_t end) {
  return {.data = matrix.data + begin * matrix.row_stride,
          .rows = end - begin,
          .cols = matrix.cols,
          .row_stride = matrix.row_stride};
}

// Columns [begin, begin + count) of a matrix.
ConstMatrix Columns(ConstMatrix matrix, std::size_t begin, std::size_t count) {
  return {.data = matrix.data + begin,
          .rows = matrix.rows,
          .cols = count,
          .row_stride = matrix.row_stride};
}

// Nothing seen, for every query.
void Clear(PieceOfAttention& piece) {
  piece.max.fill(-std::numeric_limits<float>::infinity());
  piece.sum.fill(0.0F);
  piece.mean.fill(0.0F);
}
// END SOLUTION-ONLY

}  // namespace

std::uint64_t InputBytes(const InputShape& shape) {
  CheckSizes("InputBytes", shape);
  // TODO(5.9): the floats of one layer's inputs, for all layers.
  // BEGIN SOLUTION InputBytes
  return std::uint64_t{shape.num_layers} * shape.batch * shape.max_seq_len *
         shape.d_model * sizeof(float);
}

std::size_t ChunkLength(std::size_t total_len) {
  // TODO(5.9): the smallest c with c * c >= total_len, exactly.
  // BEGIN SOLUTION ChunkLength
  // The root in double, cut off, is the answer or one too small: for that to
  // be too large it would have to be off by more than rounding can be.
  auto length =
      static_cast<std::size_t>(std::sqrt(static_cast<double>(total_len)));
  while (length * length < total_len) ++length;
  return std::max<std::size_t>(length, 1);
}

std::uint64_t RecomputedMacs(const PastTokens& past,
                             std::span<const std::size_t> left_pad) {
  CheckLeftPad("RecomputedMacs", left_pad, past.batch);
  // TODO(5.9): 3 C^2 for each token of the past that is not padding.
  // BEGIN SOLUTION RecomputedMacs
  std::uint64_t tokens = std::uint64_t{past.batch} * past.past_len;
  for (const std::size_t pad : left_pad) tokens -= std::min(pad, past.past_len);
  return tokens * 3 * past.d_model * past.d_model;
}

InputCache::InputCache(const InputShape& shape) : shape_(shape) {
  CheckSizes("InputCache", shape);
  inputs_ = Tensor4::from_shape(
      {shape.num_layers, shape.batch, shape.max_seq_len, shape.d_model});
  inputs_.fill(std::numeric_limits<float>::quiet_NaN());
  past_len_.resize(shape.num_layers);
}

void InputCache::CheckAppend(std::size_t layer, const Tensor3& x) const {
  const std::size_t past_len = PastLen(layer);
  CheckShape(
      "InputCache::Append: x", x,
      std::array<std::size_t, 3>{shape_.batch, x.shape(1), shape_.d_model});
  if (x.shape(1) > shape_.max_seq_len - past_len) {
    throw ContractError(
        "InputCache::Append: no room for " + std::to_string(x.shape(1)) +
            " more tokens",
        "past_len " + std::to_string(past_len) + ", max_seq_len is " +
            std::to_string(shape_.max_seq_len),
        "build the cache for more tokens, or stop decoding earlier");
  }
}

void InputCache::Append(std::size_t layer, const Tensor3& x) {
  CheckAppend(layer, x);
  // TODO(5.9): the new tokens of each row after those that it holds.
  // BEGIN SOLUTION InputCache::Append
  const std::size_t new_len = x.shape(1);
  const std::size_t past_len = past_len_[layer];
  for (std::size_t b = 0; b < shape_.batch; ++b) {
    CopyRows(
        RowsOf(Rows(x), b * new_len, (b + 1) * new_len),
        RowRange(HeadMatrix(inputs_, layer, b), past_len, past_len + new_len));
  }
  past_len_[layer] += new_len;
}

ConstMatrix InputCache::Inputs(std::size_t layer, std::size_t row) const {
  ConstMatrix inputs = HeadMatrix(inputs_, layer, row);
  inputs.rows = past_len_[layer];
  return inputs;
}

std::size_t InputCache::PastLen(std::size_t layer) const {
  if (layer >= shape_.num_layers) {
    throw ContractError(
        "InputCache: there is no layer " + std::to_string(layer),
        "it has " + std::to_string(shape_.num_layers) +
            " layers, counted from 0",
        "make the cache for the model's layers");
  }
  return past_len_[layer];
}

std::size_t InputCache::PastLen() const {
  return *std::ranges::min_element(past_len_);
}

void InputCache::Truncate(std::size_t past_len) {
  for (std::size_t& len : past_len_) len = std::min(len, past_len);
}

RecomputingAttention::RecomputingAttention(std::size_t heads,
                                           std::shared_ptr<InputCache> cache)
    : heads_(heads), cache_(std::move(cache)) {
  if (cache_ == nullptr) {
    throw ContractError("RecomputingAttention: the cache is null",
                        "there is nowhere to keep inputs",
                        "make an InputCache");
  }
  if (heads_ == 0 || cache_->Shape().d_model % heads_ != 0) {
    throw ContractError("RecomputingAttention: heads do not divide d_model",
                        std::to_string(cache_->Shape().d_model) +
                            " features, " + std::to_string(heads_) + " heads",
                        "d_model must be heads * head_dim");
  }
}

void RecomputingAttention::CheckForward(
    const Tensor3& x, const AttentionWeights& weights,
    std::span<const std::size_t> left_pad) const {
  const std::size_t d_model = cache_->Shape().d_model;
  CheckShape("RecomputingAttention::Forward: c_attn",
             std::array<std::size_t, 2>{weights.c_attn.weight.In(),
                                        weights.c_attn.weight.Out()},
             std::array<std::size_t, 2>{d_model, 3 * d_model});
  CheckShape("RecomputingAttention::Forward: c_proj",
             std::array<std::size_t, 1>{weights.c_proj.weight.In()},
             std::array<std::size_t, 1>{d_model});
  CheckLeftPad("RecomputingAttention::Forward", left_pad, x.shape(0));
}

Tensor3 RecomputingAttention::Forward(std::size_t layer, const Tensor3& x,
                                      const AttentionWeights& weights,
                                      std::span<const std::size_t> left_pad) {
  CheckForward(x, weights, left_pad);
  // TODO(5.9): for each row the chunks of the past and of the new tokens.
  // BEGIN SOLUTION RecomputingAttention::Forward
  if (layer == 0) cache_->Truncate(cache_->PastLen());
  cache_->Append(layer, x);
  const Qkv qkv = ProjectQkv(x, weights, heads_);
  const std::size_t batch = x.shape(0);
  const std::size_t new_len = x.shape(1);
  const std::size_t d_model = x.shape(2);
  const std::size_t head_dim = d_model / heads_;
  const std::size_t total_len = cache_->PastLen(layer);
  const std::size_t past_len = total_len - new_len;
  const std::size_t chunk = ChunkLength(total_len);
  Tensor4 attended = Tensor4::from_shape(qkv.queries.shape());   // [B, H, T, D]
  Tensor2 products = Tensor2::from_shape({chunk, 3 * d_model});  // [c, 3 C]
  Tensor2 scores = Tensor2::from_shape({new_len, chunk});        // [T, c]
  PieceOfAttention piece = EmptyPiece(new_len, head_dim);
  std::vector<PieceOfAttention> all(heads_, piece);
  for (std::size_t b = 0; b < batch; ++b) {
    for (PieceOfAttention& of_head : all) Clear(of_head);
    const std::size_t left = left_pad.empty() ? 0 : left_pad[b];
    const auto attend = [&](std::size_t h, const KeysOfHead& keys) {
      Matrix scratch = Rows(scores);
      scratch.cols = keys.keys.rows;
      AttendToPiece({.queries = HeadMatrix(qkv.queries, b, h),
                     .position = past_len,
                     .left_pad = left},
                    keys, scratch, piece);
      MergePiece(piece, all[h]);
    };
    for (std::size_t begin = left; begin < past_len; begin += chunk) {
      const std::size_t end = std::min(begin + chunk, past_len);
      const Matrix chunk_rows = RowRange(Rows(products), 0, end - begin);
      Linear(Work::kQkv, RowsOf(cache_->Inputs(layer, b), begin, end),
             weights.c_attn.weight,
             {weights.c_attn.bias.data(), weights.c_attn.bias.size()},
             chunk_rows);
      for (std::size_t h = 0; h < heads_; ++h) {
        attend(h,
               {.keys = Columns(chunk_rows, d_model + h * head_dim, head_dim),
                .values =
                    Columns(chunk_rows, 2 * d_model + h * head_dim, head_dim),
                .position = begin});
      }
    }
    for (std::size_t h = 0; h < heads_; ++h) {
      for (std::size_t begin = 0; begin < new_len; begin += chunk) {
        const std::size_t end = std::min(begin + chunk, new_len);
        attend(h, {.keys = RowsOf(HeadMatrix(qkv.keys, b, h), begin, end),
                   .values = RowsOf(HeadMatrix(qkv.values, b, h), begin, end),
                   .position = past_len + begin});
      }
      std::ranges::copy(all[h].mean, HeadMatrix(attended, b, h).data);
    }
  }
  return ProjectOutput(attended, weights);
}

}  // namespace kvlab
