// Loops over heads and over elements, whose steps do not depend on each other:
// the threads of kit/math/threads.h share them. Your function computes one step
// and needs to know neither the loop nor the threads.
#ifndef KVLAB_KIT_MATH_PARALLEL_LOOPS_H_
#define KVLAB_KIT_MATH_PARALLEL_LOOPS_H_

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>

#include "kit/math/threads.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// Calls attend(b, h, scores) once for every batch row b and query head h;
// returns when all calls have returned.
//   queries   [B, H, T, D]
//   keys      [B, G, S, D]
//   scores    a Matrix [T, S] of any content, which the call has to itself
// Several calls may run at the same time, so each may write to its own head of
// the result alone. If a call throws, the heads that remain for its thread are
// left out, the other threads finish, and the exception is thrown again; if
// several calls throw, one of the exceptions.
// Allocates T * S scores for each thread, once.
template <typename Attend>
void ForEachHead(const Tensor4& queries, const ConstView4& keys,
                 const Attend& attend) {
  const std::size_t heads = queries.shape(1);
  ForRanges(queries.shape(0) * heads, [&](std::size_t begin, std::size_t end) {
    // [T, S]
    Tensor2 scores = Tensor2::from_shape({queries.shape(2), keys.shape(2)});
    for (std::size_t i = begin; i < end; ++i) {
      attend(i / heads, i % heads, Rows(scores));
    }
  });
}

// The length of all pieces of ForEachPiece but the last: short enough that a
// piece and its buffer stay in the first-level cache.
inline constexpr std::size_t kPieceLength = 512;

// Cuts `values` into pieces and calls compute(piece, buffer) once for each,
// with a buffer of the piece's length and of any content; returns when all
// calls have returned. Threads and exceptions as in ForEachHead. Allocates
// nothing.
template <typename Compute>
void ForEachPiece(std::span<float> values, const Compute& compute) {
  const std::size_t pieces = (values.size() + kPieceLength - 1) / kPieceLength;
  ForRanges(pieces, [&](std::size_t first, std::size_t last) {
    std::array<float, kPieceLength> buffer{};
    for (std::size_t i = first; i < last; ++i) {
      const std::size_t begin = i * kPieceLength;
      const std::span<float> piece =
          values.subspan(begin, std::min(kPieceLength, values.size() - begin));
      compute(piece, std::span<float>(buffer).first(piece.size()));
    }
  });
}

}  // namespace kvlab

#endif  // KVLAB_KIT_MATH_PARALLEL_LOOPS_H_
