// Module 2 as the lecture writes it.
#include "modules/02_transformer/gpt2.h"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/math/linear_algebra.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/layers.h"

namespace kvlab {
namespace {

// Given. The last position of every row: [B, T, C] -> [B, 1, C].
Tensor3 LastPosition(const Tensor3& x) {
  Tensor3 last = Tensor3::from_shape({x.shape(0), 1, x.shape(2)});  // [B, 1, C]
  for (std::size_t b = 0; b < x.shape(0); ++b) {
    std::copy_n(&x(b, x.shape(1) - 1, 0), x.shape(2), &last(b, 0, 0));
  }
  return last;
}

}  // namespace

Gpt2::Gpt2(std::shared_ptr<const Gpt2Weights> weights)
    : weights_(std::move(weights)) {
  if (weights_ == nullptr) {
    throw ContractError("Gpt2: the weights are null",
                        "a model is nothing without them",
                        "load a checkpoint or make random weights");
  }
  attention_ = std::make_unique<FullAttention>(Config().num_heads);
}

std::unique_ptr<Attention> Gpt2::ReplaceAttention(
    std::unique_ptr<Attention> attention) {
  if (attention == nullptr) {
    throw ContractError("Gpt2::ReplaceAttention: the attention is null",
                        "every block calls it", "pass an Attention");
  }
  std::swap(attention_, attention);
  return attention;
}

void Gpt2::CheckTokens(const TokenBatch& tokens) const {
  const std::size_t batch = tokens.ids.shape(0);
  const std::size_t new_len = tokens.ids.shape(1);
  const std::size_t past_len = attention_->PastLen();
  if (new_len == 0) {
    throw ContractError("Gpt2::Forward: there are no tokens",
                        "a forward pass computes at least one position",
                        "pass at least one token per row");
  }
  if (past_len + new_len > Config().max_positions) {
    throw ContractError("Gpt2::Forward: the sequence is too long",
                        "past_len " + std::to_string(past_len) + " + new_len " +
                            std::to_string(new_len) +
                            " exceeds max_positions " +
                            std::to_string(Config().max_positions),
                        "shorten the prompt or generate fewer tokens");
  }
  if (!tokens.left_pad.empty() && tokens.left_pad.size() != batch) {
    throw ContractError("Gpt2::Forward: left_pad has the wrong length",
                        std::to_string(tokens.left_pad.size()) +
                            " entries for " + std::to_string(batch) +
                            " batch rows",
                        "give one number per row, or none at all");
  }
  for (const TokenId id : tokens.ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= Config().vocab_size) {
      throw ContractError("Gpt2::Forward: token id " + std::to_string(id) +
                              " is outside the vocabulary",
                          "the vocabulary has " +
                              std::to_string(Config().vocab_size) + " tokens",
                          "encode the text with this model's tokenizer");
    }
  }
}

Tensor3 Gpt2::Embed(const TokenBatch& tokens) const {
  const std::size_t past_len = attention_->PastLen();
  const std::size_t d_model = Config().d_model;
  // [B, T] -> [B, T, C]
  Tensor3 x =
      Tensor3::from_shape({tokens.ids.shape(0), tokens.ids.shape(1), d_model});
  std::vector<float> token_row(d_model);
  std::vector<float> position_row(d_model);
  for (std::size_t b = 0; b < x.shape(0); ++b) {
    const std::size_t pad = tokens.left_pad.empty() ? 0 : tokens.left_pad[b];
    for (std::size_t t = 0; t < x.shape(1); ++t) {
      const std::size_t column = past_len + t;
      const std::size_t position = column < pad ? 0 : column - pad;
      weights_->wte.CopyOutputRow(static_cast<std::size_t>(tokens.ids(b, t)),
                                  token_row);
      weights_->wpe.CopyOutputRow(position, position_row);
      for (std::size_t c = 0; c < d_model; ++c) {
        x(b, t, c) = token_row[c] + position_row[c];
      }
    }
  }
  return x;
}

Tensor3 Gpt2::Forward(const TokenBatch& tokens, LogitsFor logits_for) {
  CheckTokens(tokens);
  Tensor3 x = Embed(tokens);
  for (std::size_t layer = 0; layer < weights_->blocks.size(); ++layer) {
    x = Block(x, weights_->blocks[layer], Config().layer_norm_epsilon,
              {.attention = *attention_,
               .layer = layer,
               .left_pad = tokens.left_pad});
  }
  if (logits_for == LogitsFor::kLastPosition) x = LastPosition(x);
  x = LayerNorm(x, weights_->ln_f, Config().layer_norm_epsilon);
  // [B, T, C] -> [B, T, vocab_size]
  Tensor3 logits =
      Tensor3::from_shape({x.shape(0), x.shape(1), weights_->lm_head.Out()});
  Linear(Work::kHead, Rows(x), weights_->lm_head, {}, Rows(logits));
  return logits;
}

}  // namespace kvlab
