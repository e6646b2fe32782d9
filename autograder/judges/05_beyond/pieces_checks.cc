// Module 5, task 5.2: attention in pieces.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "autograder/exam/work_trial.h"
#include "autograder/judges/01_attention/attention_input.h"
#include "autograder/judges/03_memoization/cache_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// --- one piece ---

// Queries of one head, and all keys of its row.
struct HeadInput {
  Array queries;  // [T, D]
  Array keys;     // [S, D]
  Array values;   // [S, D]
  std::size_t position = 0;
  std::size_t left_pad = 0;

  std::size_t NewLen() const { return queries.shape[0]; }
  std::size_t HeadDim() const { return queries.shape[1]; }
};

struct Range {
  std::size_t begin = 0;
  std::size_t end = 0;
};

HeadInput RandomHead(Random& random, std::size_t new_len, std::size_t total_len,
                     std::size_t head_dim) {
  return {.queries = RandomArray(random, {new_len, head_dim}, 3.0F),
          .keys = RandomArray(random, {total_len, head_dim}),
          .values = RandomArray(random, {total_len, head_dim}),
          .position = total_len - new_len};
}

Question AttendQuestion(const HeadInput& input, const Range& range) {
  return {input.queries, Int(input.position), Int(input.left_pad), input.keys,
          input.values,  Int(range.begin),    Int(range.end)};
}

// What can be wrong with a piece, as an answer shows it.
enum class PieceMistake {
  kNone,
  kPositionsInThePiece,  // the mask counts from the piece's first key
  kPaddingSeen,
  kFutureSeen,
  kNotDivided,  // the sum of weighted values instead of their mean
  kNoScale,
};

// A piece in double.
struct ExactPiece {
  std::vector<double> seen;  // 1 or 0
  std::vector<double> max;   // 0 where nothing was seen
  std::vector<double> sum;
  std::vector<double> mean;  // [T, D]
};

ExactPiece SlowPiece(const HeadInput& input, const Range& range,
                     PieceMistake mistake) {
  const std::size_t head_dim = input.HeadDim();
  const double scale = mistake == PieceMistake::kNoScale
                           ? 1
                           : 1 / std::sqrt(static_cast<double>(head_dim));
  ExactPiece piece;
  for (std::size_t i = 0; i < input.NewLen(); ++i) {
    std::vector<std::pair<std::size_t, double>> scores;
    double max = -kInfinity;
    for (std::size_t s = range.begin; s < range.end; ++s) {
      const std::size_t at =
          mistake == PieceMistake::kPositionsInThePiece ? s - range.begin : s;
      if (mistake != PieceMistake::kPaddingSeen && at < input.left_pad) {
        continue;
      }
      if (mistake != PieceMistake::kFutureSeen && at > input.position + i) {
        continue;
      }
      double score = 0;
      for (std::size_t d = 0; d < head_dim; ++d) {
        score += double{input.queries.values[i * head_dim + d]} *
                 double{input.keys.values[s * head_dim + d]};
      }
      scores.emplace_back(s, score * scale);
      max = std::max(max, score * scale);
    }
    double sum = 0;
    std::vector<double> mean(head_dim, 0);
    for (const auto& [s, score] : scores) {
      const double weight = std::exp(score - max);
      sum += weight;
      for (std::size_t d = 0; d < head_dim; ++d) {
        mean[d] += weight * double{input.values.values[s * head_dim + d]};
      }
    }
    const double divisor =
        scores.empty() || mistake == PieceMistake::kNotDivided ? 1 : sum;
    for (const double weighted : mean) piece.mean.push_back(weighted / divisor);
    piece.seen.push_back(scores.empty() ? 0 : 1);
    piece.max.push_back(scores.empty() ? 0 : max);
    piece.sum.push_back(sum);
  }
  return piece;
}

Array ToFloats(const std::vector<double>& numbers,
               std::vector<std::size_t> shape) {
  Array array = {.shape = std::move(shape), .values = {}};
  for (const double number : numbers) {
    array.values.push_back(static_cast<float>(number));
  }
  return array;
}

std::string RecognisePiece(const Array& mean, const HeadInput& input,
                           const Range& range, double tolerance) {
  constexpr std::array<std::pair<PieceMistake, const char*>, 5> kHints = {
      {{PieceMistake::kPositionsInThePiece,
        "positions count from the first key of the piece; they are those of "
        "the "
        "sequence: key r of a piece is at position + r"},
       {PieceMistake::kPaddingSeen, "keys of the left padding are seen"},
       {PieceMistake::kFutureSeen, "keys after the query are seen"},
       {PieceMistake::kNotDivided,
        "the weighted values were summed, and not divided by the sum of "
        "weights"},
       {PieceMistake::kNoScale, "scores are not divided by sqrt(head_dim)"}}};
  const Array right =
      ToFloats(SlowPiece(input, range, PieceMistake::kNone).mean, mean.shape);
  for (const auto& [mistake, hint] : kHints) {
    const Array wrong =
        ToFloats(SlowPiece(input, range, mistake).mean, mean.shape);
    if (!Agree(wrong, right, tolerance) && Agree(mean, wrong, tolerance)) {
      return hint;
    }
  }
  return "";
}

// Compares the four arrays of a piece.
void ComparePiece(Exam& exam, const Values& answer, const ExactPiece& right,
                  const std::vector<std::size_t>& shape,
                  const std::string& about, const Recognise& recognise) {
  const std::vector<std::size_t> queries = {shape[0]};
  exam.Case(about + "; whether the maximum is above -infinity");
  CompareArrays(exam, exam.Get<Array>(answer, 0), ToFloats(right.seen, queries),
                {"query"});
  exam.Case(about + "; the means");
  CompareArrays(exam, exam.Get<Array>(answer, 3), ToFloats(right.mean, shape),
                {"query", "feature"}, recognise);
  exam.Case(about + "; the maxima");
  CompareArrays(exam, exam.Get<Array>(answer, 1), ToFloats(right.max, queries),
                {"query"});
  exam.Case(about + "; the sums");
  CompareArrays(exam, exam.Get<Array>(answer, 2), ToFloats(right.sum, queries),
                {"query"});
}

void CompareAttend(Exam& exam, const HeadInput& input, const Range& range) {
  const std::string about = fmt::format(
      "queries: {}, of head_dim {}, from position {} on; {} from position {} "
      "on{}",
      input.NewLen(), input.HeadDim(), input.position,
      Count(range.end - range.begin, "key"), range.begin,
      input.left_pad > 0
          ? fmt::format(", padding up to position {}", input.left_pad)
          : "");
  exam.Case(about);
  const Values answer =
      exam.AskStudent("pieces.attend", AttendQuestion(input, range));
  ComparePiece(exam, answer, SlowPiece(input, range, PieceMistake::kNone),
               input.queries.shape, about, [&](const Array& mean) {
                 return RecognisePiece(mean, input, range,
                                       exam.Setting("tolerance"));
               });
}

void OnePiece(Exam& exam) {
  Random& random = exam.Randomness();
  for (int round = 0; round < 12; ++round) {
    const std::size_t total_len = Between(random, 12, 60);
    const std::size_t new_len = Between(random, 1, 7);
    HeadInput input =
        RandomHead(random, new_len, total_len, Between(random, 1, 9));
    const std::size_t first = Between(random, 0, total_len - 8);
    // All keys see something: what is hidden whole is for EmptyPieces.
    if (round % 3 == 1) input.left_pad = first + Between(random, 1, 3);
    const std::size_t end =
        round % 4 == 0 ? total_len : Between(random, first + 5, total_len);
    if (round % 2 == 1) input.position = first + 4;
    CompareAttend(exam, input, {.begin = first, .end = end});
  }
  for (const std::size_t length : {1U, 64U, 65U, 129U, 700U}) {
    const HeadInput input = RandomHead(random, 3, length + 20, 5);
    CompareAttend(exam, input, {.begin = 9, .end = 9 + length});
  }
  for (const std::size_t head_dim : {64U, 265U}) {
    CompareAttend(exam, RandomHead(random, 270, 300, head_dim),
                  {.begin = 3, .end = 19});
  }
  // Positions in the hundreds: queries within the keys, after them, more than
  // there are keys; padding that ends within the keys.
  for (const auto& [position, left_pad, new_len] :
       std::vector<std::array<std::size_t, 3>>{{300, 0, 30},
                                               {310, 305, 5},
                                               {330, 319, 4},
                                               {295, 0, 270},
                                               {500, 300, 3}}) {
    HeadInput input = RandomHead(random, new_len, 700, Between(random, 2, 5));
    input.position = position;
    input.left_pad = left_pad;
    CompareAttend(exam, input, {.begin = 300, .end = 320});
    CompareAttend(exam, input, {.begin = 40, .end = 320});
  }
}

// --- pieces that see nothing ---

void EmptyPieces(Exam& exam) {
  Random& random = exam.Randomness();
  HeadInput input = RandomHead(random, 4, 20, Between(random, 2, 9));
  // Some queries, then all of them, before every key of the piece.
  input.position = 6;
  CompareAttend(exam, input, {.begin = 8, .end = 15});
  CompareAttend(exam, input, {.begin = 10, .end = 15});
  // No keys at all: at the beginning, within, and at the end.
  for (const std::size_t at : {0U, 7U, 20U}) {
    CompareAttend(exam, input, {.begin = at, .end = at});
  }
  // Padding over all keys of the piece, and over some of the queries.
  input.left_pad = 8;
  CompareAttend(exam, input, {.begin = 0, .end = 8});
  CompareAttend(exam, input, {.begin = 4, .end = 20});
  // The same for hundreds of queries, keys and features: half of the queries
  // are before all keys, and padding hides the first keys from the others.
  const std::size_t large = Between(random, 260, 280);
  for (const auto& [queries, keys, head_dim] :
       std::vector<std::array<std::size_t, 3>>{{4, 5, 10},
                                               {4, 5, 70},
                                               {4, large, large},
                                               {large, 3, 2},
                                               {large, large, 70}}) {
    HeadInput wide = RandomHead(random, queries, 700, head_dim);
    wide.position = 400 - queries / 2;
    for (const std::size_t left_pad : {0, 401, 690}) {
      wide.left_pad = left_pad;
      CompareAttend(exam, wide, {.begin = 400, .end = 400 + keys});
    }
  }
}

// --- merging ---

// Pieces of `queries`, each of which has seen something unless `seen` is 0.
ExactPiece RandomPiece(Random& random, std::size_t queries,
                       std::size_t head_dim, float spread) {
  ExactPiece piece;
  const auto draw = [&](float low, float high) {
    return double{random.NextUniform(low, high)};
  };
  for (std::size_t i = 0; i < queries; ++i) {
    piece.seen.push_back(1);
    piece.max.push_back(draw(-spread, spread));
    piece.sum.push_back(draw(1, 90));
    for (std::size_t d = 0; d < head_dim; ++d) {
      piece.mean.push_back(draw(-3, 3));
    }
  }
  return piece;
}

void Forget(ExactPiece& piece, std::size_t query) {
  const std::size_t head_dim = piece.mean.size() / piece.seen.size();
  piece.seen[query] = 0;
  piece.max[query] = 0;
  piece.sum[query] = 0;
  std::fill_n(piece.mean.begin() + Int(query * head_dim), head_dim, 0.0);
}

enum class MergeMistake {
  kNone,
  kNoRescale,
  kMeanOfMeans,
  kOldNotRescaled,
  kNewNotRescaled,
};

ExactPiece SlowMerge(const ExactPiece& piece, const ExactPiece& all,
                     MergeMistake mistake) {
  ExactPiece merged = all;
  const std::size_t head_dim = all.mean.size() / all.seen.size();
  for (std::size_t i = 0; i < all.seen.size(); ++i) {
    if (piece.seen[i] == 0) continue;
    const double max =
        all.seen[i] == 0 ? piece.max[i] : std::max(piece.max[i], all.max[i]);
    double from = piece.sum[i] * std::exp(piece.max[i] - max);
    double to = all.seen[i] == 0 ? 0 : all.sum[i] * std::exp(all.max[i] - max);
    if (mistake == MergeMistake::kNoRescale ||
        mistake == MergeMistake::kNewNotRescaled) {
      from = piece.sum[i];
    }
    if (mistake == MergeMistake::kNoRescale ||
        mistake == MergeMistake::kOldNotRescaled) {
      to = all.sum[i];
    }
    if (mistake == MergeMistake::kMeanOfMeans) from = to = 1;
    for (std::size_t d = 0; d < head_dim; ++d) {
      double& mean = merged.mean[i * head_dim + d];
      mean = (from * piece.mean[i * head_dim + d] + to * mean) / (from + to);
    }
    merged.seen[i] = 1;
    merged.max[i] = max;
    merged.sum[i] = from + to;
  }
  return merged;
}

Question PieceQuestion(const ExactPiece& piece,
                       const std::vector<std::size_t>& shape) {
  const std::vector<std::size_t> queries = {shape[0]};
  return {ToFloats(piece.seen, queries), ToFloats(piece.max, queries),
          ToFloats(piece.sum, queries), ToFloats(piece.mean, shape)};
}

// Merges, and holds the answer to the bound of the header.
void CompareMerge(Exam& exam, const ExactPiece& piece, const ExactPiece& all,
                  const std::string& about) {
  constexpr double kBound = 1.0 / (1 << 18);
  const std::vector<std::size_t> shape = {all.seen.size(),
                                          all.mean.size() / all.seen.size()};
  Question question = PieceQuestion(piece, shape);
  for (auto& value : PieceQuestion(all, shape)) question.push_back(value);
  exam.Case(about);
  const Values answer = exam.AskStudent("pieces.merge", question);
  const ExactPiece right = SlowMerge(piece, all, MergeMistake::kNone);
  const double tolerance = exam.Setting("tolerance");
  // First in general, for a message that says what is wrong.
  ComparePiece(exam, answer, right, shape, about, [&](const Array& mean) {
    constexpr std::array<std::pair<MergeMistake, const char*>, 4> kHints = {
        {{MergeMistake::kNoRescale,
          "both count with their own sums, as if their maxima were equal: "
          "rescale each by e^(m - m')"},
         {MergeMistake::kMeanOfMeans,
          "both pieces count alike; they count by their rescaled sums"},
         {MergeMistake::kOldNotRescaled,
          "what was there before is not rescaled to the new maximum"},
         {MergeMistake::kNewNotRescaled,
          "the new piece is not rescaled to the common maximum"}}};
    const Array exact = ToFloats(right.mean, shape);
    for (const auto& [mistake, hint] : kHints) {
      const Array wrong = ToFloats(SlowMerge(piece, all, mistake).mean, shape);
      if (!Agree(wrong, exact, tolerance) && Agree(mean, wrong, tolerance)) {
        return std::string(hint);
      }
    }
    return std::string();
  });
  const Array& sum = exam.Get<Array>(answer, 2);
  const Array& mean = exam.Get<Array>(answer, 3);
  exam.Case(about);
  for (std::size_t i = 0; i < shape[0]; ++i) {
    if (std::abs(sum.values[i] - right.sum[i]) > kBound * right.sum[i]) {
      exam.Fail("a sum is less exact than the header promises");
    }
    for (std::size_t d = 0; d < shape[1]; ++d) {
      const std::size_t at = i * shape[1] + d;
      const double largest =
          std::max(std::abs(piece.mean[at]), std::abs(all.mean[at]));
      if (std::abs(mean.values[at] - right.mean[at]) > kBound * largest) {
        exam.Fail("a mean is less exact than the header promises");
      }
    }
  }
}

// Numbers as float32 has them, so that both sides compute with the same.
ExactPiece Rounded(ExactPiece piece) {
  for (std::vector<double>* numbers :
       {&piece.seen, &piece.max, &piece.sum, &piece.mean}) {
    for (double& number : *numbers) {
      number = double{static_cast<float>(number)};
    }
  }
  return piece;
}

void Merging(Exam& exam) {
  Random& random = exam.Randomness();
  for (const float spread : {0.5F, 3.0F, 12.0F, 40.0F}) {
    const std::size_t queries = Between(random, 20, 60);
    const std::size_t head_dim = Between(random, 1, 20);
    CompareMerge(exam, Rounded(RandomPiece(random, queries, head_dim, spread)),
                 Rounded(RandomPiece(random, queries, head_dim, spread)),
                 fmt::format("maxima up to {:.1f} apart", 2 * spread));
  }
}

void MergingEmptyPieces(Exam& exam) {
  Random& random = exam.Randomness();
  EmptyPieces(exam);
  // Query 0 has seen keys in both, 1 in none, 2 and 3 in one of the two.
  ExactPiece piece = Rounded(RandomPiece(random, 4, 5, 2));
  ExactPiece all = Rounded(RandomPiece(random, 4, 5, 2));
  for (const std::size_t query : {1, 2}) Forget(piece, query);
  for (const std::size_t query : {1, 3}) Forget(all, query);
  CompareMerge(exam, piece, all,
               "some queries have seen keys in both pieces, some in one, some "
               "in none");
}

void LargeScores(Exam& exam) {
  Random& random = exam.Randomness();
  for (const double large : {1e3, -1e3, 1e30}) {
    ExactPiece piece = Rounded(RandomPiece(random, 9, 3, 1));
    ExactPiece all = Rounded(RandomPiece(random, 9, 3, 1));
    for (double& max : piece.max) max += large;
    for (std::size_t i = 0; i < 9; ++i) {
      all.max[i] += i % 2 == 0 ? -large : large * (1 - 1e-3);
    }
    CompareMerge(exam, Rounded(piece), Rounded(all),
                 fmt::format("maxima of size {:.0e}", std::abs(large)));
  }
  for (const float size : {300.0F, -300.0F}) {
    HeadInput input = RandomHead(random, 5, 30, 4);
    for (float& query : input.queries.values) query = std::abs(query) + 1;
    for (float& key : input.keys.values) {
      key = size * (key > 0 ? 1.0F : 0.5F);
    }
    CompareAttend(exam, input, {.begin = 2, .end = 27});
  }
}

// --- any partition, any order ---

// Positions 0 .. total_len - 1 cut at random places, in random order, with two
// ranges of no keys.
std::vector<Range> ShuffledRanges(Random& random, std::size_t total_len,
                                  std::size_t cuts) {
  std::vector<std::size_t> places = {0, total_len};
  for (std::size_t cut = 0; cut < cuts; ++cut) {
    places.push_back(Between(random, 0, total_len));
  }
  std::ranges::sort(places);
  std::vector<Range> ranges = {{0, 0}, {total_len, total_len}};
  for (std::size_t i = 0; i + 1 < places.size(); ++i) {
    ranges.push_back({places[i], places[i + 1]});
  }
  for (std::size_t i = ranges.size(); i > 1; --i) {
    std::swap(ranges[i - 1], ranges[random.NextBelow(i)]);
  }
  return ranges;
}

std::vector<Range> EqualRanges(std::size_t total_len, std::size_t length) {
  std::vector<Range> ranges;
  for (std::size_t begin = 0; begin < total_len; begin += length) {
    ranges.push_back({begin, std::min(begin + length, total_len)});
  }
  return ranges;
}

Integers ToIntegers(const std::vector<Range>& ranges) {
  Integers ends;
  for (const auto& [begin, end] : ranges) {
    ends.push_back(Int(begin));
    ends.push_back(Int(end));
  }
  return ends;
}

void AnyTree(Exam& exam) {
  Random& random = exam.Randomness();
  for (int round = 0; round < 15; ++round) {
    const std::size_t total_len = Between(random, 20, 90);
    HeadInput input = RandomHead(random, Between(random, 1, 6), total_len,
                                 Between(random, 2, 9));
    if (round % 3 == 0) input.left_pad = Between(random, 1, total_len / 2);
    const std::vector<Range> ranges =
        ShuffledRanges(random, total_len, Between(random, 1, 14));
    std::vector<std::size_t> left;  // pieces that are not merged yet
    for (std::size_t i = 0; i < ranges.size(); ++i) left.push_back(i);
    Integers merges;
    while (left.size() > 1) {
      const std::size_t from = random.NextBelow(left.size());
      merges.push_back(Int(left[from]));
      left.erase(left.begin() + Int(from));
      merges.push_back(Int(left[random.NextBelow(left.size())]));
    }
    const std::string about =
        fmt::format("{} pieces of {} keys, merged in random order and grouping",
                    ranges.size(), total_len);
    Question question = {
        input.queries, Int(input.position), Int(input.left_pad),
        input.keys,    input.values,        ToIntegers(ranges),
        merges};
    exam.Case(about);
    const Values answer = exam.AskStudent("pieces.tree", question);
    const Range all = {0, total_len};
    ComparePiece(exam, answer, SlowPiece(input, all, PieceMistake::kNone),
                 input.queries.shape, about, nullptr);
  }
}

// What the header allows for that many ranges, beside the rubric's tolerance.
double ToleranceInPieces(Exam& exam, const AttentionSizes& sizes,
                         std::size_t ranges) {
  return ToleranceFor(sizes, exam.Setting("tolerance")) +
         static_cast<double>(ranges) / (1 << 21);
}

void CompareInPieces(Exam& exam, const AttentionInput& input,
                     const std::vector<Range>& ranges,
                     const std::string& about) {
  const std::size_t capacity =
      input.keys.shape[2] + Between(exam.Randomness(), 0, 5);
  exam.Case(fmt::format("{}; {}", Describe(input), about));
  const Values answer =
      exam.AskStudent("pieces.attention", {input.queries, input.keys,
                                           input.values, Ints(input.left_pad),
                                           ToIntegers(ranges), Int(capacity)});
  const double tolerance = ToleranceInPieces(exam, input.sizes, ranges.size());
  const Array& actual = exam.Get<Array>(answer, 0);
  const Values reference = exam.AskReference(
      "attention.causal",
      {input.queries, input.keys, input.values, Ints(input.left_pad)});
  const Array& right = exam.Get<Array>(reference, 0);
  const auto difference = Difference(actual, right, tolerance, kHeadAxes);
  if (!difference) return;
  const std::string hint = actual.shape == right.shape
                               ? RecogniseMistake(actual, input, tolerance)
                               : "";
  exam.Fail(hint.empty() ? *difference : *difference + "; " + hint);
}

// Padding of the first row, none of the second, more than all past tokens of
// the third.
void Pad(Random& random, AttentionInput& input) {
  const std::size_t total_len = input.keys.shape[2];
  input.left_pad.assign(input.sizes.batch, 0);
  for (std::size_t b = 0; b < input.sizes.batch; b += 2) {
    input.left_pad[b] =
        b == 2 ? total_len - 1 : Between(random, 1, total_len / 2);
  }
}

void InPieces(Exam& exam) {
  Random& random = exam.Randomness();
  for (int round = 0; round < 4; ++round) {
    // Groups; then one head for all, and a head for each.
    const std::size_t kv_heads = round == 1 ? 1 : Between(random, 2, 3);
    const std::size_t group = round == 2 ? 1 : Between(random, 2, 3);
    AttentionInput input = RandomAttentionInput(
        random, {.batch = 3,
                 .heads = kv_heads * group,
                 .kv_heads = kv_heads,
                 .past_len = Between(random, 5, 30),
                 .new_len = round == 0 ? 1 : Between(random, 2, 6),
                 .head_dim = Between(random, 2, 12)});
    if (round % 2 == 1) Pad(random, input);
    const std::size_t total_len = input.keys.shape[2];
    for (const std::size_t length : {std::size_t{1}, Between(random, 2, 5),
                                     total_len - 1, total_len, total_len + 1}) {
      CompareInPieces(exam, input, EqualRanges(total_len, length),
                      fmt::format("ranges of {}", Count(length, "key")));
    }
    for (int order = 0; order < 4; ++order) {
      const std::vector<Range> ranges =
          ShuffledRanges(random, total_len, Between(random, 0, 9));
      CompareInPieces(exam, input, ranges,
                      fmt::format("{} ranges in random order, two of them "
                                  "without keys",
                                  ranges.size()));
    }
  }
}

// Positions 260 to 599, then all others in ranges of 1 to 5 in random order.
std::vector<Range> LongThenShort(Random& random, std::size_t total_len) {
  std::vector<Range> ranges = {{260, 600}};
  for (const auto& [from, to] :
       std::vector<Range>{{0, 260}, {600, total_len}}) {
    for (std::size_t begin = from; begin < to;) {
      const std::size_t end = std::min(begin + Between(random, 1, 5), to);
      ranges.push_back({begin, end});
      begin = end;
    }
  }
  for (std::size_t i = ranges.size(); i > 2; --i) {
    std::swap(ranges[i - 1], ranges[1 + random.NextBelow(i - 1)]);
  }
  return ranges;
}

// Every second row is padding up to its last token: what a row has seen must
// not stay for the queries of the next. More rows than threads.
void RowsThatSeeNothing(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t new_len :
       {Between(random, 9, 20), Between(random, 65, 80),
        Between(random, 257, 270)}) {
    AttentionInput input =
        RandomAttentionInput(random, {.batch = 40,
                                      .heads = 1,
                                      .kv_heads = 1,
                                      .past_len = Between(random, 1, 6),
                                      .new_len = new_len,
                                      .head_dim = 2});
    const std::size_t total_len = input.keys.shape[2];
    for (std::size_t b = 0; b < 40; ++b) {
      input.left_pad.push_back(b % 2 == 0 ? 0 : total_len - 1);
    }
    CompareInPieces(exam, input, EqualRanges(total_len, total_len / 2 + 1),
                    "two ranges, every second row almost all padding");
  }
}

// Sizes of every kind, and more ranges than a buffer would have room for.
void LargeInPieces(Exam& exam) {
  Random& random = exam.Randomness();
  std::vector<AttentionInput> inputs = LargeAttentionInputs(random);
  // Hundreds of heads and of keys at once.
  const std::size_t heads = Between(random, 257, 280);
  inputs.push_back(
      RandomAttentionInput(random, {.batch = 1,
                                    .heads = heads,
                                    .kv_heads = heads,
                                    .past_len = Between(random, 256, 290),
                                    .new_len = 1,
                                    .head_dim = 1}));
  // Other sizes by two, in rows of any padding; not rows and heads, since each
  // head of a row may have a thread.
  for (const AttentionSizes& sizes :
       std::vector<AttentionSizes>{{heads, 1, 1, heads, 3, 1},
                                   {heads, 1, 1, 2, 2, 260},
                                   {1, heads, 1, heads, 3, 1},
                                   {1, heads, heads, 2, 2, 260},
                                   {1, heads, 1, 2, 2, 260},
                                   {2, 2, 1, 3, heads, 260},
                                   {2, 2, 1, heads, 3, 260},
                                   {2, 2, 2, 300, heads, 2}}) {
    inputs.push_back(RandomAttentionInput(random, sizes));
    AttentionInput& input = inputs.back();
    for (std::size_t b = 0; b < sizes.batch; ++b) {
      input.left_pad.push_back(Between(random, 0, input.keys.shape[2] - 1));
    }
  }
  for (const AttentionInput& input : inputs) {
    const std::size_t total_len = input.keys.shape[2];
    const std::size_t length = Between(random, 1, 200);
    CompareInPieces(exam, input, EqualRanges(total_len, length),
                    fmt::format("ranges of {}", Count(length, "key")));
    CompareInPieces(exam, input, EqualRanges(total_len, 300), "ranges of 300");
    CompareInPieces(exam, input, EqualRanges(total_len, 7), "ranges of 7");
  }
  // A long range first, then hundreds of short ones: the scratch of the first
  // must do for all.
  for (const AttentionSizes& sizes :
       std::vector<AttentionSizes>{{.batch = 2,
       .heads = 4,
       .kv_heads = 2,
       .past_len = Between(random, 1200, 1300),
       .new_len = Between(random, 3, 6),
       .head_dim = 5},
                                   {.batch = 1,
                                   .heads = 2,
                                   .kv_heads = 2,
                                   .past_len = Between(random, 900, 1000),
                                   .new_len = Between(random, 260, 270),
                                   .head_dim = 2},
                                   {.batch = 3,
                                   .heads = 2,
                                   .kv_heads = 1,
                                   .past_len = Between(random, 1000, 1100),
                                   .new_len = 3,
                                   .head_dim = Between(random, 258, 265)}}) {
    AttentionInput input = RandomAttentionInput(random, sizes);
    Pad(random, input);
    std::vector<Range> ranges = LongThenShort(random, input.keys.shape[2]);
    CompareInPieces(exam, input, ranges,
                    "a range of 340 keys, then hundreds of short ones");
    std::ranges::reverse(ranges);
    CompareInPieces(exam, input, ranges,
                    "hundreds of short ranges, then one of 340 keys");
  }
  RowsThatSeeNothing(exam);
}

// --- some of the keys ---

void SomeKeys(Exam& exam) {
  Random& random = exam.Randomness();
  const AttentionInput input =
      RandomAttentionInput(random, {.batch = 1,
                                    .heads = 1,
                                    .kv_heads = 1,
                                    .past_len = Between(random, 30, 50),
                                    .new_len = 4,
                                    .head_dim = 6});
  const std::size_t total_len = input.keys.shape[2];
  const auto ask = [&](const std::vector<Range>& ranges,
                       const std::string& about) {
    exam.Case(about);
    const Values answer = exam.AskStudent(
        "pieces.attention", {input.queries, input.keys, input.values,
                             Integers(), ToIntegers(ranges), Int(total_len)});
    return exam.Get<Array>(answer, 0);
  };
  // The newest keys alone: all queries see every one of them but the last few.
  const std::size_t newest = Between(random, 6, 12);
  const Array window = ask(
      {{total_len - newest, total_len}},
      fmt::format("one range of the newest {} of {} keys", newest, total_len));
  HeadInput head = {.queries = input.queries,
                    .keys = input.keys,
                    .values = input.values,
                    .position = total_len - 4};
  head.queries.shape = {4, 6};
  head.keys.shape = head.values.shape = {total_len, 6};
  const ExactPiece right =
      SlowPiece(head, {total_len - newest, total_len}, PieceMistake::kNone);
  CompareArrays(exam, window, ToFloats(right.mean, input.queries.shape),
                kHeadAxes);
  const Array zeros = ToFloats(std::vector<double>(right.mean.size(), 0.0),
                               input.queries.shape);
  for (const std::vector<Range>& none :
       {std::vector<Range>(), {{3, 3}}, {{total_len, total_len}, {0, 0}}}) {
    const Array nothing =
        ask(none, fmt::format("{} without a key", Count(none.size(), "range")));
    CompareArrays(exam, nothing, zeros, kHeadAxes);
  }
}

// --- costs and refusals ---

void WorkInPieces(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t new_len : {std::size_t{1}, Between(random, 3, 6)}) {
    AttentionInput input =
        RandomAttentionInput(random, {.batch = 2,
                                      .heads = 4,
                                      .kv_heads = 2,
                                      .past_len = Between(random, 9, 30),
                                      .new_len = new_len,
                                      .head_dim = 8});
    input.left_pad = {0, Between(random, 1, 5)};
    const std::size_t total_len = input.keys.shape[2];
    exam.Case(Describe(input) + "; ranges of 4 keys");
    CountedWork work(exam);
    exam.AskStudent(
        "pieces.attention",
        {input.queries, input.keys, input.values, Ints(input.left_pad),
         ToIntegers(EqualRanges(total_len, 4)), Int(total_len)});
    const Integers macs = work.Macs();
    CompareNoOtherWork(exam, macs, WorkKind::kAttention);
    const auto [least, most] = WorkOf(input);
    CompareWork(exam, macs, WorkKind::kAttention,
                {.least = least, .most = most});
  }
}

// Memory as it is seen from outside, in a worker that keeps what it frees: the
// most that the call has held.
Verdict ScratchOfPieces(Exam& exam) {
  constexpr std::size_t kKeys = std::size_t{1} << 20U;
  constexpr std::size_t kQueries = 4;
  constexpr std::size_t kLength = 64;
  constexpr double kMib = 1 << 20;
  exam.AllAnswerers().student->Restart();
  exam.AskStudent("memory.keep_freed", {});
  Random& random = exam.Randomness();
  const Pair many = exam.Make("pieces.many_keys",
                              {RandomSeed(random), Int(kKeys), Int(kQueries)});
  const auto ask = [&](std::size_t keys) {
    exam.Case(fmt::format("{} queries over {} keys in pieces of {}", kQueries,
                          keys, kLength));
    return exam.AskStudent("pieces.of_many", {many, Int(kLength), Int(keys)});
  };
  ask(8 * kLength);  // what a call needs whatever there is to see
  const double before = ResidentMib(exam);
  const Values answer = ask(kKeys);
  const double grown = ResidentMib(exam) - before;
  exam.AllAnswerers().student->Restart();
  const double all_scores =
      static_cast<double>(kKeys * kQueries * sizeof(float)) / kMib;
  const std::string measured = fmt::format(
      "{:.1f} MiB more memory for {} keys than for {}; scores of all keys "
      "would be {:.0f} MiB",
      grown, kKeys, 8 * kLength, all_scores);
  const bool small = grown <= exam.Setting("slack_mib");
  exam.NoteCost(small);
  exam.Case("");
  if (!small) {
    exam.Fail("scratch grows with the number of keys: " + measured +
              ". A piece's scores can be forgotten once the piece is merged");
  }
  const Values right =
      exam.AskReference("pieces.of_many", {many, Int(kLength), Int(kKeys)});
  const auto difference =
      Difference(exam.Get<Array>(answer, 0), exam.Get<Array>(right, 0),
                 exam.Setting("tolerance"), kHeadAxes);
  if (difference) exam.Fail(*difference);
  return {.share = 1, .came_back = "", .measured = measured};
}

void RefusalsInPieces(Exam& exam) {
  Random& random = exam.Randomness();
  const AttentionInput input = RandomAttentionInput(random, {.batch = 2,
                                                             .heads = 4,
                                                             .kv_heads = 2,
                                                             .past_len = 6,
                                                             .new_len = 1,
                                                             .head_dim = 5});
  const std::vector<Range> ranges = EqualRanges(7, 3);
  CompareInPieces(exam, input, ranges, "ranges of 3 keys");
  const auto refuse = [&](const Array& keys, const Integers& left_pad,
                          const std::vector<Range>& wrong,
                          const std::string& what) {
    exam.Case("");
    exam.ExpectRefusal("pieces.attention",
                       {input.queries, keys, keys, left_pad, ToIntegers(wrong),
                        Int(std::max<std::size_t>(keys.shape[2], 1))},
                       what);
  };
  refuse(input.keys, {}, {{0, 4}, {4, 8}}, "a range that ends after the keys");
  refuse(input.keys, {}, {{5, 4}}, "a range that ends before it begins");
  refuse(input.keys, {}, {{8, 8}}, "an empty range after the keys");
  refuse(input.keys, {0, 0, 0}, ranges, "left_pad of 3 entries for 2 rows");
  refuse(RandomArray(random, {2, 3, 7, 5}), {}, ranges,
         "4 query heads on 3 key/value heads");
  refuse(RandomArray(random, {2, 2, 7, 4}), {}, ranges,
         "keys of another head_dim than the queries");
  refuse(RandomArray(random, {2, 2, 0, 5}), {}, {}, "fewer keys than queries");
  CompareInPieces(exam, input, ranges,
                  "ranges of 3 keys, after calls that were refused");
  const ExactPiece piece = Rounded(RandomPiece(random, 3, 4, 1));
  const ExactPiece other = Rounded(RandomPiece(random, 2, 4, 1));
  Question question = PieceQuestion(piece, {3, 4});
  for (auto& value : PieceQuestion(other, {2, 4})) question.push_back(value);
  exam.Case("");
  exam.ExpectRefusal("pieces.merge", question,
                     "merging a piece of 3 queries with one of 2");
  Question attend = {RandomArray(random, {3, 4}), RandomArray(random, {5, 4}),
                     RandomArray(random, {4, 4}), RandomArray(random, {3, 5})};
  for (auto& value : PieceQuestion(piece, {3, 4})) attend.push_back(value);
  exam.ExpectRefusal("pieces.attend_with", attend, "5 keys and 4 values");
  attend[2] = RandomArray(random, {5, 4});
  attend[3] = RandomArray(random, {3, 4});
  exam.ExpectRefusal("pieces.attend_with", attend,
                     "room for 4 scores, and 5 keys");
}

const RegisterChecks kPiecesChecks({
    AllOrNothing("pieces.attend", {"tolerance"}, OnePiece),
    AllOrNothing("pieces.merge", {"tolerance"}, Merging),
    AllOrNothing("pieces.empty", {"tolerance"}, MergingEmptyPieces),
    AllOrNothing("pieces.large_scores", {"tolerance"}, LargeScores),
    AllOrNothing("pieces.trees", {"tolerance"}, AnyTree),
    AllOrNothing("pieces.attention", {"tolerance"}, InPieces),
    AllOrNothing("pieces.sizes", {"tolerance"}, LargeInPieces),
    AllOrNothing("pieces.some_keys", {"tolerance"}, SomeKeys),
    AllOrNothing("pieces.work", {}, WorkInPieces),
    {"pieces.scratch", {"tolerance", "slack_mib"}, ScratchOfPieces},
    AllOrNothing("pieces.refusals", {"tolerance"}, RefusalsInPieces),
});

}  // namespace
}  // namespace kvlab::grading
