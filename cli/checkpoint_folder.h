// A checkpoint in Hugging Face layout, as the programs of cli/ load it.
#ifndef KVLAB_CLI_CHECKPOINT_FOLDER_H_
#define KVLAB_CLI_CHECKPOINT_FOLDER_H_

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kit/gpt2_weights.h"
#include "kit/tensor.h"
#include "kit/tokenizer.h"

namespace kvlab {

struct CheckpointFolder {
  std::shared_ptr<const Gpt2Weights> weights;
  Tokenizer tokenizer;
};

// The name of the first file that `directory` lacks, itself included; empty
// if all are there.
std::string MissingFile(const std::filesystem::path& directory);

// Throws DataError for whatever does not hold, also a vocabulary whose size
// is not the model's.
CheckpointFolder LoadCheckpointFolder(const std::filesystem::path& directory);

// The ids of `text`. An empty text becomes the token that stands between
// documents, <|endoftext|>: a model can only continue something. Throws
// DataError if the vocabulary has no such token.
std::vector<TokenId> EncodePrompt(const Tokenizer& tokenizer,
                                  std::string_view text);

}  // namespace kvlab

#endif  // KVLAB_CLI_CHECKPOINT_FOLDER_H_
