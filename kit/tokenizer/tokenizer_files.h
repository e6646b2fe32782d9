// The files of a GPT-2 vocabulary, in either of the two published forms.
#ifndef KVLAB_KIT_TOKENIZER_TOKENIZER_FILES_H_
#define KVLAB_KIT_TOKENIZER_TOKENIZER_FILES_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <unordered_map>

#include "kit/tensor/tensor.h"
#include "kit/tokenizer/tokenizer_merges.h"
#include "nlohmann/json.hpp"

namespace kvlab {

// Tokens and their ids.
using Vocabulary = std::unordered_map<std::string, TokenId>;

// The contents of the files: every id from 0 to Size() - 1, each once.
struct TokenizerFiles {
  // The file with the vocabulary, for messages.
  std::string source;
  // Tokens of text, written as in kit/tokenizer/tokenizer_alphabet.h.
  Vocabulary vocabulary;
  // Added tokens, such as <|endoftext|>, written as they are. One that is also
  // in the vocabulary has the same id there.
  Vocabulary added;
  MergeTable merges;

  std::size_t Size() const;
};

// `directory`/vocab.json and merges.txt, and added_tokens.json if it exists;
// without vocab.json or merges.txt, tokenizer.json alone. Throws DataError as
// the two functions below.
TokenizerFiles ReadTokenizerFiles(const std::filesystem::path& directory);

// vocab.json: {"token": id, ...}, and merges.txt: an optional line "#version:
// ...", then one merge per line, "left right", the most important first.
// Throws DataError, naming the file and the token or line, unless the ids are 0
// to size - 1, each once, and every merge joins two tokens of the vocabulary
// into a third, and appears once.
TokenizerFiles ReadVocabAndMerges(const std::filesystem::path& vocab_json,
                                  const std::filesystem::path& merges_txt);

// tokenizer.json as Hugging Face's tokenizers writes it, with merges as strings
// ("left right") or as pairs (["left", "right"]). Throws DataError as above
// and, naming the part, for anything but byte-level BPE after GPT-2's
// pre-tokeniser: another model, a normaliser, another pre-tokeniser or decoder,
// tokens added before or after each text.
TokenizerFiles ReadTokenizerJson(const std::filesystem::path& path);

// Adds the merge of two tokens to `files`. Throws DataError, its message
// starting with `where`, if it is not a valid merge.
void AddMerge(const std::string& left, const std::string& right,
              const std::string& where, TokenizerFiles& files);

// Fills vocabulary and added from {"token": id, ...} each. `added` may be
// empty.
void TakeVocabulary(const nlohmann::json& vocabulary,
                    const nlohmann::json& added, TokenizerFiles& files);

}  // namespace kvlab

#endif  // KVLAB_KIT_TOKENIZER_TOKENIZER_FILES_H_
