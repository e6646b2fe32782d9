// The two files of a GPT-2 vocabulary.
#ifndef KVLAB_KIT_TOKENIZER_FILES_H_
#define KVLAB_KIT_TOKENIZER_FILES_H_

#include <filesystem>
#include <string>
#include <unordered_map>

#include "kit/tensor.h"
#include "kit/tokenizer_merges.h"

namespace kvlab {

// Tokens, written as in kit/tokenizer_alphabet.h, and their ids 0 .. size - 1.
using Vocabulary = std::unordered_map<std::string, TokenId>;

// vocab.json: {"token": id, ...}. Throws DataError, naming the file and the
// token, unless it has the ids 0 .. size - 1, each once.
Vocabulary ReadVocabulary(const std::filesystem::path& path);

// merges.txt: a line "#version: ..." perhaps, then one merge a line,
// "left right", the most important first. Throws DataError, naming the file
// and the line, for a line that is not two tokens of the vocabulary whose
// concatenation is a third, or that is there twice.
MergeTable ReadMerges(const std::filesystem::path& path,
                      const Vocabulary& vocabulary);

}  // namespace kvlab

#endif  // KVLAB_KIT_TOKENIZER_FILES_H_
