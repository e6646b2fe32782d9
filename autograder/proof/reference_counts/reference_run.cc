#include "autograder/proof/reference_counts/reference_run.h"

#include <cstddef>
#include <filesystem>
#include <memory>

#include "kit/model/checkpoint.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

ReferenceRun::ReferenceRun(const std::filesystem::path& folder)
    : model_(std::make_shared<const Gpt2Weights>(LoadGpt2(folder))),
      handle_(EnableKvCache(model_, 1, model_.Config().max_positions)) {}

Tensor3 ReferenceRun::Feed(std::size_t tokens) {
  TokenBatch batch;
  batch.ids = Tokens::from_shape({1, tokens});
  for (std::size_t t = 0; t < tokens; ++t) {
    batch.ids(0, t) =
        static_cast<TokenId>((fed_ + t) * 7 % model_.Config().vocab_size);
  }
  fed_ += tokens;
  return model_.Forward(batch, LogitsFor::kLastPosition);
}

}  // namespace kvlab
