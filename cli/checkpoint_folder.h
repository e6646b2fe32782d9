// A checkpoint in Hugging Face layout, as the programs of cli/ load it.
#ifndef KVLAB_CLI_CHECKPOINT_FOLDER_H_
#define KVLAB_CLI_CHECKPOINT_FOLDER_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "kit/model/checkpoint.h"
#include "kit/tensor/tensor.h"
#include "kit/tokenizer/tokenizer.h"

namespace kvlab {

using CheckpointFolder = Checkpoint;

// What is missing from `directory` (or the directory itself), in one line:
// "x/vocab.json, and no tokenizer.json"; empty if nothing is, or if
// LoadCheckpoint has a better message.
std::string MissingFile(const std::filesystem::path& directory);

// LoadCheckpoint. Throws DataError for any defect.
CheckpointFolder LoadCheckpointFolder(const std::filesystem::path& directory);

// A sentence about the ids without a token, which are never chosen; empty if
// there are none.
std::string RowsWithoutToken(const CheckpointFolder& checkpoint);

// The ids of `text`. An empty text becomes the token between documents,
// <|endoftext|>: a model can only continue something. Throws DataError if the
// vocabulary has no such token.
std::vector<TokenId> EncodePrompt(const Tokenizer& tokenizer,
                                  std::string_view text);

}  // namespace kvlab

#endif  // KVLAB_CLI_CHECKPOINT_FOLDER_H_
