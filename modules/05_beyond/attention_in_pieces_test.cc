// Tests the contract of attention_in_pieces.h. The second methods are module
// 1's CausalAttention and plain loops in double.
#include "modules/05_beyond/attention_in_pieces.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/math/work.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "modules/01_attention/attention.h"
#include "modules/03_memoization/allocation_counter.h"

namespace kvlab {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Exponentials of 1e-6, and sums of at most 300 terms in another order.
constexpr float kTolerance = 2e-5F;

// What the header allows one merge.
constexpr double kMergeBound = 1.0 / (1 << 18);

// A piece of one query.
struct OneQuery {
  float max = 0;
  float sum = 0;
  std::vector<float> mean;
};

PieceOfAttention Piece(const OneQuery& query) {
  PieceOfAttention piece = EmptyPiece(1, query.mean.size());
  piece.max(0) = query.max;
  piece.sum(0) = query.sum;
  std::ranges::copy(query.mean, piece.mean.data());
  return piece;
}

// Content that must not be read.
PieceOfAttention UnreadPiece(std::size_t queries, std::size_t head_dim) {
  PieceOfAttention piece = EmptyPiece(queries, head_dim);
  piece.max.fill(kNan);
  piece.sum.fill(kNan);
  piece.mean.fill(kNan);
  return piece;
}

// AttendToPiece with scratch of its own.
PieceOfAttention Attend(const QueriesOfHead& queries, const KeysOfHead& keys) {
  Tensor2 scores = Tensor2::from_shape({queries.queries.rows, keys.keys.rows});
  scores.fill(kNan);
  PieceOfAttention piece =
      UnreadPiece(queries.queries.rows, queries.queries.cols);
  AttendToPiece(queries, keys, Rows(scores), piece);
  return piece;
}

void ExpectEmpty(const PieceOfAttention& piece, std::size_t query) {
  EXPECT_EQ(piece.max(query), -kInfinity) << "query " << query;
  EXPECT_EQ(piece.sum(query), 0.0F) << "query " << query;
  for (std::size_t d = 0; d < piece.mean.shape(1); ++d) {
    EXPECT_EQ(piece.mean(query, d), 0.0F)
        << "query " << query << ", feature " << d;
  }
}

// The heads, keys and positions of a call, and what each query may see.
struct Sizes {
  std::size_t batch = 1;
  std::size_t heads = 1;
  std::size_t kv_heads = 1;
  std::size_t new_len = 1;
  std::size_t total_len = 1;
  std::size_t head_dim = 8;
};

struct Input {
  Input(std::uint64_t seed, const Sizes& sizes) : sizes(sizes) {
    Random random(seed);
    queries = RandomTensor4(
        random, {sizes.batch, sizes.heads, sizes.new_len, sizes.head_dim});
    for (float& query : queries) query *= 4;  // so that keys weigh differently
    keys = RandomTensor4(
        random, {sizes.batch, sizes.kv_heads, sizes.total_len, sizes.head_dim});
    values = RandomTensor4(
        random, {sizes.batch, sizes.kv_heads, sizes.total_len, sizes.head_dim});
  }

  Tensor4 InPieces(std::span<const KeyRange> ranges) const {
    return AttentionInPieces(queries, View(keys), View(values),
                             {.ranges = ranges, .left_pad = left_pad});
  }

  Tensor4 Whole() const {
    return CausalAttention(queries, View(keys), View(values), left_pad);
  }

  // In double, over the keys of `ranges` alone.
  Tensor4 Exact(std::span<const KeyRange> ranges) const;

  Sizes sizes;
  Tensor4 queries;
  Tensor4 keys;
  Tensor4 values;
  std::vector<std::size_t> left_pad;
};

Tensor4 Input::Exact(std::span<const KeyRange> ranges) const {
  Tensor4 out = Tensor4::from_shape(queries.shape());
  const std::size_t past_len = sizes.total_len - sizes.new_len;
  for (std::size_t b = 0; b < sizes.batch; ++b) {
    const std::size_t pad = left_pad.empty() ? 0 : left_pad[b];
    for (std::size_t h = 0; h < sizes.heads; ++h) {
      const std::size_t g = h / (sizes.heads / sizes.kv_heads);
      for (std::size_t i = 0; i < sizes.new_len; ++i) {
        std::vector<std::pair<std::size_t, double>> seen;  // key and score
        double max = -std::numeric_limits<double>::infinity();
        for (const KeyRange& range : ranges) {
          for (std::size_t s = range.begin; s < range.end; ++s) {
            if (s < pad || s > past_len + i) continue;
            double score = 0;
            for (std::size_t d = 0; d < sizes.head_dim; ++d) {
              score += double{queries(b, h, i, d)} * double{keys(b, g, s, d)};
            }
            score /= std::sqrt(static_cast<double>(sizes.head_dim));
            max = std::max(max, score);
            seen.emplace_back(s, score);
          }
        }
        for (std::size_t d = 0; d < sizes.head_dim; ++d) {
          double sum = 0;
          double weighted = 0;
          for (const auto& [s, score] : seen) {
            sum += std::exp(score - max);
            weighted += std::exp(score - max) * double{values(b, g, s, d)};
          }
          out(b, h, i, d) =
              seen.empty() ? 0.0F : static_cast<float>(weighted / sum);
        }
      }
    }
  }
  return out;
}

// 0 .. total_len - 1 in pieces of `length`; the last may be shorter.
struct Cut {
  std::size_t total_len = 0;
  std::size_t length = 0;
};
std::vector<KeyRange> Pieces(const Cut& cut) {
  std::vector<KeyRange> pieces;
  for (std::size_t begin = 0; begin < cut.total_len; begin += cut.length) {
    pieces.push_back(
        {.begin = begin, .end = std::min(begin + cut.length, cut.total_len)});
  }
  return pieces;
}

// The same positions, cut at up to 11 random places and in random order, and
// two ranges without keys.
std::vector<KeyRange> ShuffledPieces(Random& random, std::size_t total_len) {
  std::vector<std::size_t> places = {0, total_len};
  for (std::size_t cuts = random.NextBelow(12); cuts > 0; --cuts) {
    places.push_back(random.NextBelow(total_len + 1));
  }
  std::ranges::sort(places);
  std::vector<KeyRange> pieces = {{.begin = 0, .end = 0},
                                  {.begin = total_len, .end = total_len}};
  for (std::size_t i = 0; i + 1 < places.size(); ++i) {
    pieces.push_back({.begin = places[i], .end = places[i + 1]});
  }
  for (std::size_t i = pieces.size(); i > 1; --i) {
    std::swap(pieces[i - 1], pieces[random.NextBelow(i)]);
  }
  return pieces;
}

TEST(AttendToPieceTest, GivesMaximumSumAndMeanByHand) {
  // One feature, so a score is query * key: 0, 2 and 1.
  const Tensor2 query = {{1.0F}};
  const Tensor2 keys = {{0.0F}, {2.0F}, {1.0F}};
  const Tensor2 values = {{10.0F}, {20.0F}, {40.0F}};
  const PieceOfAttention piece =
      Attend({.queries = Rows(query), .position = 2},
             {.keys = Rows(keys), .values = Rows(values)});
  const double sum = std::exp(-2.0) + 1 + std::exp(-1.0);
  const double mean = (10 * std::exp(-2.0) + 20 + 40 * std::exp(-1.0)) / sum;
  EXPECT_NEAR(piece.max(0), 2.0F, 1e-6F);
  EXPECT_NEAR(piece.sum(0), sum, kTolerance);
  EXPECT_NEAR(piece.mean(0, 0), mean, 40 * kTolerance);
}

TEST(AttendToPieceTest, DividesScoresByTheRootOfHeadDim) {
  const Tensor2 query = {{3.0F, 0.0F, 0.0F, 0.0F}};
  const Tensor2 keys = {{2.0F, 5.0F, 5.0F, 5.0F}};
  const Tensor2 values = {{1.0F, 2.0F, 3.0F, 4.0F}};
  const PieceOfAttention piece = Attend(
      {.queries = Rows(query)}, {.keys = Rows(keys), .values = Rows(values)});
  EXPECT_NEAR(piece.max(0), 3.0F, 1e-6F);  // 3 * 2 / sqrt(4)
  EXPECT_NEAR(piece.sum(0), 1.0F, 1e-6F);
  EXPECT_NEAR(piece.mean(0, 3), 4.0F, 1e-5F);
}

// A piece in the middle: positions 4 to 7, queries at 5 to 9, padding up to 5.
TEST(AttendToPieceTest, PositionsAreThoseOfTheSequence) {
  const Input input(11, {.new_len = 5, .total_len = 10});
  ConstMatrix keys = HeadMatrix(input.keys, 0, 0);
  ConstMatrix values = HeadMatrix(input.values, 0, 0);
  for (ConstMatrix* matrix : {&keys, &values}) {
    matrix->data += 4 * matrix->row_stride;
    matrix->rows = 4;
  }
  const PieceOfAttention piece =
      Attend({.queries = HeadMatrix(input.queries, 0, 0),
              .position = 5,
              .left_pad = 5},
             {.keys = keys, .values = values, .position = 4});
  Input same = input;
  same.left_pad = {5};
  const std::vector<KeyRange> ranges = {{.begin = 4, .end = 8}};
  const Tensor4 exact = same.Exact(ranges);
  for (std::size_t i = 0; i < 5; ++i) {
    for (std::size_t d = 0; d < 8; ++d) {
      ASSERT_NEAR(piece.mean(i, d), exact(0, 0, i, d), kTolerance)
          << "the query at position " << 5 + i << " sees keys 5 to "
          << std::min<std::size_t>(5 + i, 7) << " of 4 to 7";
    }
  }
}

// Queries and padding that begin and end everywhere: before, within and after
// the keys.
TEST(AttendToPieceTest, PositionsMayBeLarge) {
  struct Case {
    std::size_t first_key = 0;
    std::size_t keys = 0;
    std::size_t position = 0;
    std::size_t left_pad = 0;
    std::size_t new_len = 0;
  };
  for (const Case& at : std::vector<Case>{{0, 300, 300, 0, 3},
                                          {0, 300, 295, 290, 9},
                                          {300, 20, 300, 0, 30},
                                          {300, 20, 310, 305, 5},
                                          {300, 20, 330, 319, 4},
                                          {300, 20, 500, 320, 4},
                                          {300, 20, 290, 0, 15},
                                          {10, 300, 20, 15, 280},
                                          {600, 270, 500, 610, 300},
                                          {600, 270, 870, 869, 2}}) {
    SCOPED_TRACE("keys from " + std::to_string(at.first_key) + ", queries at " +
                 std::to_string(at.position) + ", padding up to " +
                 std::to_string(at.left_pad));
    const std::size_t end = at.position + at.new_len;
    const std::size_t total_len = std::max(end, at.first_key + at.keys);
    Input input(17, {.new_len = at.new_len, .total_len = end, .head_dim = 3});
    input.left_pad = {at.left_pad};
    // Of keys after the last query nothing is seen, whatever they are.
    const Input all(18, {.total_len = total_len, .head_dim = 3});
    for (std::size_t s = 0; s < end; ++s) {
      for (std::size_t d = 0; d < 3; ++d) {
        input.keys(0, 0, s, d) = all.keys(0, 0, s, d);
        input.values(0, 0, s, d) = all.values(0, 0, s, d);
      }
    }
    ConstMatrix keys = HeadMatrix(all.keys, 0, 0);
    ConstMatrix values = HeadMatrix(all.values, 0, 0);
    for (ConstMatrix* matrix : {&keys, &values}) {
      matrix->data += at.first_key * matrix->row_stride;
      matrix->rows = at.keys;
    }
    const PieceOfAttention piece =
        Attend({.queries = HeadMatrix(input.queries, 0, 0),
                .position = at.position,
                .left_pad = at.left_pad},
               {.keys = keys, .values = values, .position = at.first_key});
    const std::vector<KeyRange> seen = {
        {.begin = std::min(at.first_key, end),
         .end = std::min(at.first_key + at.keys, end)}};
    const Tensor4 exact = input.Exact(seen);
    for (std::size_t i = 0; i < at.new_len; ++i) {
      const bool any = std::max(at.first_key, at.left_pad) <
                       std::min(at.first_key + at.keys, at.position + i + 1);
      EXPECT_EQ(piece.sum(i) > 0, any) << "query " << i;
      EXPECT_EQ(piece.max(i) > -kInfinity, any) << "query " << i;
      for (std::size_t d = 0; d < 3; ++d) {
        ASSERT_NEAR(piece.mean(i, d), exact(0, 0, i, d), kTolerance)
            << "query " << i;
      }
    }
  }
}

TEST(AttendToPieceTest, AQueryThatSeesNoneOfTheKeysHasTheEmptyPiece) {
  const Input input(12, {.new_len = 3, .total_len = 4});
  const ConstMatrix queries = HeadMatrix(input.queries, 0, 0);
  const ConstMatrix keys = HeadMatrix(input.keys, 0, 0);
  const ConstMatrix values = HeadMatrix(input.values, 0, 0);
  // keys at 7 to 10: the queries at 5 and 6 are before all, that at 7 sees one
  const PieceOfAttention later =
      Attend({.queries = queries, .position = 5},
             {.keys = keys, .values = values, .position = 7});
  ExpectEmpty(later, 0);
  ExpectEmpty(later, 1);
  EXPECT_GT(later.sum(2), 0.0F);
  // keys at 0 to 3, padding up to 4
  const PieceOfAttention padding =
      Attend({.queries = queries, .position = 3, .left_pad = 4},
             {.keys = keys, .values = values});
  for (const std::size_t i : {0, 1, 2}) ExpectEmpty(padding, i);
  // no keys at all
  ConstMatrix none = keys;
  none.rows = 0;
  const PieceOfAttention nothing =
      Attend({.queries = queries, .position = 3},
             {.keys = none, .values = none, .position = 2});
  for (const std::size_t i : {0, 1, 2}) ExpectEmpty(nothing, i);
}

// The first half of the queries is before all keys, and padding hides the first
// keys from the others.
TEST(AttendToPieceTest, QueriesThatSeeNothingMayHaveHundredsOfEverything) {
  struct Case {
    std::size_t queries = 0;
    std::size_t keys = 0;
    std::size_t head_dim = 0;
  };
  for (const auto& [queries, keys, head_dim] :
       std::vector<Case>{{4, 4, 10},
                         {4, 4, 70},
                         {4, 300, 300},
                         {300, 3, 2},
                         {300, 300, 70}}) {
    SCOPED_TRACE(std::to_string(queries) + " queries, " + std::to_string(keys) +
                 " keys, head_dim " + std::to_string(head_dim));
    const Input input(
        19, {.new_len = queries, .total_len = 1'000, .head_dim = head_dim});
    ConstMatrix some_keys = HeadMatrix(input.keys, 0, 0);
    ConstMatrix values = HeadMatrix(input.values, 0, 0);
    some_keys.rows = values.rows = keys;
    for (const std::size_t left_pad : {0, 401, 700}) {
      const PieceOfAttention piece =
          Attend({.queries = HeadMatrix(input.queries, 0, 0),
                  .position = 400 - queries / 2,
                  .left_pad = left_pad},
                 {.keys = some_keys, .values = values, .position = 400});
      const std::size_t first = std::max<std::size_t>(left_pad, 400);
      for (std::size_t i = 0; i < queries; ++i) {
        const bool sees = first < 400 + keys && first <= 400 + i - queries / 2;
        if (400 + i < first + queries / 2 || !sees) {
          ExpectEmpty(piece, i);
        } else {
          EXPECT_GE(piece.sum(i), 0.999F) << "query " << i;
          EXPECT_GT(piece.max(i), -kInfinity) << "query " << i;
        }
      }
    }
  }
}

TEST(AttendToPieceTest, LargeScoresGiveNumbers) {
  const Tensor2 query = {{1000.0F}};
  const Tensor2 values = {{10.0F}, {20.0F}, {40.0F}};
  for (const float sign : {1.0F, -1.0F}) {
    const Tensor2 keys = {{sign}, {sign * 3.0F}, {sign * 3.0F}};
    const PieceOfAttention piece =
        Attend({.queries = Rows(query), .position = 2},
               {.keys = Rows(keys), .values = Rows(values)});
    const float max = sign > 0 ? 3000.0F : -1000.0F;
    EXPECT_NEAR(piece.max(0), max, 1e-3F);
    EXPECT_NEAR(piece.sum(0), sign > 0 ? 2.0F : 1.0F, kTolerance);
    EXPECT_NEAR(piece.mean(0, 0), sign > 0 ? 30.0F : 10.0F, 1e-3F);
  }
}

TEST(AttendToPieceTest, RefusesShapesThatDisagree) {
  const Input input(13, {.new_len = 3, .total_len = 4});
  const QueriesOfHead queries = {.queries = HeadMatrix(input.queries, 0, 0),
                                 .position = 1};
  const KeysOfHead keys = {.keys = HeadMatrix(input.keys, 0, 0),
                           .values = HeadMatrix(input.values, 0, 0)};
  Tensor2 scores = Tensor2::from_shape({3, 4});
  PieceOfAttention piece = EmptyPiece(3, 8);
  KeysOfHead wrong = keys;
  wrong.values.rows = 3;
  EXPECT_THROW(AttendToPiece(queries, wrong, Rows(scores), piece),
               ContractError);
  wrong = keys;
  wrong.keys.cols = 7;
  EXPECT_THROW(AttendToPiece(queries, wrong, Rows(scores), piece),
               ContractError);
  PieceOfAttention other = EmptyPiece(2, 8);
  EXPECT_THROW(AttendToPiece(queries, keys, Rows(scores), other),
               ContractError);
  Tensor2 small = Tensor2::from_shape({3, 3});
  EXPECT_THROW(AttendToPiece(queries, keys, Rows(small), piece), ContractError);
  AttendToPiece(queries, keys, Rows(scores), piece);
  EXPECT_GE(piece.sum(0), 1.0F) << "the largest weight is e^0";
}

TEST(MergePieceTest, RescalesBothToTheLargerMaximumByHand) {
  const double e2 = std::exp(-2.0);
  const double sum = 4 + 3 * e2;
  const double mean = (4 * 10 + 3 * e2 * 50) / sum;
  // The smaller maximum may be on either side.
  PieceOfAttention all = Piece({.max = 5.0F, .sum = 4.0F, .mean = {10.0F}});
  MergePiece(Piece({.max = 3.0F, .sum = 3.0F, .mean = {50.0F}}), all);
  EXPECT_NEAR(all.max(0), 5.0F, 0);
  EXPECT_NEAR(all.sum(0), sum, sum * kMergeBound);
  EXPECT_NEAR(all.mean(0, 0), mean, 50 * kMergeBound);
  all = Piece({.max = 3.0F, .sum = 3.0F, .mean = {50.0F}});
  MergePiece(Piece({.max = 5.0F, .sum = 4.0F, .mean = {10.0F}}), all);
  EXPECT_NEAR(all.max(0), 5.0F, 0);
  EXPECT_NEAR(all.sum(0), sum, sum * kMergeBound);
  EXPECT_NEAR(all.mean(0, 0), mean, 50 * kMergeBound);
}

TEST(MergePieceTest, AnEmptyPieceChangesNothing) {
  const PieceOfAttention some =
      Piece({.max = -7.0F, .sum = 2.5F, .mean = {3.0F, -4.0F}});
  PieceOfAttention all = some;
  MergePiece(EmptyPiece(1, 2), all);
  EXPECT_EQ(all.max(0), -7.0F);
  EXPECT_EQ(all.sum(0), 2.5F);
  EXPECT_TRUE(Near(all.mean, some.mean, 1e-6F));
  all = EmptyPiece(1, 2);
  MergePiece(some, all);
  EXPECT_EQ(all.max(0), -7.0F);
  EXPECT_EQ(all.sum(0), 2.5F);
  EXPECT_TRUE(Near(all.mean, some.mean, 1e-6F));
}

TEST(MergePieceTest, TwoEmptyPiecesAreAnEmptyPiece) {
  PieceOfAttention all = EmptyPiece(3, 2);
  MergePiece(EmptyPiece(3, 2), all);
  for (const std::size_t i : {0, 1, 2}) ExpectEmpty(all, i);
}

TEST(MergePieceTest, LargeScoresGiveNumbers) {
  for (const auto& [large, small] : std::vector<std::pair<float, float>>{
           {3000.0F, 100.0F}, {-100.0F, -3000.0F}, {1e30F, -1e30F}}) {
    SCOPED_TRACE("maxima " + std::to_string(large) + " and " +
                 std::to_string(small));
    PieceOfAttention all = Piece({.max = small, .sum = 3.0F, .mean = {50.0F}});
    MergePiece(Piece({.max = large, .sum = 2.0F, .mean = {-10.0F}}), all);
    EXPECT_EQ(all.max(0), large);
    EXPECT_EQ(all.sum(0), 2.0F);
    EXPECT_NEAR(all.mean(0, 0), -10.0F, 50 * kMergeBound);
    all = Piece({.max = large, .sum = 2.0F, .mean = {-10.0F}});
    MergePiece(Piece({.max = small, .sum = 3.0F, .mean = {50.0F}}), all);
    EXPECT_EQ(all.max(0), large);
    EXPECT_EQ(all.sum(0), 2.0F);
    EXPECT_NEAR(all.mean(0, 0), -10.0F, 50 * kMergeBound);
  }
}

TEST(MergePieceTest, IsExactToItsBound) {
  Random random(14);
  for (int round = 0; round < 200; ++round) {
    const auto draw = [&](float low, float high) {
      return random.NextUniform(low, high);
    };
    const float m1 = draw(-30, 30);
    const float m2 = m1 + draw(-12, 12);
    const float s1 = draw(1, 100);
    const float s2 = draw(1, 100);
    const float o1 = draw(-3, 3);
    const float o2 = draw(-3, 3);
    PieceOfAttention all = Piece({.max = m1, .sum = s1, .mean = {o1}});
    MergePiece(Piece({.max = m2, .sum = s2, .mean = {o2}}), all);
    const double max = std::max(m1, m2);
    const double w1 = double{s1} * std::exp(double{m1} - max);
    const double w2 = double{s2} * std::exp(double{m2} - max);
    const double largest = std::max(std::abs(o1), std::abs(o2));
    ASSERT_NEAR(all.sum(0), w1 + w2, (w1 + w2) * kMergeBound) << round;
    ASSERT_NEAR(all.mean(0, 0), (w1 * o1 + w2 * o2) / (w1 + w2),
                largest * kMergeBound)
        << "round " << round << ", maxima " << m1 << " and " << m2;
  }
}

TEST(MergePieceTest, KeepsQueriesApart) {
  // Query 0 has seen keys in both, 1 in the first, 2 in the second, 3 in none.
  PieceOfAttention all = EmptyPiece(4, 1);
  PieceOfAttention piece = EmptyPiece(4, 1);
  for (const std::size_t i : {0, 1}) {
    all.max(i) = 1;
    all.sum(i) = 2;
    all.mean(i, 0) = 10;
  }
  for (const std::size_t i : {0, 2}) {
    piece.max(i) = 1;
    piece.sum(i) = 2;
    piece.mean(i, 0) = 30;
  }
  MergePiece(piece, all);
  EXPECT_NEAR(all.mean(0, 0), 20.0F, 1e-4F);
  EXPECT_NEAR(all.sum(0), 4.0F, 1e-4F);
  EXPECT_NEAR(all.mean(1, 0), 10.0F, 1e-4F);
  EXPECT_NEAR(all.mean(2, 0), 30.0F, 1e-4F);
  EXPECT_NEAR(all.sum(2), 2.0F, 1e-4F);
  ExpectEmpty(all, 3);
}

// Merges random neighbours or strangers until one piece is left.
PieceOfAttention MergeInAnyTree(Random& random,
                                std::vector<PieceOfAttention> pieces) {
  while (pieces.size() > 1) {
    const std::size_t from = random.NextBelow(pieces.size());
    const PieceOfAttention piece = pieces[from];
    pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>(from));
    MergePiece(piece, pieces[random.NextBelow(pieces.size())]);
  }
  return pieces.front();
}

TEST(MergePieceTest, EveryTreeOfMergesGivesTheSameAttention) {
  Random random(15);
  const Input input(16, {.new_len = 4, .total_len = 40});
  const Tensor4 whole = input.Whole();
  for (int round = 0; round < 30; ++round) {
    std::vector<PieceOfAttention> pieces;
    for (const KeyRange& range : ShuffledPieces(random, 40)) {
      ConstMatrix keys = HeadMatrix(input.keys, 0, 0);
      ConstMatrix values = HeadMatrix(input.values, 0, 0);
      for (ConstMatrix* matrix : {&keys, &values}) {
        matrix->data += range.begin * matrix->row_stride;
        matrix->rows = range.end - range.begin;
      }
      pieces.push_back(
          Attend({.queries = HeadMatrix(input.queries, 0, 0), .position = 36},
                 {.keys = keys, .values = values, .position = range.begin}));
    }
    const std::size_t count = pieces.size();
    const PieceOfAttention all = MergeInAnyTree(random, std::move(pieces));
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t d = 0; d < 8; ++d) {
        ASSERT_NEAR(all.mean(i, d), whole(0, 0, i, d), kTolerance)
            << "round " << round << ", " << count << " pieces, query " << i;
      }
    }
  }
}

TEST(MergePieceTest, RefusesShapesThatDisagree) {
  PieceOfAttention all = EmptyPiece(3, 4);
  EXPECT_THROW(MergePiece(EmptyPiece(2, 4), all), ContractError);
  EXPECT_THROW(MergePiece(EmptyPiece(3, 5), all), ContractError);
  PieceOfAttention broken = EmptyPiece(3, 4);
  broken.sum = Tensor1::from_shape({2});
  EXPECT_THROW(MergePiece(broken, all), ContractError);
  MergePiece(EmptyPiece(3, 4), all);
  EXPECT_EQ(all.sum(2), 0.0F);
}

TEST(AttentionInPiecesTest, IsCausalAttentionForPiecesOfEveryLength) {
  Input input(
      20,
      {.batch = 3, .heads = 4, .kv_heads = 2, .new_len = 5, .total_len = 19});
  input.left_pad = {3, 0, 17};
  const Tensor4 whole = input.Whole();
  for (std::size_t length = 1; length <= 20; ++length) {
    SCOPED_TRACE("pieces of " + std::to_string(length) + " of 19 keys");
    ASSERT_TRUE(
        Near(input.InPieces(Pieces({.total_len = 19, .length = length})), whole,
             kTolerance));
  }
}

TEST(AttentionInPiecesTest, IsCausalAttentionInEveryOrder) {
  Input input(
      21,
      {.batch = 2, .heads = 6, .kv_heads = 3, .new_len = 7, .total_len = 30});
  input.left_pad = {0, 11};
  const Tensor4 whole = input.Whole();
  Random random(22);
  for (int round = 0; round < 25; ++round) {
    SCOPED_TRACE("round " + std::to_string(round));
    const std::vector<KeyRange> ranges = ShuffledPieces(random, 30);
    ASSERT_TRUE(Near(input.InPieces(ranges), whole, kTolerance));
  }
}

TEST(AttentionInPiecesTest, IsCausalAttentionForSizesOfEveryKind) {
  for (const Sizes& sizes : std::vector<Sizes>{{.batch = 1,
                            .heads = 8,
                            .kv_heads = 1,
                            .new_len = 1,
                            .total_len = 600,
                            .head_dim = 64},
                                               {.batch = 2,
                                               .heads = 2,
                                               .kv_heads = 2,
                                               .new_len = 270,
                                               .total_len = 300,
                                               .head_dim = 3},
                                               {.batch = 260,
                                               .heads = 2,
                                               .kv_heads = 1,
                                               .new_len = 2,
                                               .total_len = 5,
                                               .head_dim = 1},
                                               {.batch = 1,
                                               .heads = 270,
                                               .kv_heads = 90,
                                               .new_len = 2,
                                               .total_len = 20,
                                               .head_dim = 2},
                                               {.batch = 1,
                                               .heads = 258,
                                               .kv_heads = 258,
                                               .new_len = 1,
                                               .total_len = 260,
                                               .head_dim = 1},
                                               {.batch = 1,
                                               .heads = 260,
                                               .kv_heads = 1,
                                               .new_len = 2,
                                               .total_len = 300,
                                               .head_dim = 3},
                                               {.batch = 2,
                                               .heads = 4,
                                               .kv_heads = 2,
                                               .new_len = 4,
                                               .total_len = 13,
                                               .head_dim = 265}}) {
    Input input(23, sizes);
    for (std::size_t b = 0; b < sizes.batch; b += 2) {
      input.left_pad.resize(sizes.batch);
      input.left_pad[b] = 1 + b % 4;
    }
    for (const std::size_t length : {3, 16, 130, 300}) {
      SCOPED_TRACE(std::to_string(sizes.batch) + " rows, " +
                   std::to_string(sizes.heads) + " heads on " +
                   std::to_string(sizes.kv_heads) + ", " +
                   std::to_string(sizes.new_len) + " of " +
                   std::to_string(sizes.total_len) + " tokens, head_dim " +
                   std::to_string(sizes.head_dim) + ", pieces of " +
                   std::to_string(length));
      ASSERT_TRUE(Near(input.InPieces(Pieces(
                           {.total_len = sizes.total_len, .length = length})),
                       input.Whole(), 5e-5F));
    }
    input.left_pad = {};
    ASSERT_TRUE(Near(
        input.InPieces(Pieces({.total_len = sizes.total_len, .length = 16})),
        input.Whole(), 5e-5F))
        << sizes.batch << " rows without padding";
  }
}

// Padding is different in each row, from none to all tokens but one.
// Not for rows and heads: an answer may have a thread for each head of each
// row.
TEST(AttentionInPiecesTest, IsCausalAttentionForTwoSizesOfHundreds) {
  const auto few = [](std::size_t head_dim) {
    return Sizes{
        .batch = 2, .new_len = 2, .total_len = 5, .head_dim = head_dim};
  };
  std::vector<Sizes> cases;
  for (const auto size : {&Sizes::batch, &Sizes::heads, &Sizes::kv_heads}) {
    for (const auto& [new_len, total_len, head_dim] :
         std::vector<std::array<std::size_t, 3>>{
             {2, 270, 1}, {260, 264, 1}, {3, 7, 260}}) {
      Sizes sizes = few(head_dim);
      sizes.batch = size == &Sizes::kv_heads ? 1 : 2;
      sizes.*size = 260;
      sizes.heads = std::max(sizes.heads, sizes.kv_heads);
      sizes.new_len = new_len;
      sizes.total_len = total_len;
      cases.push_back(sizes);
    }
  }
  cases.push_back(few(260));
  cases.back().total_len = 270;
  cases.push_back(cases.back());
  cases.back().new_len = 260;
  cases.push_back(few(2));
  cases.back().new_len = 260;
  cases.back().total_len = 600;
  for (const Sizes& sizes : cases) {
    SCOPED_TRACE(std::to_string(sizes.batch) + " rows, " +
                 std::to_string(sizes.heads) + " heads on " +
                 std::to_string(sizes.kv_heads) + ", " +
                 std::to_string(sizes.new_len) + " of " +
                 std::to_string(sizes.total_len) + " tokens, head_dim " +
                 std::to_string(sizes.head_dim));
    Input input(34, sizes);
    for (std::size_t b = 0; b < sizes.batch; ++b) {
      input.left_pad.push_back(b * 283 % sizes.total_len);
    }
    const Tensor4 whole = input.Whole();
    // Hundreds of ranges, where there are few queries of each head.
    for (const std::size_t length : {sizes.new_len > 9 ? 130U : 1U, 263U}) {
      ASSERT_TRUE(Near(input.InPieces(Pieces(
                           {.total_len = sizes.total_len, .length = length})),
                       whole, 1e-4F))
          << "pieces of " << length;
    }
  }
}

// A long range first, and hundreds of short ones of many lengths, in random
// order: the scratch of the first must do for all.
TEST(AttentionInPiecesTest, IsCausalAttentionInHundredsOfRanges) {
  Random random(31);
  for (const Sizes& sizes : std::vector<Sizes>{{.batch = 2,
                            .heads = 4,
                            .kv_heads = 2,
                            .new_len = 5,
                            .total_len = 1'500,
                            .head_dim = 5},
                                               {.batch = 1,
                                               .heads = 2,
                                               .kv_heads = 2,
                                               .new_len = 270,
                                               .total_len = 1'500,
                                               .head_dim = 2},
                                               {.batch = 3,
                                               .heads = 2,
                                               .kv_heads = 1,
                                               .new_len = 3,
                                               .total_len = 1'200,
                                               .head_dim = 270}}) {
    SCOPED_TRACE(std::to_string(sizes.new_len) + " queries, head_dim " +
                 std::to_string(sizes.head_dim));
    Input input(32, sizes);
    input.left_pad = {300, 0, 1'000};
    input.left_pad.resize(sizes.batch);
    const std::size_t last = sizes.total_len;
    std::vector<KeyRange> ranges = {{.begin = 260, .end = 600},
                                    {.begin = 600, .end = 600}};
    for (const KeyRange& rest :
         {KeyRange{.begin = 0, .end = 260}, {.begin = 600, .end = last}}) {
      for (std::size_t begin = rest.begin; begin < rest.end;) {
        const std::size_t end =
            std::min(begin + 1 + random.NextBelow(5), rest.end);
        ranges.push_back({.begin = begin, .end = end});
        begin = end;
      }
    }
    ASSERT_GE(ranges.size(), 258U);
    for (std::size_t i = ranges.size(); i > 2; --i) {
      std::swap(ranges[i - 1], ranges[1 + random.NextBelow(i - 1)]);
    }
    // Scores of size 4: exponentials of 1e-6, merged hundreds of times.
    EXPECT_TRUE(Near(input.InPieces(ranges), input.Whole(), 5e-5F));
    std::ranges::reverse(ranges);
    EXPECT_TRUE(Near(input.InPieces(ranges), input.Whole(), 5e-5F));
  }
}

// As a window with sinks would: the first 2 keys and the last 6.
TEST(AttentionInPiecesTest, KeysInNoRangeAreNotSeen) {
  const Input input(
      24,
      {.batch = 2, .heads = 4, .kv_heads = 2, .new_len = 3, .total_len = 20});
  const std::vector<KeyRange> ranges = {{.begin = 14, .end = 20},
                                        {.begin = 0, .end = 2}};
  EXPECT_TRUE(Near(input.InPieces(ranges), input.Exact(ranges), kTolerance));
}

// Every second row is padding up to its last token, so what a row has seen must
// not stay for the queries of the next.
TEST(AttentionInPiecesTest, QueriesThatSeeNothingYieldZerosAfterAnyRow) {
  for (const std::size_t new_len : {2, 3, 12, 70, 270}) {
    SCOPED_TRACE(std::to_string(new_len) + " queries");
    // More rows than threads: each thread has rows of both kinds.
    Input input(33, {.batch = 80,
                     .new_len = new_len,
                     .total_len = new_len + 5,
                     .head_dim = 2});
    for (std::size_t b = 0; b < 80; ++b) {
      input.left_pad.push_back(b % 2 == 0 ? 0 : new_len + 4);
    }
    const std::vector<KeyRange> ranges = {{.begin = 0, .end = 4},
                                          {.begin = 4, .end = new_len + 5}};
    const Tensor4 attended = input.InPieces(ranges);
    EXPECT_TRUE(Near(attended, input.Whole(), kTolerance));
    for (std::size_t b = 1; b < 80; b += 2) {
      for (std::size_t i = 0; i + 1 < new_len; ++i) {
        EXPECT_EQ(attended(b, 0, i, 1), 0.0F) << "row " << b << ", query " << i;
      }
    }
  }
}

TEST(AttentionInPiecesTest, WithoutKeysTheResultIsZero) {
  const Input input(25, {.heads = 2, .kv_heads = 2, .total_len = 9});
  const Tensor4 none = input.InPieces({});
  const std::vector<KeyRange> empty = {{.begin = 4, .end = 4}};
  const Tensor4 of_an_empty_range = input.InPieces(empty);
  for (std::size_t d = 0; d < 8; ++d) {
    EXPECT_EQ(none(0, 1, 0, d), 0.0F);
    EXPECT_EQ(of_an_empty_range(0, 1, 0, d), 0.0F);
  }
}

TEST(AttentionInPiecesTest, IsExactToItsBoundOverThousandsOfPieces) {
  Input input(26, {.new_len = 2, .total_len = 3'000, .head_dim = 4});
  // Each key has a larger score than the last, so the maximum always moves.
  for (std::size_t s = 0; s < 3'000; ++s) {
    input.keys(0, 0, s, 0) = 2e-3F * static_cast<float>(s);
  }
  for (std::size_t i = 0; i < 2; ++i) input.queries(0, 0, i, 0) = 5.0F;
  const std::vector<KeyRange> ranges =
      Pieces({.total_len = 3'000, .length = 1});
  const Tensor4 exact = input.Exact(ranges);
  const Tensor4 pieces = input.InPieces(ranges);
  // Values are below 1; scores of up to 15 in float32 move weights by 4e-6.
  const double bound = kMergeBound + 3'000.0 / (1 << 21) + 4e-6;
  for (std::size_t i = 0; i < 2; ++i) {
    for (std::size_t d = 0; d < 4; ++d) {
      EXPECT_NEAR(pieces(0, 0, i, d), exact(0, 0, i, d), bound);
    }
  }
}

TEST(AttentionInPiecesTest, LargeScoresGiveNumbers) {
  Input input(27, {.new_len = 3, .total_len = 12});
  for (const float size : {1e3F, -1e3F}) {
    for (std::size_t s = 0; s < 12; ++s) {
      for (std::size_t d = 0; d < 8; ++d) {
        input.keys(0, 0, s, d) = (s % 3 == 0 ? 1.0F : 0.5F) * size;
      }
    }
    for (float& query : input.queries) query = std::abs(query);
    const std::vector<KeyRange> ranges = Pieces({.total_len = 12, .length = 5});
    EXPECT_TRUE(Near(input.InPieces(ranges), input.Exact(ranges), 1e-3F))
        << "scores of a thousand and more, sign " << size;
  }
}

TEST(AttentionInPiecesTest, AllocatesTheSameForAnyNumberOfKeysAndPieces) {
  struct Allocated {
    std::uint64_t calls = 0;
    std::uint64_t bytes = 0;
  };
  const auto allocated = [](std::size_t total_len) {
    const Input input(28, {.batch = 2,
                           .heads = 4,
                           .kv_heads = 2,
                           .new_len = 3,
                           .total_len = total_len,
                           .head_dim = 16});
    const std::vector<KeyRange> ranges =
        Pieces({.total_len = total_len, .length = 16});
    input.InPieces(ranges);  // what the first call needs for good
    const std::uint64_t calls = AllocationCount();
    const std::uint64_t bytes = AllocatedBytes();
    input.InPieces(ranges);
    return Allocated{AllocationCount() - calls, AllocatedBytes() - bytes};
  };
  const Allocated few = allocated(32);
  const Allocated many = allocated(4'096);
  EXPECT_EQ(many.calls, few.calls) << "4,096 keys in 256 pieces, against 2";
  EXPECT_EQ(many.bytes, few.bytes) << "scores of all keys would be "
                                   << 3 * 4'096 * sizeof(float) << " bytes";
}

TEST(AttentionInPiecesTest, CountsTheWorkOfTwoProducts) {
  const Input input(
      29,
      {.batch = 2, .heads = 4, .kv_heads = 2, .new_len = 3, .total_len = 20});
  const std::vector<KeyRange> ranges = Pieces({.total_len = 20, .length = 6});
  const WorkCounts before = CountedWork();
  input.InPieces(ranges);
  const WorkCounts work = CountedWork() - before;
  // Queries at 17, 18 and 19 see 18, 19 and 20 keys.
  EXPECT_GE(work[Work::kAttention], 2U * 4 * (18 + 19 + 20) * 2 * 8);
  EXPECT_LE(work[Work::kAttention], 2U * 4 * 3 * 20 * 2 * 8);
  EXPECT_EQ(work.Total(), work[Work::kAttention]);
}

TEST(AttentionInPiecesTest, RefusesWhatDoesNotFit) {
  Input input(
      30,
      {.batch = 2, .heads = 4, .kv_heads = 2, .new_len = 3, .total_len = 9});
  const std::vector<KeyRange> ranges = Pieces({.total_len = 9, .length = 4});
  for (const KeyRange& wrong : {KeyRange{.begin = 5, .end = 4},
                                {.begin = 8, .end = 10},
                                {.begin = 10, .end = 10}}) {
    const std::vector<KeyRange> with_wrong = {{.begin = 0, .end = 5}, wrong};
    EXPECT_THROW(input.InPieces(with_wrong), ContractError)
        << wrong.begin << " to " << wrong.end << " of 9 keys";
  }
  input.left_pad = {1, 2, 3};
  EXPECT_THROW(input.InPieces(ranges), ContractError);
  input.left_pad = {};
  const Tensor4 three_heads = Tensor4::from_shape({2, 3, 9, 8});
  EXPECT_THROW(AttentionInPieces(input.queries, View(three_heads),
                                 View(three_heads), {.ranges = ranges}),
               ContractError);
  const Tensor4 two_keys = Tensor4::from_shape({2, 2, 2, 8});
  EXPECT_THROW(AttentionInPieces(input.queries, View(two_keys), View(two_keys),
                                 {.ranges = {}}),
               ContractError);
  EXPECT_TRUE(Near(input.InPieces(ranges), input.Whole(), kTolerance));
}

}  // namespace
}  // namespace kvlab
