// Module 5: the same attention, one piece of the keys at a time.
//
// A softmax seems to need all scores at once: each is divided by the sum over
// all. It does not: two pieces of the keys, each with its own maximum and sum,
// can be joined afterwards. So the scores of only one piece have to exist at a
// time, and the keys may be in many places, in any order.
// Source: Milakov & Gimelshein 2018, arXiv:1805.02867, section 3.1 (the running
// maximum and sum); Dao et al. 2022, arXiv:2205.14135, algorithm 1 (with
// values); Ye et al. 2025, arXiv:2501.01005, section 2.2 (merging).
//
// Shapes: B batch, H query heads, G key/value heads (G divides H), T new
// tokens, S tokens held including the new ones, D head_dim, P keys of a piece.
//
// No function here keeps state between calls.
#ifndef KVLAB_MODULES_05_BEYOND_ATTENTION_IN_PIECES_H_
#define KVLAB_MODULES_05_BEYOND_ATTENTION_IN_PIECES_H_

#include <cstddef>
#include <span>

#include "kit/tensor/tensor.h"

namespace kvlab {

// What T queries of one head have seen of some keys. A query that has seen none
// of them has maximum -infinity, sum 0 and mean 0.
struct PieceOfAttention {
  Tensor1 max;   // [T] the largest score, m
  Tensor1 sum;   // [T] the sum of e^(score - m) over the keys seen, s
  Tensor2 mean;  // [T, D] the sum of e^(score - m) * value, divided by s
};

// Given. A piece in which no query has seen a key: (-infinity, 0, 0).
PieceOfAttention EmptyPiece(std::size_t queries, std::size_t head_dim);

// T queries of one head and one batch row.
struct QueriesOfHead {
  ConstMatrix queries;       // [T, D]
  std::size_t position = 0;  // of the first in its sequence; the others follow
  std::size_t left_pad = 0;  // keys before this position are padding
};

// P keys of the same head and row, and their values.
struct KeysOfHead {
  ConstMatrix keys;          // [P, D]
  ConstMatrix values;        // [P, D]
  std::size_t position = 0;  // of the first in its sequence; the others follow
};

// Task 5.2. Attention of the queries over these keys alone: query i sees the
// keys at the positions left_pad .. position + i that are among them. Scores
// are q k / sqrt(D). P may be 0.
//   scores  [T, P] of any content: scratch
//   piece   of T queries and D features, of any content: overwritten
// Work: D multiply-accumulates for each product and pair of query and key, as
// Work::kAttention; pairs that are hidden may be left out. Allocates nothing.
// Throws ContractError if a shape disagrees.
void AttendToPiece(const QueriesOfHead& queries, const KeysOfHead& keys,
                   Matrix scores, PieceOfAttention& piece);

// Task 5.2. Adds what `piece` has seen to `all`, which has seen other keys:
//   m' = max(m1, m2),  s' = s1 e^(m1 - m') + s2 e^(m2 - m'),
//   o' = (s1 e^(m1 - m') o1 + s2 e^(m2 - m') o2) / s'
// for each query; where neither has seen a key it stays (-infinity, 0, 0), and
// no scores, however large or small, give NaN. Pieces may be merged in any
// order and grouping. The rounding error of one merge is at most 2^-18 s' in
// s', and 2^-18 times the larger of |o1| and |o2| in o'. Cost: O(T D).
// Allocates nothing. Throws ContractError if a shape disagrees.
void MergePiece(const PieceOfAttention& piece, PieceOfAttention& all);

// Positions [begin, end) of the keys.
struct KeyRange {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Which keys attention sees, and where the padding ends.
struct KeyRanges {
  std::span<const KeyRange> ranges;            // in any order; may be empty
  std::span<const std::size_t> left_pad = {};  // [B] or empty, as in module 1
};

// Task 5.2. Module 1's CausalAttention, range by range in the given order: of
// the keys that a query may see there, it sees those in the ranges. If the
// ranges cover every key once, the result is that of CausalAttention for every
// such partition and order; keys in no range are not seen, and a query that
// sees none yields zeros.
//   queries      [B, H, T, D], the last T of the S tokens
//   keys, values [B, G, S, D], S >= T; views, such as those of a cache
//   returns      [B, H, T, D]
// It differs from exact arithmetic on the same scores by at most
// (2^-18 + n 2^-21) * the largest |value|, for n ranges.
// Work: as AttendToPiece, for the keys in the ranges.
// Scratch: T scores for each key of the longest range, and a few floats for
// each of T * D: what a call allocates does not grow with S, nor with the
// number of ranges. Each key and value in the ranges is read once for each
// query head.
// Throws ContractError if a shape disagrees, G does not divide H, S < T, the
// length of left_pad is not B, or a range ends before it begins or beyond S.
Tensor4 AttentionInPieces(const Tensor4& queries, const ConstView4& keys,
                          const ConstView4& values, const KeyRanges& seen);

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_ATTENTION_IN_PIECES_H_
