#include "modules/03_memoization/split_sequence.h"

#include <cstddef>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {

TokenBatch Columns(const TokenBatch& tokens, std::size_t begin,
                   std::size_t end) {
  // [B, end - begin]
  TokenBatch part = {Tokens::from_shape({tokens.ids.shape(0), end - begin}),
                     tokens.left_pad};
  for (std::size_t b = 0; b < tokens.ids.shape(0); ++b) {
    for (std::size_t t = begin; t < end; ++t) {
      part.ids(b, t - begin) = tokens.ids(b, t);
    }
  }
  return part;
}

Tensor3 RealLogits(const Tensor3& logits, const TokenBatch& tokens,
                   std::size_t begin) {
  Tensor3 real = logits;
  for (std::size_t b = 0; b < real.shape(0); ++b) {
    for (std::size_t t = 0; t < real.shape(1); ++t) {
      if (begin + t >= tokens.left_pad[b]) continue;
      for (std::size_t v = 0; v < real.shape(2); ++v) real(b, t, v) = 0.0F;
    }
  }
  return real;
}

Tensor3 LogitsOf(const Tensor3& logits, std::size_t begin, std::size_t end) {
  // [B, T, V] -> [B, end - begin, V]
  Tensor3 part =
      Tensor3::from_shape({logits.shape(0), end - begin, logits.shape(2)});
  for (std::size_t b = 0; b < part.shape(0); ++b) {
    for (std::size_t t = begin; t < end; ++t) {
      for (std::size_t v = 0; v < part.shape(2); ++v) {
        part(b, t - begin, v) = logits(b, t, v);
      }
    }
  }
  return part;
}

std::string PaddingText(const TokenBatch& tokens) {
  std::string text;
  for (std::size_t b = 0; b < tokens.left_pad.size(); ++b) {
    text += (b == 0 ? "left_pad is " : ", ") +
            std::to_string(tokens.left_pad[b]) + " in row " + std::to_string(b);
  }
  return text;
}

::testing::AssertionResult SameLogits(const TwoModels& models,
                                      const TokenBatch& tokens,
                                      const std::vector<std::size_t>& ends,
                                      float tolerance) {
  const Tensor3 all = models.uncached.Forward(tokens, LogitsFor::kAllPositions);
  std::size_t begin = 0;
  for (const std::size_t end : ends) {
    const Tensor3 logits = models.cached.Forward(Columns(tokens, begin, end),
                                                 LogitsFor::kAllPositions);
    ::testing::AssertionResult near =
        Near(RealLogits(logits, tokens, begin),
             RealLogits(LogitsOf(all, begin, end), tokens, begin), tolerance);
    if (!near) {
      return near << "; fed in pieces that end at "
                  << ::testing::PrintToString(ends)
                  << ", the piece from column " << begin << " to " << end
                  << " differs from the model without a cache (indices are "
                     "batch row, column of the piece, token; "
                  << PaddingText(tokens) << ")";
    }
    begin = end;
  }
  return ::testing::AssertionSuccess();
}

::testing::AssertionResult SameTokens(const Tokens& generated,
                                      const Tokens& expected,
                                      const TokenBatch& prompt) {
  if (generated.shape() != expected.shape()) {
    return ::testing::AssertionFailure()
           << "the tokens are " << ShapeText(generated.shape()) << ", expected "
           << ShapeText(expected.shape());
  }
  for (std::size_t b = 0; b < expected.shape(0); ++b) {
    for (std::size_t step = 0; step < expected.shape(1); ++step) {
      if (generated(b, step) == expected(b, step)) continue;
      return ::testing::AssertionFailure()
             << "new token " << step << " of batch row " << b << " is "
             << generated(b, step) << ", expected " << expected(b, step)
             << ", after a prompt of " << prompt.ids.shape(1) << "; "
             << PaddingText(prompt);
    }
  }
  return ::testing::AssertionSuccess();
}

std::vector<std::size_t> PrefillThenSteps(const Split& split) {
  std::vector<std::size_t> ends;
  for (std::size_t end = split.prefill; end <= split.total; ++end) {
    ends.push_back(end);
  }
  return ends;
}

}  // namespace kvlab
