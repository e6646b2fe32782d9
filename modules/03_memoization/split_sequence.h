// Feeds a sequence in pieces, and compares with feeding it whole. Test only.
#ifndef KVLAB_MODULES_03_MEMOIZATION_SPLIT_SEQUENCE_H_
#define KVLAB_MODULES_03_MEMOIZATION_SPLIT_SEQUENCE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {

// Columns [begin, end) of every row; left_pad stays that of the whole sequence.
TokenBatch Columns(const TokenBatch& tokens, std::size_t begin,
                   std::size_t end);

// Positions [begin, end) of logits [B, T, V].
Tensor3 LogitsOf(const Tensor3& logits, std::size_t begin, std::size_t end);

// Logits [B, T, V] of the columns from `begin` on; the unspecified outputs of
// padding become 0.
Tensor3 RealLogits(const Tensor3& logits, const TokenBatch& tokens,
                   std::size_t begin);

// For messages: "left_pad is 0 in row 0, 5 in row 1".
std::string PaddingText(const TokenBatch& tokens);

struct Split {
  std::size_t prefill = 0;  // columns of the first piece
  std::size_t total = 0;    // columns of all pieces
};

// Where the pieces end: the prefill, then one column per step.
std::vector<std::size_t> PrefillThenSteps(const Split& split);

// Two models with the same weights; one has a cache.
struct TwoModels {
  Gpt2& cached;
  Gpt2& uncached;
};

// Feeds `tokens` to the model with a cache in pieces that end at `ends`, and
// compares every position's logits with those of the model without one.
::testing::AssertionResult SameLogits(const TwoModels& models,
                                      const TokenBatch& tokens,
                                      const std::vector<std::size_t>& ends,
                                      float tolerance);

// Compares tokens generated after `prompt`, [B, new_tokens], one by one, and
// names the first that differs.
::testing::AssertionResult SameTokens(const Tokens& generated,
                                      const Tokens& expected,
                                      const TokenBatch& prompt);

}  // namespace kvlab

#endif  // KVLAB_MODULES_03_MEMOIZATION_SPLIT_SEQUENCE_H_
