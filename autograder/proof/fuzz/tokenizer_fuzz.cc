// Whatever may be a tokenizer.json. What loads must encode and decode.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "autograder/proof/fuzz/require.h"
#include "autograder/proof/fuzz/scratch_folder.h"
#include "kit/error.h"
#include "kit/tensor/tensor.h"
#include "kit/tokenizer/tokenizer.h"

namespace kvlab::grading {
namespace {

void Load(std::span<const std::uint8_t> input) {
  static const ScratchFolder folder;
  folder.Write("tokenizer.json", input);
  try {
    const Tokenizer tokenizer = Tokenizer::Load(folder.Path());
    Require(tokenizer.TextVocabSize() <= tokenizer.VocabSize(),
            "tokens of text are tokens");
    for (std::size_t id = 0; id < tokenizer.VocabSize(); ++id) {
      tokenizer.Decode(std::vector{static_cast<TokenId>(id)});
    }
    for (const TokenId id : tokenizer.Encode("abab the")) {
      Require(static_cast<std::size_t>(id) < tokenizer.TextVocabSize(),
              "text becomes tokens of text");
    }
  } catch (const DataError&) {
    // refused, with a reason
  }
}

}  // namespace
}  // namespace kvlab::grading

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  kvlab::grading::Load({data, size});
  return 0;
}
