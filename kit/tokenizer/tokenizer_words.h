// GPT-2's pre-tokenisation: text is split into words before byte pairs are
// merged, and no merge crosses a word boundary.
// Source: Radford et al. 2019, section 2.2; the pattern is that of the
// encoder.py published with it.
#ifndef KVLAB_KIT_TOKENIZER_TOKENIZER_WORDS_H_
#define KVLAB_KIT_TOKENIZER_TOKENIZER_WORDS_H_

#include <string_view>

namespace kvlab {

// The first word of `text`: the longest prefix that the first matching
// alternative of this pattern takes,
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// where \s is Unicode's White_Space and \p{L}, \p{N} are its letters and
// numbers. A byte that is not part of valid UTF-8 counts as a character in none
// of the three classes. Words follow each other without gaps; empty only for an
// empty text.
std::string_view FirstWord(std::string_view text);

}  // namespace kvlab

#endif  // KVLAB_KIT_TOKENIZER_TOKENIZER_WORDS_H_
