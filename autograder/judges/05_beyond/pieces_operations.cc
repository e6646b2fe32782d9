// Module 5's attention in pieces as operations.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/math/kept_memory.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "modules/05_beyond/attention_in_pieces.h"

namespace kvlab::grading {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kNothingSeen = -std::numeric_limits<float>::infinity();

// A piece whose content must not be read.
PieceOfAttention UnreadPiece(std::size_t queries, std::size_t head_dim) {
  PieceOfAttention piece = EmptyPiece(queries, head_dim);
  piece.max.fill(kNan);
  piece.sum.fill(kNan);
  piece.mean.fill(kNan);
  return piece;
}

// Replies are numbers: for each query whether its maximum is above -infinity,
// the maximum (0 if not), the sum; and the means.
Values PieceValues(const PieceOfAttention& piece) {
  Tensor1 seen = piece.max;
  Tensor1 max = piece.max;
  for (std::size_t i = 0; i < max.size(); ++i) {
    seen(i) = max(i) == kNothingSeen ? 0.0F : 1.0F;
    if (seen(i) == 0) max(i) = 0;
  }
  return {ToArray(seen), ToArray(max), ToArray(piece.sum), ToArray(piece.mean)};
}

// The inverse: four arguments.
PieceOfAttention NextPiece(Arguments& arguments) {
  PieceOfAttention piece;
  const Tensor1 seen = arguments.NextTensor<1>();
  piece.max = arguments.NextTensor<1>();
  piece.sum = arguments.NextTensor<1>();
  piece.mean = arguments.NextTensor<2>();
  for (std::size_t i = 0; i < seen.size(); ++i) {
    if (seen(i) == 0) piece.max(i) = kNothingSeen;
  }
  return piece;
}

std::vector<KeyRange> ToRanges(const std::vector<std::size_t>& ends) {
  std::vector<KeyRange> ranges;
  for (std::size_t i = 0; i + 1 < ends.size(); i += 2) {
    ranges.push_back({.begin = ends[i], .end = ends[i + 1]});
  }
  return ranges;
}

// What the student makes of positions [begin, end) of a head.
PieceOfAttention Attend(const QueriesOfHead& queries, const Tensor2& keys,
                        const Tensor2& values, const KeyRange& range) {
  const auto part = [&](const Tensor2& tensor) {
    ConstMatrix rows = Rows(tensor);
    rows.data += range.begin * rows.row_stride;
    rows.rows = range.end - range.begin;
    return rows;
  };
  // A row of scores is longer than the piece, as it is for a shorter last one.
  Tensor2 storage =
      Tensor2::from_shape({queries.queries.rows, range.end - range.begin + 3});
  storage.fill(kNan);
  Matrix scores = Rows(storage);
  scores.cols = range.end - range.begin;
  PieceOfAttention piece =
      UnreadPiece(queries.queries.rows, queries.queries.cols);
  AttendToPiece(
      queries,
      {.keys = part(keys), .values = part(values), .position = range.begin},
      scores, piece);
  return piece;
}

// pieces.attend(queries [T, D], position, left_pad, keys [S, D], values, begin,
// end) -> the piece of keys [begin, end)
Values AttendOnce(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor2 queries = arguments.NextTensor<2>();
  QueriesOfHead rows = {.queries = Rows(queries),
                        .position = arguments.NextSize()};
  rows.left_pad = arguments.NextSize();
  const Tensor2 keys = arguments.NextTensor<2>();
  const Tensor2 vals = arguments.NextTensor<2>();
  KeyRange range = {.begin = arguments.NextSize()};
  range.end = arguments.NextSize();
  return PieceValues(Attend(rows, keys, vals, range));
}

// pieces.attend_with(queries [T, D], keys [P, D], values, scores [T, P], piece
// of T queries, D features) -> the piece. For what is to be refused.
Values AttendWith(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor2 queries = arguments.NextTensor<2>();
  const Tensor2 keys = arguments.NextTensor<2>();
  const Tensor2 vals = arguments.NextTensor<2>();
  Tensor2 scores = arguments.NextTensor<2>();
  PieceOfAttention piece = NextPiece(arguments);
  AttendToPiece({.queries = Rows(queries)},
                {.keys = Rows(keys), .values = Rows(vals)}, Rows(scores),
                piece);
  return PieceValues(piece);
}

// pieces.merge(piece, all) -> all
Values Merge(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const PieceOfAttention piece = NextPiece(arguments);
  PieceOfAttention all = NextPiece(arguments);
  MergePiece(piece, all);
  return PieceValues(all);
}

// pieces.tree(queries [T, D], position, left_pad, keys [S, D], values, ranges,
// merges [from, into, from, into ...]) -> the piece that is left
Values MergeTree(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor2 queries = arguments.NextTensor<2>();
  QueriesOfHead rows = {.queries = Rows(queries),
                        .position = arguments.NextSize()};
  rows.left_pad = arguments.NextSize();
  const Tensor2 keys = arguments.NextTensor<2>();
  const Tensor2 vals = arguments.NextTensor<2>();
  std::vector<PieceOfAttention> pieces;
  for (const KeyRange& range : ToRanges(arguments.NextSizes())) {
    pieces.push_back(Attend(rows, keys, vals, range));
  }
  const std::vector<std::size_t> merges = arguments.NextSizes();
  std::size_t last = 0;
  for (std::size_t i = 0; i + 1 < merges.size(); i += 2) {
    last = merges[i + 1];
    MergePiece(pieces.at(merges[i]), pieces.at(last));
  }
  return PieceValues(pieces.at(last));
}

// Storage of `capacity` positions whose first rows are those of `tensor` and
// whose other rows are NaN, as a cache's are.
Tensor4 InStorage(const Tensor4& tensor, std::size_t capacity) {
  Tensor4 storage = Tensor4::from_shape(
      {tensor.shape(0), tensor.shape(1), capacity, tensor.shape(3)});
  storage.fill(kNan);
  for (std::size_t b = 0; b < tensor.shape(0); ++b) {
    for (std::size_t h = 0; h < tensor.shape(1); ++h) {
      for (std::size_t s = 0; s < tensor.shape(2); ++s) {
        for (std::size_t d = 0; d < tensor.shape(3); ++d) {
          storage(b, h, s, d) = tensor(b, h, s, d);
        }
      }
    }
  }
  return storage;
}

// The first `seq_len` positions of every head of `storage`.
ConstView4 FirstPositions(const Tensor4& storage, std::size_t seq_len) {
  const std::size_t head_dim = storage.shape(3);
  const std::size_t head_stride = storage.shape(2) * head_dim;
  return MakeView(storage.data(),
                  {storage.shape(0), storage.shape(1), seq_len, head_dim},
                  {storage.shape(1) * head_stride, head_stride, head_dim});
}

// pieces.attention(queries, keys, values, left_pad, ranges [begin, end, begin,
// end ...], capacity of the storage) -> [B, H, T, D]
Values InPieces(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const Tensor4 queries = arguments.NextTensor<4>();
  const Tensor4 keys = arguments.NextTensor<4>();
  const Tensor4 vals = arguments.NextTensor<4>();
  const std::vector<std::size_t> left_pad = arguments.NextSizes();
  const std::vector<KeyRange> ranges = ToRanges(arguments.NextSizes());
  const std::size_t capacity = arguments.NextSize();
  const Tensor4 key_storage = InStorage(keys, capacity);
  const Tensor4 value_storage = InStorage(vals, capacity);
  return {ToArray(
      AttentionInPieces(queries, FirstPositions(key_storage, keys.shape(2)),
                        FirstPositions(value_storage, vals.shape(2)),
                        {.ranges = ranges, .left_pad = left_pad}))};
}

// Many keys, and queries for them.
struct ManyKeys {
  Tensor4 queries;
  Tensor4 keys;
  Tensor4 values;
};

// memory.keep_freed(): from now on this process keeps what it frees, so what it
// holds is the most that it ever held
Values KeepFreed(ObjectStore& /*objects*/, const Values& /*values*/) {
  KeepFreedMemory();
  return {};
}

// pieces.many_keys(seed, total_len, new_len) -> many keys of one head and one
// feature; the values are the keys, so that each query has another mean
Values MakeManyKeys(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  Random random(static_cast<std::uint64_t>(arguments.Next<std::int64_t>()));
  auto many = std::make_shared<ManyKeys>();
  const std::size_t total_len = arguments.NextSize();
  many->queries = RandomTensor4(random, {1, 1, arguments.NextSize(), 1});
  for (float& query : many->queries) query *= 4;
  many->keys = RandomTensor4(random, {1, 1, total_len, 1});
  many->values = many->keys;
  return {objects.Keep(std::move(many))};
}

// pieces.of_many(many keys, length of a piece, length of all) -> [1, 1, T, 1],
// over the first keys
Values OfMany(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const ManyKeys& many = objects.Get<ManyKeys>(arguments.Next<Handle>());
  const std::size_t length = arguments.NextSize();
  const std::size_t total_len = arguments.NextSize();
  std::vector<KeyRange> ranges;
  ranges.reserve(total_len / length + 1);
  for (std::size_t begin = 0; begin < total_len; begin += length) {
    ranges.push_back(
        {.begin = begin, .end = std::min(begin + length, total_len)});
  }
  return {ToArray(AttentionInPieces(
      many.queries, FirstPositions(many.keys, total_len),
      FirstPositions(many.values, total_len), {.ranges = ranges}))};
}

const RegisterOperation kAttend("pieces.attend", AttendOnce);
const RegisterOperation kAttendWith("pieces.attend_with", AttendWith);
const RegisterOperation kMerge("pieces.merge", Merge);
const RegisterOperation kTree("pieces.tree", MergeTree);
const RegisterOperation kInPieces("pieces.attention", InPieces);
const RegisterOperation kKeepFreed("memory.keep_freed", KeepFreed);
const RegisterOperation kManyKeys("pieces.many_keys", MakeManyKeys);
const RegisterOperation kOfMany("pieces.of_many", OfMany);

}  // namespace
}  // namespace kvlab::grading
