// The merges of byte-pair encoding, over token ids.
// Source: Sennrich et al. 2016, arXiv:1508.07909, Algorithm 1.
#ifndef KVLAB_KIT_TOKENIZER_TOKENIZER_MERGES_H_
#define KVLAB_KIT_TOKENIZER_TOKENIZER_MERGES_H_

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "kit/tensor/tensor.h"

namespace kvlab {

class MergeTable {
 public:
  // Adds a merge of two neighbours into one token, after all merges added
  // before. Returns false, changing nothing, if this pair has been added
  // already. The ids are not negative.
  bool Add(TokenId left, TokenId right, TokenId merged);

  // Takes the pair of neighbours that was added first and merges it everywhere,
  // from left to right; repeats until no pair of the table is left.
  // O(n log n) for n tokens, so even a word of a megabyte is fast.
  std::vector<TokenId> Apply(const std::vector<TokenId>& word) const;

 private:
  friend class WordMerger;

  struct Merge {
    std::size_t rank;  // how many merges come before
    TokenId merged;
  };
  struct PairHash {
    std::size_t operator()(std::uint64_t pair) const;
  };

  // Null if the two do not merge.
  const Merge* Find(TokenId left, TokenId right) const;

  // Keyed by left * 2^32 + right.
  std::unordered_map<std::uint64_t, Merge, PairHash> merges_;
};

}  // namespace kvlab

#endif  // KVLAB_KIT_TOKENIZER_TOKENIZER_MERGES_H_
