// The files of a GPT-2 vocabulary, in either of the two forms in which they are
// published.
#ifndef KVLAB_KIT_TOKENIZER_FILES_H_
#define KVLAB_KIT_TOKENIZER_FILES_H_

#include <cstddef>
#include <filesystem>
#include <string>
#include <unordered_map>

#include "kit/tensor.h"
#include "kit/tokenizer_merges.h"
#include "nlohmann/json.hpp"

namespace kvlab {

// Tokens and their ids.
using Vocabulary = std::unordered_map<std::string, TokenId>;

// What the files hold: every id from 0 to Size() - 1, each once.
struct TokenizerFiles {
  // The file with the vocabulary, for messages.
  std::string source;
  // Tokens of text, written as in kit/tokenizer_alphabet.h.
  Vocabulary vocabulary;
  // Tokens beside them, such as <|endoftext|>, written as they are. One that
  // the vocabulary has, too, has the same id in both.
  Vocabulary added;
  MergeTable merges;

  std::size_t Size() const;
};

// `directory`/vocab.json and merges.txt, and added_tokens.json if it is there;
// without vocab.json or merges.txt, tokenizer.json alone.
TokenizerFiles ReadTokenizerFiles(const std::filesystem::path& directory);

// vocab.json: {"token": id, ...}, and merges.txt: a line "#version: ..."
// perhaps, then one merge a line, "left right", the most important first.
// Throws DataError, naming the file and the token or line, unless the ids are 0
// to size - 1, each once, and every merge is of two tokens of the vocabulary
// whose concatenation is a third, and is there once.
TokenizerFiles ReadVocabAndMerges(const std::filesystem::path& vocab_json,
                                  const std::filesystem::path& merges_txt);

// tokenizer.json as Hugging Face's tokenizers writes it, with merges as strings
// ("left right") or as pairs (["left", "right"]). Throws DataError as above
// and, naming the part, for whatever is not byte-level BPE behind GPT-2's
// pre-tokeniser: another model, a normaliser, another pre-tokeniser or decoder,
// tokens put before or after each text.
TokenizerFiles ReadTokenizerJson(const std::filesystem::path& path);

// Adds the merge of two tokens to `files`. `where` begins the message if it is
// not one: DataError.
void AddMerge(const std::string& left, const std::string& right,
              const std::string& where, TokenizerFiles& files);

// Fills vocabulary and added from {"token": id, ...} each. `added` may be
// empty.
void TakeVocabulary(const nlohmann::json& vocabulary,
                    const nlohmann::json& added, TokenizerFiles& files);

}  // namespace kvlab

#endif  // KVLAB_KIT_TOKENIZER_FILES_H_
