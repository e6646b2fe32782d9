// Fill in the TODOs: the header says what is promised, README.md says why.
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

}  // namespace

std::uint64_t InputBytes(const InputShape& shape) {
  CheckSizes("InputBytes", shape);
  // TODO(5.9): the floats of one layer's inputs, for all layers.
  throw NotImplemented("InputBytes", "module 5, task 9");
}

std::size_t ChunkLength(std::size_t total_len) {
  // TODO(5.9): the smallest c with c * c >= total_len, exactly.
  throw NotImplemented("ChunkLength", "module 5, task 9");
}

std::uint64_t RecomputedMacs(const PastTokens& past,
                             std::span<const std::size_t> left_pad) {
  CheckLeftPad("RecomputedMacs", left_pad, past.batch);
  // TODO(5.9): 3 C^2 for each token of the past that is not padding.
  throw NotImplemented("RecomputedMacs", "module 5, task 9");
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
  throw NotImplemented("InputCache::Append", "module 5, task 9");
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
  throw NotImplemented("RecomputingAttention::Forward", "module 5, task 9");
}

}  // namespace kvlab
