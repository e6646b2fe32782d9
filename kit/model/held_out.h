// Text that the shipped model was not trained on, and a model's loss on it.
#ifndef KVLAB_KIT_MODEL_HELD_OUT_H_
#define KVLAB_KIT_MODEL_HELD_OUT_H_

#include <filesystem>
#include <span>
#include <vector>

#include "kit/tensor/tensor.h"
#include "kit/tokenizer/tokenizer.h"

namespace kvlab {

// The tokens of the last 5 % of a text, as the tokenizer cuts it: models/ was
// trained on what is before. Throws DataError if the file cannot be read.
std::vector<TokenId> HeldOutTokens(const std::filesystem::path& text,
                                   const Tokenizer& tokenizer);

// The sum of -log p(next[t]) in nats, with p(t) = softmax(logits[0, t]).
//   logits  [1, T, vocab_size], next [T]
// Cost: O(T * vocab_size). Sums in double. Throws ContractError if the number
// of tokens disagrees.
double SumOfLosses(const Tensor3& logits, std::span<const TokenId> next);

}  // namespace kvlab

#endif  // KVLAB_KIT_MODEL_HELD_OUT_H_
