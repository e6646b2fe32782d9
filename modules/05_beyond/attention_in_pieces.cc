// Fill in the TODOs: the header says what is promised, README.md says why.
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
  throw NotImplemented("AttendToPiece", "module 5, task 2");
}

void MergePiece(const PieceOfAttention& piece, PieceOfAttention& all) {
  const std::array<std::size_t, 2> shape = {all.mean.shape(0),
                                            all.mean.shape(1)};
  CheckPiece("MergePiece: piece", piece, shape);
  CheckPiece("MergePiece: all", all, shape);
  // TODO(5.2): both rescaled to the larger maximum, then added.
  throw NotImplemented("MergePiece", "module 5, task 2");
}

Tensor4 AttentionInPieces(const Tensor4& queries, const ConstView4& keys,
                          const ConstView4& values, const KeyRanges& seen) {
  CheckAttention(queries, keys, values, seen);
  const std::size_t new_len = queries.shape(2);
  const std::size_t past_len = keys.shape(2) - new_len;
  Tensor4 attended = Tensor4::from_shape(queries.shape());  // [B, H, T, D]
  // TODO(5.2): each head's pieces, merged one after the other.
  throw NotImplemented("AttentionInPieces", "module 5, task 2");
}

}  // namespace kvlab
