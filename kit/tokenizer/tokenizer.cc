#include "kit/tokenizer/tokenizer.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/files/json_object.h"
#include "kit/tensor/tensor.h"
#include "kit/tokenizer/tokenizer_alphabet.h"
#include "kit/tokenizer/tokenizer_files.h"
#include "kit/tokenizer/tokenizer_merges.h"
#include "kit/tokenizer/tokenizer_words.h"

namespace kvlab {
namespace {

constexpr TokenId kNone = -1;

// The bytes of each id.
std::vector<std::string> TokenBytes(const TokenizerFiles& files) {
  std::vector<std::string> token_bytes(files.Size());
  for (const auto& [token, id] : files.vocabulary) {
    if (files.added.contains(token)) continue;
    std::optional<std::string> bytes = BytesOfSymbols(token);
    if (!bytes) {
      throw DataError(
          files.source + ": token " + Quoted(token) + " is malformed",
          "it has a character that stands for no byte",
          "use the vocabulary as it was published with the model");
    }
    token_bytes[static_cast<std::size_t>(id)] = std::move(*bytes);
  }
  for (const auto& [token, id] : files.added) {
    token_bytes[static_cast<std::size_t>(id)] = token;
  }
  return token_bytes;
}

// One more than the largest id of the vocabulary.
std::size_t EndOfIds(const Vocabulary& vocabulary) {
  std::size_t end = 0;
  for (const auto& [token, id] : vocabulary) {
    end = std::max(end, static_cast<std::size_t>(id) + 1);
  }
  return end;
}

// The id of each single byte, kNone where the vocabulary has none.
std::array<TokenId, 256> ByteTokens(const Vocabulary& vocabulary) {
  std::array<TokenId, 256> byte_tokens{};
  for (std::size_t byte = 0; byte < byte_tokens.size(); ++byte) {
    const auto found =
        vocabulary.find(SymbolOfByte(static_cast<unsigned char>(byte)));
    byte_tokens[byte] = found == vocabulary.end() ? kNone : found->second;
  }
  return byte_tokens;
}

}  // namespace

struct Tokenizer::Tables {
  std::string source;
  std::size_t text_vocab_size = 0;
  std::vector<std::string> token_bytes;
  std::array<TokenId, 256> byte_tokens;
  MergeTable merges;

  std::vector<TokenId> EncodeWord(std::string_view word) const {
    std::vector<TokenId> tokens;
    tokens.reserve(word.size());
    for (const char c : word) {
      const TokenId token = byte_tokens[static_cast<unsigned char>(c)];
      if (token == kNone) {
        throw DataError("Tokenizer::Encode: no token for the byte " +
                            Quoted(std::string_view(&c, 1)),
                        source + " does not have it",
                        "encode other text, or use a vocabulary that has all "
                        "256 bytes");
      }
      tokens.push_back(token);
    }
    return merges.Apply(tokens);
  }
};

Tokenizer Tokenizer::Load(const std::filesystem::path& directory) {
  return FromFiles(ReadTokenizerFiles(directory));
}

Tokenizer Tokenizer::Load(const std::filesystem::path& vocab_json,
                          const std::filesystem::path& merges_txt) {
  return FromFiles(ReadVocabAndMerges(vocab_json, merges_txt));
}

Tokenizer Tokenizer::FromFiles(TokenizerFiles files) {
  auto tables = std::make_unique<Tables>();
  tables->source = files.source;
  tables->text_vocab_size = EndOfIds(files.vocabulary);
  tables->token_bytes = TokenBytes(files);
  tables->byte_tokens = ByteTokens(files.vocabulary);
  tables->merges = std::move(files.merges);
  return Tokenizer(std::move(tables));
}

Tokenizer::Tokenizer(std::unique_ptr<Tables> tables)
    : tables_(std::move(tables)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

std::vector<TokenId> Tokenizer::Encode(std::string_view text) const {
  // Text repeats its words: each is merged once.
  std::unordered_map<std::string_view, std::vector<TokenId>> known;
  std::vector<TokenId> ids;
  while (!text.empty()) {
    const std::string_view word = FirstWord(text);
    text.remove_prefix(word.size());
    auto found = known.find(word);
    if (found == known.end()) {
      found = known.emplace(word, tables_->EncodeWord(word)).first;
    }
    ids.insert(ids.end(), found->second.begin(), found->second.end());
  }
  return ids;
}

std::string Tokenizer::Decode(std::span<const TokenId> ids) const {
  std::string text;
  for (const TokenId id : ids) {
    if (id < 0 || static_cast<std::size_t>(id) >= VocabSize()) {
      throw ContractError(
          "Tokenizer::Decode: no token " + std::to_string(id),
          "the vocabulary has the ids 0 to " + std::to_string(VocabSize() - 1),
          "decode ids of this tokenizer or its model");
    }
    text += tables_->token_bytes[static_cast<std::size_t>(id)];
  }
  return text;
}

std::size_t Tokenizer::VocabSize() const { return tables_->token_bytes.size(); }

std::size_t Tokenizer::TextVocabSize() const {
  return tables_->text_vocab_size;
}

void Tokenizer::DropAddedTokensFrom(std::size_t id) {
  if (id < TextVocabSize()) {
    throw ContractError(
        "Tokenizer::DropAddedTokensFrom: " + std::to_string(id) +
            " is a token of text",
        "Encode gives ids up to " + std::to_string(TextVocabSize() - 1),
        "drop ids from TextVocabSize() on");
  }
  if (id < VocabSize()) tables_->token_bytes.resize(id);
}

const std::string& Tokenizer::Source() const { return tables_->source; }

}  // namespace kvlab
