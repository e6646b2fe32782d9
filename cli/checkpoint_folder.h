// A checkpoint in Hugging Face layout, as the programs of cli/ load it.
#ifndef KVLAB_CLI_CHECKPOINT_FOLDER_H_
#define KVLAB_CLI_CHECKPOINT_FOLDER_H_

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "kit/checkpoint.h"
#include "kit/tensor.h"
#include "kit/tokenizer.h"

namespace kvlab {

using CheckpointFolder = Checkpoint;

// What `directory` lacks, itself included, in one line: "x/vocab.json, and no
// tokenizer.json"; empty if all is there, or something that LoadCheckpoint can
// name better.
std::string MissingFile(const std::filesystem::path& directory);

// LoadCheckpoint. Throws DataError for whatever does not hold.
CheckpointFolder LoadCheckpointFolder(const std::filesystem::path& directory);

// A sentence about the ids that are left out because no token has them; empty
// without such ids.
std::string RowsWithoutToken(const CheckpointFolder& checkpoint);

// The ids of `text`. An empty text becomes the token that stands between
// documents, <|endoftext|>: a model can only continue something. Throws
// DataError if the vocabulary has no such token.
std::vector<TokenId> EncodePrompt(const Tokenizer& tokenizer,
                                  std::string_view text);

}  // namespace kvlab

#endif  // KVLAB_CLI_CHECKPOINT_FOLDER_H_
