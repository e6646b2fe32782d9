#include "autograder/judges/01_attention/attention_input.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "fmt/format.h"
#include "kit/testing/all_pairs.h"

namespace kvlab::grading {
namespace {

constexpr std::array<std::pair<Mistake, const char*>, 12> kHints = {{
    {Mistake::kNoMask,
     "this is attention without a mask: queries see keys of the future"},
    {Mistake::kTopLeftMask,
     "this is a mask aligned to the top left, key j <= query i: it forgets "
     "that query i stands at position past_len + i"},
    {Mistake::kMaskBeyondDiagonal,
     "every query sees one key too many, that of the next token"},
    {Mistake::kMaskWithoutDiagonal, "no query sees its own key"},
    {Mistake::kZeroForMasked,
     "masked scores take part in the softmax as 0; they must weigh nothing"},
    {Mistake::kNoScale, "the scores are not divided by sqrt(head_dim)"},
    {Mistake::kScaleByDim,
     "the scores are divided by head_dim, not by its square root"},
    {Mistake::kScaleByAllFeatures,
     "the scores are divided by sqrt(heads * head_dim), the root of a token's "
     "features; a head has head_dim of them"},
    {Mistake::kNoSoftmax, "the scores weigh the values without a softmax"},
    {Mistake::kPadSeen, "keys of the left padding are seen"},
    {Mistake::kInterleavedKvHeads,
     "query head h reads key/value head h % G; neighbours share a head: "
     "h / (H / G)"},
    {Mistake::kFirstKvHead, "every query head reads key/value head 0"},
}};

std::size_t KvHead(const AttentionSizes& sizes, std::size_t head,
                   Mistake mistake) {
  if (mistake == Mistake::kInterleavedKvHeads) return head % sizes.kv_heads;
  if (mistake == Mistake::kFirstKvHead) return 0;
  return head / (sizes.heads / sizes.kv_heads);
}

// One past the last key that query i sees.
std::size_t KeysEnd(const AttentionSizes& sizes, std::size_t i,
                    Mistake mistake) {
  const std::size_t total_len = sizes.past_len + sizes.new_len;
  const std::size_t position = sizes.past_len + i;
  switch (mistake) {
    case Mistake::kNoMask:
      return total_len;
    case Mistake::kTopLeftMask:
      return i + 1;
    case Mistake::kMaskBeyondDiagonal:
      return std::min(position + 2, total_len);
    case Mistake::kMaskWithoutDiagonal:
      return position;
    default:
      return position + 1;
  }
}

double Scale(const AttentionSizes& sizes, Mistake mistake) {
  const auto head_dim = static_cast<double>(sizes.head_dim);
  if (mistake == Mistake::kNoScale) return 1;
  if (mistake == Mistake::kScaleByDim) return 1 / head_dim;
  if (mistake == Mistake::kScaleByAllFeatures) {
    return 1 / std::sqrt(static_cast<double>(sizes.heads) * head_dim);
  }
  return 1 / std::sqrt(head_dim);
}

// Weights of the keys that a query sees, in place of their scores.
void Softmax(std::vector<double>& scores) {
  const double max = *std::ranges::max_element(scores);
  if (std::isinf(max)) {
    std::ranges::fill(scores, 0);
    return;
  }
  double sum = 0;
  for (double& score : scores) sum += score = std::exp(score - max);
  for (double& score : scores) score /= sum;
}

class Attention {
 public:
  Attention(const AttentionInput& input, Mistake mistake)
      : input_(input), sizes_(input.sizes), mistake_(mistake) {}
  Attention(const AttentionInput& input, const SeenKeys& seen)
      : Attention(input, Mistake::kNone) {
    seen_ = seen;
  }

  Array Run() {
    Array out = {.shape = input_.queries.shape,
                 .values = std::vector<float>(input_.queries.values.size())};
    for (std::size_t b = 0; b < sizes_.batch; ++b) {
      for (std::size_t h = 0; h < sizes_.heads; ++h) {
        for (std::size_t i = 0; i < sizes_.new_len; ++i) Row(b, h, i, out);
      }
    }
    return out;
  }

 private:
  const float* Query(std::size_t b, std::size_t h, std::size_t i) const {
    return &input_.queries.values[QueryOffset(b, h, i)];
  }
  std::size_t QueryOffset(std::size_t b, std::size_t h, std::size_t i) const {
    return ((b * sizes_.heads + h) * sizes_.new_len + i) * sizes_.head_dim;
  }
  std::size_t KeyOffset(std::size_t b, std::size_t h, std::size_t j) const {
    const std::size_t kv_head = KvHead(sizes_, h, mistake_);
    return ((b * sizes_.kv_heads + kv_head) * TotalLen() + j) * sizes_.head_dim;
  }
  std::size_t TotalLen() const { return sizes_.past_len + sizes_.new_len; }

  std::vector<double> Scores(std::size_t b, std::size_t h,
                             std::size_t i) const {
    const double masked = mistake_ == Mistake::kZeroForMasked
                              ? 0
                              : -std::numeric_limits<double>::infinity();
    std::vector<double> scores(TotalLen(), masked);
    const bool pads = !input_.left_pad.empty() && mistake_ != Mistake::kPadSeen;
    const std::size_t end = KeysEnd(sizes_, i, mistake_);
    const std::size_t pad = pads ? input_.left_pad[b] : 0;
    const std::size_t forgotten = end - std::min(end, seen_.newest);
    for (std::size_t j = std::max(pad, forgotten); j < std::min(end, seen_.end);
         ++j) {
      const float* key = &input_.keys.values[KeyOffset(b, h, j)];
      double score = 0;
      for (std::size_t d = 0; d < sizes_.head_dim; ++d) {
        score += double{Query(b, h, i)[d]} * double{key[d]};
      }
      scores[j] = score * Scale(sizes_, mistake_);
    }
    return scores;
  }

  void Row(std::size_t b, std::size_t h, std::size_t i, Array& out) const {
    std::vector<double> weights = Scores(b, h, i);
    if (mistake_ == Mistake::kNoSoftmax) {
      for (double& weight : weights) weight = std::isinf(weight) ? 0 : weight;
    } else {
      Softmax(weights);
    }
    for (std::size_t d = 0; d < sizes_.head_dim; ++d) {
      double sum = 0;
      for (std::size_t j = 0; j < weights.size(); ++j) {
        sum +=
            weights[j] * double{input_.values.values[KeyOffset(b, h, j) + d]};
      }
      out.values[QueryOffset(b, h, i) + d] = static_cast<float>(sum);
    }
  }

  static constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();

  const AttentionInput& input_;
  const AttentionSizes& sizes_;
  Mistake mistake_;
  SeenKeys seen_ = {.newest = kAll, .end = kAll};
};

// Numbers that a buffer or a window is likely to have.
constexpr std::array<std::size_t, 15> kLimits = {
    8, 16, 32, 64, 96, 100, 128, 200, 256, 300, 500, 512, 1000, 1024, 2048};

// Whether `answer` is attention over some of the keys, and over how many.
std::string RecogniseLimit(const Array& answer, const AttentionInput& input,
                           double tolerance) {
  const std::size_t total_len = input.sizes.past_len + input.sizes.new_len;
  for (const std::size_t limit : kLimits) {
    if (limit >= total_len) break;
    if (Agree(answer, SlowAttention(input, {.newest = limit, .end = total_len}),
              tolerance)) {
      return fmt::format(
          "every query sees the newest {} keys only; it is to see all of them, "
          "however many",
          limit);
    }
    if (Agree(answer, SlowAttention(input, {.newest = total_len, .end = limit}),
              tolerance)) {
      return fmt::format(
          "no query sees a key after the first {}: a buffer of that size?",
          limit);
    }
  }
  return "";
}

// How much of each row is padding.
enum class Padding { kNone, kLittle, kMost, kBeyondTheKeys };

// Row 1 of several has none.
std::vector<std::size_t> LeftPad(Random& random, Padding padding,
                                 const AttentionSizes& sizes) {
  if (padding == Padding::kNone) return {};
  const std::size_t total_len = sizes.past_len + sizes.new_len;
  std::vector<std::size_t> left_pad(sizes.batch, 0);
  for (std::size_t b = 0; b < sizes.batch; ++b) {
    if (b == 1) continue;
    const std::size_t few = Between(random, 1, 3);
    if (padding == Padding::kLittle) left_pad[b] = few;
    if (padding == Padding::kMost) {
      left_pad[b] = total_len - std::min(total_len, few);
    }
    if (padding == Padding::kBeyondTheKeys) left_pad[b] = total_len + few - 1;
  }
  return left_pad;
}

}  // namespace

AttentionInput RandomAttentionInput(Random& random,
                                    const AttentionSizes& sizes) {
  const std::size_t total_len = sizes.past_len + sizes.new_len;
  const std::vector<std::size_t> kv_shape = {sizes.batch, sizes.kv_heads,
                                             total_len, sizes.head_dim};
  return {.sizes = sizes,
          .queries = RandomArray(
              random, {sizes.batch, sizes.heads, sizes.new_len, sizes.head_dim},
              3.0F),
          .keys = RandomArray(random, kv_shape),
          .values = RandomArray(random, kv_shape),
          .left_pad = {}};
}

std::string Describe(const AttentionInput& input) {
  const AttentionSizes& sizes = input.sizes;
  return fmt::format(
      "batch {}, {} on {}, {} after {} earlier, head_dim {}{}", sizes.batch,
      Count(sizes.heads, "head"), Count(sizes.kv_heads, "key/value head"),
      Count(sizes.new_len, "new token"), sizes.past_len, sizes.head_dim,
      input.left_pad.empty() ? "" : ", padded on the left");
}

Array SlowAttention(const AttentionInput& input, Mistake mistake) {
  return Attention(input, mistake).Run();
}

Array SlowAttention(const AttentionInput& input, const SeenKeys& seen) {
  return Attention(input, seen).Run();
}

std::vector<CombinedInput> CombinedAttentionInputs(Random& random) {
  // Heads times rows: what is compared twice is to stay small.
  constexpr std::size_t kMostCombined = 34;
  const std::array<std::array<std::size_t, 2>, 5> heads = {
      {{1, 1}, {4, 4}, {6, 2}, {12, 3}, {5, 1}}};
  const std::array<std::array<std::size_t, 2>, 3> batch = {
      {{1, 1}, {2, 3}, {5, 6}}};
  const std::array<std::array<std::size_t, 2>, 4> head_dim = {
      {{8, 8}, {1, 3}, {5, 7}, {33, 37}}};
  const std::array<std::array<std::size_t, 2>, 4> past_len = {
      {{0, 0}, {1, 9}, {50, 90}, {260, 300}}};
  const std::array<std::array<std::size_t, 2>, 3> new_len = {
      {{1, 1}, {2, 7}, {65, 75}}};
  constexpr std::size_t kPaddings = 4;
  constexpr std::size_t kStorages = 2;
  const auto drawn = [&](const std::array<std::size_t, 2>& range) {
    return Between(random, range[0], range[1]);
  };
  std::vector<CombinedInput> inputs;
  for (const std::vector<std::size_t>& row :
       AllPairs(std::array<std::size_t, 7>{
           heads.size(), batch.size(), head_dim.size(), past_len.size(),
           new_len.size(), kPaddings, kStorages})) {
    const auto [all_heads, kv_heads] = heads.at(row[0]);
    const AttentionSizes sizes = {
        .batch = std::min(drawn(batch.at(row[1])), kMostCombined / all_heads),
        .heads = all_heads,
        .kv_heads = kv_heads,
        .past_len = drawn(past_len.at(row[3])),
        .new_len = drawn(new_len.at(row[4])),
        .head_dim = drawn(head_dim.at(row[2]))};
    AttentionInput input = RandomAttentionInput(random, sizes);
    input.left_pad = LeftPad(random, static_cast<Padding>(row[5]), sizes);
    inputs.push_back({.input = std::move(input), .in_storage = row[6] == 1});
  }
  return inputs;
}

std::vector<AttentionInput> LargeAttentionInputs(Random& random) {
  const AttentionSizes small = {.batch = 1,
                                .heads = 1,
                                .kv_heads = 1,
                                .past_len = 0,
                                .new_len = 4,
                                .head_dim = 8};
  std::vector<AttentionSizes> all;
  const auto with = [&](std::size_t AttentionSizes::*size, std::size_t low,
                        std::size_t high) {
    all.push_back(small);
    all.back().*size = Between(random, low, high);
    all.back().kv_heads = all.back().heads;
  };
  with(&AttentionSizes::new_len, 65, 250);
  with(&AttentionSizes::new_len, 260, 510);
  with(&AttentionSizes::new_len, 1030, 1100);
  with(&AttentionSizes::past_len, 65, 126);
  with(&AttentionSizes::past_len, 129, 250);
  with(&AttentionSizes::past_len, 260, 510);
  with(&AttentionSizes::past_len, 515, 1020);
  with(&AttentionSizes::past_len, 2050, 2300);
  with(&AttentionSizes::heads, 9, 15);
  with(&AttentionSizes::heads, 17, 31);
  with(&AttentionSizes::heads, 33, 64);
  with(&AttentionSizes::heads, 65, 127);
  with(&AttentionSizes::heads, 260, kMostHeadsOfRows);
  with(&AttentionSizes::batch, 5, 8);
  with(&AttentionSizes::batch, 17, 31);
  with(&AttentionSizes::batch, 33, 64);
  with(&AttentionSizes::batch, 65, 127);
  with(&AttentionSizes::batch, 260, kMostHeadsOfRows);
  for (const std::size_t odd : {1, 2, 3, 5, 7, 13, 20, 33, 129, 265}) {
    with(&AttentionSizes::head_dim, odd, odd);
  }
  // Two at a time.
  for (const AttentionSizes& two :
       std::vector<AttentionSizes>{{.batch = 10,
       .heads = 28,
       .kv_heads = 7,
       .past_len = 3,
       .new_len = 10,
       .head_dim = 3},
                                   {.batch = 10,
                                   .heads = 4,
                                   .kv_heads = 2,
                                   .past_len = 270,
                                   .new_len = 10,
                                   .head_dim = 3},
                                   {.batch = 2,
                                   .heads = 4,
                                   .kv_heads = 2,
                                   .past_len = 3,
                                   .new_len = 270,
                                   .head_dim = 3},
                                   {.batch = 70,
                                   .heads = 4,
                                   .kv_heads = 2,
                                   .past_len = 9,
                                   .new_len = 10,
                                   .head_dim = 3},
                                   {.batch = 4,
                                   .heads = 70,
                                   .kv_heads = 70,
                                   .past_len = 270,
                                   .new_len = 2,
                                   .head_dim = 3},
                                   {.batch = 2,
                                   .heads = 4,
                                   .kv_heads = 2,
                                   .past_len = 70,
                                   .new_len = 10,
                                   .head_dim = 270},
                                   {.batch = 1,
                                   .heads = 265,
                                   .kv_heads = 265,
                                   .past_len = 3,
                                   .new_len = 70,
                                   .head_dim = 2}}) {
    all.push_back(two);
  }
  // Many heads on one.
  with(&AttentionSizes::heads, 260, kMostHeadsOfRows);
  all.back().kv_heads = 1;
  for (std::size_t i = all.size(); i > 1; --i) {
    std::swap(all[i - 1], all[random.NextBelow(i)]);
  }
  std::vector<AttentionInput> inputs;
  inputs.reserve(all.size());
  for (const AttentionSizes& sizes : all) {
    inputs.push_back(RandomAttentionInput(random, sizes));
    if (sizes.batch == 1) continue;
    for (const Padding padding : {Padding::kLittle, Padding::kMost}) {
      inputs.push_back(RandomAttentionInput(random, sizes));
      inputs.back().left_pad = LeftPad(random, padding, sizes);
    }
  }
  return inputs;
}

AttentionWork WorkOf(const AttentionInput& input) {
  const AttentionSizes& sizes = input.sizes;
  std::size_t seen = 0;
  for (std::size_t b = 0; b < sizes.batch; ++b) {
    const std::size_t pad = input.left_pad.empty() ? 0 : input.left_pad[b];
    for (std::size_t i = 0; i < sizes.new_len; ++i) {
      const std::size_t end = sizes.past_len + i + 1;
      seen += end - std::min(pad, end);
    }
  }
  const std::size_t all =
      sizes.batch * sizes.new_len * (sizes.past_len + sizes.new_len);
  const std::size_t macs_of_a_pair = 2 * sizes.heads * sizes.head_dim;
  return {.least = macs_of_a_pair * seen, .most = macs_of_a_pair * all};
}

double ToleranceFor(const AttentionSizes& sizes, double tolerance) {
  constexpr double kHalfStep = 6e-8;  // 2^-24
  return tolerance +
         kHalfStep * static_cast<double>(sizes.past_len + sizes.new_len);
}

std::string RecogniseMistake(const Array& answer, const AttentionInput& input,
                             double tolerance, const AfterAttention& after) {
  const auto finished = [&](Mistake mistake) {
    const Array attended = SlowAttention(input, mistake);
    return after ? after(attended) : attended;
  };
  const Array right = finished(Mistake::kNone);
  for (const auto& [mistake, hint] : kHints) {
    const Array wrong = finished(mistake);
    if (!Agree(wrong, right, tolerance) && Agree(answer, wrong, tolerance)) {
      return hint;
    }
  }
  return after ? "" : RecogniseLimit(answer, input, tolerance);
}

}  // namespace kvlab::grading
