// GPT-2's byte-level byte-pair encoding.
// Source: Radford et al. 2019, section 2.2; Sennrich et al. 2016,
// arXiv:1508.07909, Algorithm 1.
#ifndef KVLAB_KIT_TOKENIZER_TOKENIZER_H_
#define KVLAB_KIT_TOKENIZER_TOKENIZER_H_

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kit/tensor/tensor.h"

namespace kvlab {

struct TokenizerFiles;

class Tokenizer {
 public:
  // Reads `directory`/vocab.json and merges.txt, with added_tokens.json if it
  // exists, or tokenizer.json if one of the two is missing. Throws DataError,
  // naming the file and the entry, for any defect, and for a tokenizer.json
  // that describes anything other than GPT-2's byte-level BPE.
  static Tokenizer Load(const std::filesystem::path& directory);
  // The same from two files with any names.
  static Tokenizer Load(const std::filesystem::path& vocab_json,
                        const std::filesystem::path& merges_txt);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Any bytes, valid UTF-8 or not; special tokens are not recognised in text.
  // Throws DataError if the vocabulary lacks a symbol that the bytes need.
  std::vector<TokenId> Encode(std::string_view text) const;

  // The bytes that the ids stand for. Throws ContractError for an id outside
  // the vocabulary.
  std::string Decode(std::span<const TokenId> ids) const;

  // All tokens: their ids are 0 .. VocabSize() - 1.
  std::size_t VocabSize() const;

  // Encode gives ids below this number. Added tokens, such as <|endoftext|>,
  // may have larger ones.
  std::size_t TextVocabSize() const;

  // Drops the added tokens from this id on. Throws ContractError if `id` is
  // less than TextVocabSize().
  void DropAddedTokensFrom(std::size_t id);

  // The file that the vocabulary came from, for messages.
  const std::string& Source() const;

 private:
  struct Tables;
  static Tokenizer FromFiles(TokenizerFiles files);
  explicit Tokenizer(std::unique_ptr<Tables> tables);
  std::unique_ptr<Tables> tables_;
};

}  // namespace kvlab

#endif  // KVLAB_KIT_TOKENIZER_TOKENIZER_H_
