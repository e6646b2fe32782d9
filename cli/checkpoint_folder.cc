#include "cli/checkpoint_folder.h"

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "kit/error.h"
#include "kit/model/checkpoint.h"
#include "kit/model/checkpoint_tensors.h"

namespace kvlab {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kEndOfText = "<|endoftext|>";

}  // namespace

std::string MissingFile(const fs::path& directory) {
  if (!fs::is_directory(directory)) return directory.string();
  const auto there = [&](std::string_view name) {
    return fs::exists(directory / name);
  };
  if (!there("config.json")) return (directory / "config.json").string();
  // LoadCheckpoint reports weights in another format by name.
  if (!there(kWeightsFile) && !there(kShardIndex) &&
      OtherWeights(directory).empty()) {
    return (directory / kWeightsFile).string();
  }
  if (there("tokenizer.json")) return {};
  for (const std::string_view name : {"vocab.json", "merges.txt"}) {
    if (!there(name)) {
      return (directory / name).string() + ", and no tokenizer.json";
    }
  }
  return {};
}

CheckpointFolder LoadCheckpointFolder(const fs::path& directory) {
  return LoadCheckpoint(directory);
}

std::string RowsWithoutToken(const CheckpointFolder& checkpoint) {
  const std::size_t rows = checkpoint.rows_without_token;
  if (rows == 0) return {};
  const std::size_t tokens = checkpoint.tokenizer.VocabSize();
  return std::to_string(rows) + " of the model's " +
         std::to_string(tokens + rows) +
         " ids have no token: " + std::to_string(tokens) +
         " and above are never chosen";
}

std::vector<TokenId> EncodePrompt(const Tokenizer& tokenizer,
                                  std::string_view text) {
  if (!text.empty()) return tokenizer.Encode(text);
  // GPT-2 puts it at the end of its vocabulary.
  for (auto id = static_cast<TokenId>(tokenizer.VocabSize()); id-- > 0;) {
    if (tokenizer.Decode(std::vector<TokenId>{id}) == kEndOfText) return {id};
  }
  throw DataError(
      "the prompt is empty",
      "this vocabulary has no " + std::string(kEndOfText) + " to start from",
      "give a prompt of at least one character");
}

}  // namespace kvlab
