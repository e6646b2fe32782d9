#include "modules/05_beyond/attention_in_pieces.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>

#include "kit/error.h"
#include "kit/math/linear_algebra.h"
#include "kit/math/reductions.h"
#include "kit/math/threads.h"
#include "kit/math/vector_math.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

constexpr float kNothingSeen = -std::numeric_limits<float>::infinity();

// Given. Throws unless the piece is of `shape`, queries and features. Makes no
// text unless it throws: a text is memory.
void CheckPiece(std::string_view what, const PieceOfAttention& piece,
                const std::array<std::size_t, 2>& shape) {
  CheckShape(what, piece.max, std::array<std::size_t, 1>{shape[0]});
  CheckShape(what, piece.sum, std::array<std::size_t, 1>{shape[0]});
  CheckShape(what, piece.mean, shape);
}

// Given. Throws unless the matrix is of `shape`, rows and columns.
void CheckMatrix(std::string_view what, ConstMatrix matrix,
                 const std::array<std::size_t, 2>& shape) {
  const std::array<std::size_t, 2> actual = {matrix.rows, matrix.cols};
  CheckShape(what, std::span<const std::size_t>(actual),
             std::span<const std::size_t>(shape));
}

// Given. Throws unless every range is within `total_len` keys.
void CheckRanges(std::span<const KeyRange> ranges, std::size_t total_len) {
  for (const KeyRange& range : ranges) {
    if (range.begin > range.end || range.end > total_len) {
      throw ContractError(
          "AttentionInPieces: a range is not within the keys",
          "it goes from " + std::to_string(range.begin) + " to " +
              std::to_string(range.end) + ", and there are " +
              std::to_string(total_len) + " keys",
          "give ranges with begin <= end <= the number of keys");
    }
  }
}

// Given. Throws what AttentionInPieces promises to throw.
void CheckAttention(const Tensor4& queries, const ConstView4& keys,
                    const ConstView4& values, const KeyRanges& seen) {
  const std::size_t batch = queries.shape(0);
  const std::size_t kv_heads = keys.shape(1);
  const std::size_t total_len = keys.shape(2);
  const std::array<std::size_t, 4> expected = {batch, kv_heads, total_len,
                                               queries.shape(3)};
  CheckShape("AttentionInPieces: keys", keys, expected);
  CheckShape("AttentionInPieces: values", values, expected);
  if (kv_heads == 0 || queries.shape(1) % kv_heads != 0) {
    throw ContractError(
        "AttentionInPieces: key/value heads do not divide heads",
        std::to_string(queries.shape(1)) + " query heads, " +
            std::to_string(kv_heads) + " key/value heads",
        "give a number of query heads that is a multiple of the number of "
        "key/value heads");
  }
  if (total_len < queries.shape(2)) {
    throw ContractError("AttentionInPieces: fewer keys than queries",
                        std::to_string(queries.shape(2)) +
                            " new tokens, but only " +
                            std::to_string(total_len) + " keys in all",
                        "append the keys of the new tokens before attending");
  }
  if (!seen.left_pad.empty() && seen.left_pad.size() != batch) {
    throw ContractError("AttentionInPieces: left_pad has the wrong length",
                        std::to_string(seen.left_pad.size()) + " entries for " +
                            std::to_string(batch) + " batch rows",
                        "give one number per row, or none at all");
  }
  CheckRanges(seen.ranges, total_len);
}

// Given. Rows [begin, end) of a matrix.
ConstMatrix RowsOf(ConstMatrix matrix, const KeyRange& range) {
  return {.data = matrix.data + range.begin * matrix.row_stride,
          .rows = range.end - range.begin,
          .cols = matrix.cols,
          .row_stride = matrix.row_stride};
}

// BEGIN SOLUTION-ONLY
// Nothing seen, for every query.
void Clear(PieceOfAttention& piece) {
  piece.max.fill(kNothingSeen);
  piece.sum.fill(0.0F);
  piece.mean.fill(0.0F);
}

// Scores of hidden keys become -infinity.
void Hide(const QueriesOfHead& queries, const KeysOfHead& keys, Matrix scores) {
  const auto within = [&](std::size_t position) {
    return std::clamp(position, keys.position, keys.position + scores.cols) -
           keys.position;
  };
  for (std::size_t i = 0; i < scores.rows; ++i) {
    const std::span<float> row = scores.Row(i);
    const std::size_t end = within(queries.position + i + 1);
    const std::size_t begin = std::min(within(queries.left_pad), end);
    std::ranges::fill(row.first(begin), kNothingSeen);
    std::ranges::fill(row.subspan(end), kNothingSeen);
  }
}

// Whether no query may see any of these keys.
bool HidesAll(const QueriesOfHead& queries, const KeysOfHead& keys) {
  const std::size_t end = std::min(keys.position + keys.keys.rows,
                                   queries.position + queries.queries.rows);
  return std::max(keys.position, queries.left_pad) >= end;
}

// The longest of the ranges.
std::size_t Longest(std::span<const KeyRange> ranges) {
  std::size_t longest = 0;
  for (const KeyRange& range : ranges) {
    longest = std::max(longest, range.end - range.begin);
  }
  return longest;
}
// END SOLUTION-ONLY

}  // namespace

PieceOfAttention EmptyPiece(std::size_t queries, std::size_t head_dim) {
  PieceOfAttention piece;
  piece.max = Tensor1::from_shape({queries});
  piece.sum = Tensor1::from_shape({queries});
  piece.mean = Tensor2::from_shape({queries, head_dim});  // [T, D]
  piece.max.fill(kNothingSeen);
  piece.sum.fill(0.0F);
  piece.mean.fill(0.0F);
  return piece;
}

void AttendToPiece(const QueriesOfHead& queries, const KeysOfHead& keys,
                   Matrix scores, PieceOfAttention& piece) {
  const std::size_t new_len = queries.queries.rows;
  const std::size_t head_dim = queries.queries.cols;
  CheckMatrix("AttendToPiece: keys", keys.keys, {keys.keys.rows, head_dim});
  CheckMatrix("AttendToPiece: values", keys.values, {keys.keys.rows, head_dim});
  CheckMatrix("AttendToPiece: scores", scores, {new_len, keys.keys.rows});
  CheckPiece("AttendToPiece: piece", piece, {new_len, head_dim});
  // TODO(5.2): the maximum, the sum and the mean of what each query may see.
  // BEGIN SOLUTION AttendToPiece
  if (HidesAll(queries, keys)) {
    Clear(piece);
    return;
  }
  MatMulTransposed(Work::kAttention, queries.queries, keys.keys, scores);
  const float scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  for (std::size_t i = 0; i < new_len; ++i) {
    for (float& score : scores.Row(i)) score *= scale;
  }
  Hide(queries, keys, scores);
  for (std::size_t i = 0; i < new_len; ++i) {
    const std::span<float> row = scores.Row(i);
    const float max = Max(row);
    piece.max(i) = max;
    if (max == kNothingSeen) {
      piece.sum(i) = 0.0F;
      std::ranges::fill(row, 0.0F);
      continue;
    }
    for (float& score : row) score -= max;
    ExpInPlace(row);
    piece.sum(i) = Sum(row);
    const float share = 1.0F / piece.sum(i);
    for (float& weight : row) weight *= share;
  }
  MatMul(Work::kAttention, scores, keys.values, Rows(piece.mean));
}

void MergePiece(const PieceOfAttention& piece, PieceOfAttention& all) {
  const std::array<std::size_t, 2> shape = {all.mean.shape(0),
                                            all.mean.shape(1)};
  CheckPiece("MergePiece: piece", piece, shape);
  CheckPiece("MergePiece: all", all, shape);
  // TODO(5.2): both rescaled to the larger maximum, then added.
  // BEGIN SOLUTION MergePiece
  for (std::size_t i = 0; i < all.max.size(); ++i) {
    const float max = std::max(piece.max(i), all.max(i));
    if (max == kNothingSeen) continue;
    const float piece_sum = piece.sum(i) * std::exp(piece.max(i) - max);
    const float all_sum = all.sum(i) * std::exp(all.max(i) - max);
    const float sum = piece_sum + all_sum;
    const std::span<const float> from = Rows(piece.mean).Row(i);
    const std::span<float> to = Rows(all.mean).Row(i);
    const float from_share = piece_sum / sum;
    const float to_share = all_sum / sum;
    for (std::size_t d = 0; d < to.size(); ++d) {
      to[d] = to_share * to[d] + from_share * from[d];
    }
    all.max(i) = max;
    all.sum(i) = sum;
  }
}

Tensor4 AttentionInPieces(const Tensor4& queries, const ConstView4& keys,
                          const ConstView4& values, const KeyRanges& seen) {
  CheckAttention(queries, keys, values, seen);
  const std::size_t new_len = queries.shape(2);
  const std::size_t past_len = keys.shape(2) - new_len;
  Tensor4 attended = Tensor4::from_shape(queries.shape());  // [B, H, T, D]
  // TODO(5.2): each head's pieces, merged one after the other.
  // BEGIN SOLUTION AttentionInPieces
  const std::size_t heads = queries.shape(1);
  const std::size_t heads_per_kv_head = heads / keys.shape(1);
  const std::size_t longest = Longest(seen.ranges);
  ForRanges(queries.shape(0) * heads, [&](std::size_t begin, std::size_t end) {
    Tensor2 scores = Tensor2::from_shape({new_len, longest});  // [T, P]
    PieceOfAttention piece = EmptyPiece(new_len, queries.shape(3));
    PieceOfAttention all = EmptyPiece(new_len, queries.shape(3));
    for (std::size_t i = begin; i < end; ++i) {
      const std::size_t b = i / heads;
      const std::size_t h = i % heads;
      const std::size_t kv_head = h / heads_per_kv_head;
      const QueriesOfHead rows = {
          .queries = HeadMatrix(queries, b, h),
          .position = past_len,
          .left_pad = seen.left_pad.empty() ? 0 : seen.left_pad[b]};
      Clear(all);
      for (const KeyRange& range : seen.ranges) {
        Matrix scratch = Rows(scores);
        scratch.cols = range.end - range.begin;
        AttendToPiece(rows,
                      {.keys = RowsOf(HeadMatrix(keys, b, kv_head), range),
                       .values = RowsOf(HeadMatrix(values, b, kv_head), range),
                       .position = range.begin},
                      scratch, piece);
        MergePiece(piece, all);
      }
      std::copy_n(all.mean.data(), all.mean.size(), &attended(b, h, 0, 0));
    }
  });
  return attended;
}

}  // namespace kvlab
