#include "autograder/checks/attention_input.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "autograder/checks/difference.h"
#include "autograder/checks/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::array<std::pair<Mistake, const char*>, 11> kHints = {{
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
    for (std::size_t j = pads ? input_.left_pad[b] : 0; j < end; ++j) {
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

  const AttentionInput& input_;
  const AttentionSizes& sizes_;
  Mistake mistake_;
};

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
  return "";
}

}  // namespace kvlab::grading
