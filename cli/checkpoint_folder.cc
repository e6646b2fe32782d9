#include "cli/checkpoint_folder.h"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/checkpoint.h"
#include "kit/error.h"

namespace kvlab {
namespace {

constexpr std::string_view kEndOfText = "<|endoftext|>";

}  // namespace

std::string MissingFile(const std::filesystem::path& directory) {
  if (!std::filesystem::is_directory(directory)) return directory.string();
  for (const std::string_view name :
       {"config.json", "model.safetensors", "vocab.json", "merges.txt"}) {
    if (!std::filesystem::exists(directory / name)) {
      return (directory / name).string();
    }
  }
  return {};
}

CheckpointFolder LoadCheckpointFolder(const std::filesystem::path& directory) {
  auto weights = std::make_shared<const Gpt2Weights>(LoadGpt2(directory));
  Tokenizer tokenizer = Tokenizer::Load(directory);
  const std::size_t vocab_size = weights->config.vocab_size;
  if (tokenizer.VocabSize() != vocab_size) {
    throw DataError(directory.string() + ": vocab.json is another model's",
                    "it holds " + std::to_string(tokenizer.VocabSize()) +
                        " tokens, config.json says vocab_size is " +
                        std::to_string(vocab_size),
                    "take all four files from one checkpoint");
  }
  return {.weights = std::move(weights), .tokenizer = std::move(tokenizer)};
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
