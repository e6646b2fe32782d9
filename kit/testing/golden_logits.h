// Logits that another implementation of GPT-2 computes from our checkpoints.
#ifndef KVLAB_KIT_TESTING_GOLDEN_LOGITS_H_
#define KVLAB_KIT_TESTING_GOLDEN_LOGITS_H_

#include <cstddef>
#include <string>
#include <vector>

#include "kit/tensor/tensor.h"

namespace kvlab {

// One prompt, by PyTorch in float64 from the stored weights; written by
// testdata/golden/make_logits.py.
struct GoldenPrompt {
  std::string text;
  std::vector<TokenId> tokens;         // of the text, the first 1,024 at most
  std::vector<std::size_t> positions;  // where logits were kept
  Tensor2 logits;                      // [positions, vocab_size]
  // The greedy continuation, and for each of its tokens by how much its logit
  // exceeds the second largest: where that is within the tolerance, another
  // token is also right. Empty if the prompt fills the context.
  std::vector<TokenId> greedy;
  std::vector<float> margins;
};

// The prompts, of different lengths, for "shakespeare-gpt2" or
// "tiny-gpt2-random". The last fills the context of 1,024 tokens.
std::vector<GoldenPrompt> LoadGoldenLogits(const std::string& model);

}  // namespace kvlab

#endif  // KVLAB_KIT_TESTING_GOLDEN_LOGITS_H_
