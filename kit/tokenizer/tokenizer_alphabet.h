// GPT-2 writes bytes as printable characters, so that its vocabulary is a text
// file without spaces or control characters.
// Source: bytes_to_unicode in the encoder.py published with Radford et al.
// 2019.
#ifndef KVLAB_KIT_TOKENIZER_TOKENIZER_ALPHABET_H_
#define KVLAB_KIT_TOKENIZER_TOKENIZER_ALPHABET_H_

#include <optional>
#include <string>
#include <string_view>

namespace kvlab {

// The character, in UTF-8, that stands for a byte: the byte's own Latin-1
// character if that is printable (! to ~, U+00A1 to U+00AC, U+00AE to U+00FF),
// otherwise U+0100, U+0101, ... in the order of the bytes. A space is U+0120.
std::string SymbolOfByte(unsigned char byte);

// The bytes that a text of such characters stands for; nullopt if any of its
// characters stands for no byte.
std::optional<std::string> BytesOfSymbols(std::string_view symbols);

}  // namespace kvlab

#endif  // KVLAB_KIT_TOKENIZER_TOKENIZER_ALPHABET_H_
