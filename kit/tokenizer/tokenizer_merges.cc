#include "kit/tokenizer/tokenizer_merges.h"

#include <cstddef>
#include <cstdint>
#include <queue>
#include <vector>

#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

std::uint64_t Key(TokenId left, TokenId right) {
  return (static_cast<std::uint64_t>(left) << 32U) |
         static_cast<std::uint64_t>(right);
}

}  // namespace

// A word being merged: a linked list of tokens inside two arrays, and a heap of
// the neighbours that merge.
class WordMerger {
 public:
  WordMerger(const MergeTable& table, const std::vector<TokenId>& word)
      : table_(table), tokens_(word), next_(word.size()), prev_(word.size()) {
    for (std::size_t i = 0; i < word.size(); ++i) {
      next_[i] = i + 1;
      prev_[i] = i - 1;  // wraps at 0; never followed
    }
    for (std::size_t i = 0; i + 1 < word.size(); ++i) PushPair(i);
  }

  std::vector<TokenId> Run() {
    while (!pairs_.empty()) MergeEverywhere(pairs_.top().rank);
    std::vector<TokenId> merged;
    for (std::size_t i = 0; i < tokens_.size(); i = next_[i]) {
      merged.push_back(tokens_[i]);
    }
    return merged;
  }

 private:
  // The pair whose left token is at `left`. On equal ranks the leftmost comes
  // first.
  struct Candidate {
    std::size_t rank;
    std::size_t left;
    bool operator<(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };

  // Null at the end of the word, and for a position merged into its left one.
  const MergeTable::Merge* PairAt(std::size_t left) const {
    if (tokens_[left] == kGone || next_[left] == tokens_.size()) return nullptr;
    return table_.Find(tokens_[left], tokens_[next_[left]]);
  }

  void PushPair(std::size_t left) {
    const MergeTable::Merge* merge = PairAt(left);
    if (merge != nullptr) pairs_.push({.rank = merge->rank, .left = left});
  }

  // Takes all places of this pair from the heap before merging the first: a
  // merge can make pairs of even lower rank, which have to wait for their turn.
  void MergeEverywhere(std::size_t rank) {
    places_.clear();
    for (; !pairs_.empty() && pairs_.top().rank == rank; pairs_.pop()) {
      places_.push_back(pairs_.top().left);
    }
    for (const std::size_t left : places_) {
      // An earlier merge may have removed one of the two.
      const MergeTable::Merge* merge = PairAt(left);
      if (merge != nullptr && merge->rank == rank) Join(left, merge->merged);
    }
  }

  void Join(std::size_t left, TokenId merged) {
    const std::size_t right = next_[left];
    tokens_[left] = merged;
    tokens_[right] = kGone;
    next_[left] = next_[right];
    if (next_[left] < tokens_.size()) prev_[next_[left]] = left;
    if (left > 0) PushPair(prev_[left]);
    PushPair(left);
  }

  static constexpr TokenId kGone = -1;

  const MergeTable& table_;
  std::vector<TokenId> tokens_;
  std::vector<std::size_t> next_;
  std::vector<std::size_t> prev_;
  std::priority_queue<Candidate> pairs_;
  std::vector<std::size_t> places_;
};

std::size_t MergeTable::PairHash::operator()(std::uint64_t pair) const {
  // Both ids are small; 2^64 / golden ratio spreads them over all bits.
  const std::uint64_t spread = pair * 0x9E3779B97F4A7C15U;
  return spread ^ (spread >> 32U);
}

bool MergeTable::Add(TokenId left, TokenId right, TokenId merged) {
  const Merge merge = {.rank = merges_.size(), .merged = merged};
  return merges_.emplace(Key(left, right), merge).second;
}

const MergeTable::Merge* MergeTable::Find(TokenId left, TokenId right) const {
  const auto found = merges_.find(Key(left, right));
  return found == merges_.end() ? nullptr : &found->second;
}

std::vector<TokenId> MergeTable::Apply(const std::vector<TokenId>& word) const {
  return WordMerger(*this, word).Run();
}

}  // namespace kvlab
