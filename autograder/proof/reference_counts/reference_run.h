// One sequence through the reference's model and cache, on the shipped
// checkpoint.
#ifndef KVLAB_AUTOGRADER_PROOF_REFERENCE_COUNTS_REFERENCE_RUN_H_
#define KVLAB_AUTOGRADER_PROOF_REFERENCE_COUNTS_REFERENCE_RUN_H_

#include <cstddef>
#include <filesystem>
#include <memory>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"

namespace kvlab {

class ReferenceRun {
 public:
  // Loads the checkpoint in `folder`; throws what LoadGpt2 throws.
  explicit ReferenceRun(const std::filesystem::path& folder);

  const Gpt2Config& Config() const { return model_.Config(); }

  // The next `tokens` tokens in one forward pass; all tokens are different.
  Tensor3 Feed(std::size_t tokens);

 private:
  Gpt2 model_;
  KvCacheHandle handle_;
  std::size_t fed_ = 0;
};

}  // namespace kvlab

#endif  // KVLAB_AUTOGRADER_PROOF_REFERENCE_COUNTS_REFERENCE_RUN_H_
