// Module 3, task 3.6: attention that remembers.
#include <algorithm>
#include <cstddef>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/01_attention/attention_input.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kTokens = 8;

enum class Layers { kOne, kSeveral };
enum class Padding { kNone, kLeft };

struct TrialSizes {
  std::size_t batch = 0;
  std::size_t layers = 0;
  std::size_t heads = 0;
  std::size_t head_dim = 0;
  std::size_t tokens = 0;
};

TrialSizes SmallSizes(Random& random, std::size_t batch, Layers layers) {
  const Gpt2Sizes shape = RandomGpt2Sizes(random, kTokens);
  return {.batch = batch,
          .layers = layers == Layers::kOne ? 1 : shape.layers,
          .heads = shape.heads,
          .head_dim = shape.head_dim,
          .tokens = kTokens};
}

// A CachedAttention of the student's, and for each layer an input and what
// attention over all of it gives.
class AttentionTrial {
 public:
  AttentionTrial(Exam& exam, std::size_t batch, Layers layers, Padding padding)
      : AttentionTrial(exam, SmallSizes(exam.Randomness(), batch, layers),
                       padding == Padding::kLeft
                           ? RandomLeftPad(exam.Randomness(), batch, kTokens)
                           : Integers()) {}

  AttentionTrial(Exam& exam, const TrialSizes& sizes, Integers left_pad)
      : exam_(exam),
        batch_(sizes.batch),
        tokens_(sizes.tokens),
        shape_({.layers = sizes.layers,
                .heads = sizes.heads,
                .head_dim = sizes.head_dim,
                .max_positions = sizes.tokens,
                .vocab_size = 40}),
        left_pad_(std::move(left_pad)) {
    Random& random = exam.Randomness();
    weights_ = exam.Make("weights.random",
                         {RandomSeed(random), shape_.Sizes(), std::string()});
    for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
      x_.push_back(RandomArray(random, {batch_, tokens_, shape_.DModel()}));
      whole_.push_back(Whole(layer));
    }
  }

  std::size_t NumLayers() const { return shape_.layers; }
  std::size_t NumTokens() const { return tokens_; }
  std::size_t Batch() const { return batch_; }

  // An empty cache for all layers.
  Handle NewAttention() {
    const Values made = exam_.AskStudent(
        "cached_attention.new",
        {Int(shape_.heads), Ints({batch_, tokens_, shape_.layers, shape_.heads,
                                  shape_.head_dim})});
    return exam_.Get<Handle>(made, 0);
  }

  // Tokens [begin, begin + count) of `layer`; throws CheckFailed unless the
  // answer is what attention over the whole sequence gives for them. What
  // padding gives is not compared.
  void CompareForward(Handle attention, std::size_t layer, std::size_t begin,
                      std::size_t count) {
    const Values answer = Forward(attention, layer, x_[layer], begin, count);
    Array actual = exam_.Get<Array>(answer, 0);
    Array right = Slice(whole_[layer], 1, begin, begin + count);
    if (actual.shape == right.shape) {
      ZeroPadding(actual, left_pad_, begin);
      ZeroPadding(right, left_pad_, begin);
    }
    CompareArrays(exam_, actual, right, kTokenAxes, [&](const Array& wrong) {
      return Recognise(wrong, layer, begin, count);
    });
  }

  // The same with what padding gives: where a query sees no key, attention is
  // zeros and the result what the projection makes of them.
  void CompareWhole(Handle attention, std::size_t layer, std::size_t begin,
                    std::size_t count) {
    const Values answer = Forward(attention, layer, x_[layer], begin, count);
    CompareArrays(exam_, exam_.Get<Array>(answer, 0),
                  Slice(whole_[layer], 1, begin, begin + count), kTokenAxes,
                  [&](const Array& wrong) {
                    return RecogniseWindow(wrong, layer, begin, count);
                  });
  }

  // Throws CheckFailed unless the call is refused and changes nothing.
  void ExpectRefusal(Handle attention, const Array& x, const Integers& left_pad,
                     const std::string& what) {
    exam_.Case("");
    exam_.ExpectRefusal("cached_attention.forward",
                        {attention, weights_, std::int64_t{0}, x, left_pad},
                        what);
  }

  void ComparePastLen(Handle attention, std::size_t expected,
                      const std::string& about, const std::string& hint = "") {
    exam_.Case(about);
    const Values past =
        exam_.AskStudent("cached_attention.past_len", {attention});
    CompareNumber(exam_, "PastLen()", exam_.Get<std::int64_t>(past, 0),
                  Int(expected), hint);
  }

  const Array& Input(std::size_t layer) const { return x_[layer]; }

  // An input that does not belong to the sequence.
  Array Noise() {
    return RandomArray(exam_.Randomness(), {batch_, tokens_, shape_.DModel()});
  }

  // An input of `count` tokens for `batch` rows.
  Array NoiseFor(std::size_t batch, std::size_t count) {
    return RandomArray(exam_.Randomness(), {batch, count, shape_.DModel()});
  }

  Values Forward(Handle attention, std::size_t layer, const Array& x,
                 std::size_t begin, std::size_t count) {
    return exam_.AskStudent("cached_attention.forward",
                            {attention, weights_, Int(layer),
                             Slice(x, 1, begin, begin + count), left_pad_});
  }

  // All tokens of layer 0, piece by piece, with an empty cache.
  void ComparePieces(const std::vector<std::size_t>& pieces) {
    const Handle attention = NewAttention();
    std::size_t begin = 0;
    for (const std::size_t piece : pieces) {
      exam_.Case(
          fmt::format("batch {}{}, tokens in pieces of {}, the piece of "
                      "{} after {}",
                      batch_, left_pad_.empty() ? "" : ", left padded",
                      PiecesText(pieces), piece, begin));
      CompareForward(attention, 0, begin, piece);
      begin += piece;
    }
  }

 private:
  Array Whole(std::size_t layer) {
    return exam_.Get<Array>(exam_.AskReference("attention.multi_head",
                                               {weights_, Int(layer), x_[layer],
                                                Int(shape_.heads), left_pad_}),
                            0);
  }

  // Attention over the new tokens alone, as if nothing were cached.
  bool IgnoresCache(const Array& wrong, std::size_t layer, std::size_t begin,
                    std::size_t count) {
    if (begin == 0) return false;
    const Values alone = exam_.AskReference(
        "attention.multi_head",
        {weights_, Int(layer), Slice(x_[layer], 1, begin, begin + count),
         Int(shape_.heads), Integers()});
    return Agree(wrong, exam_.Get<Array>(alone, 0), exam_.Setting("tolerance"));
  }

  // "... the newest 512 keys alone", if a single token's attention is that.
  std::string RecogniseWindow(const Array& wrong, std::size_t layer,
                              std::size_t begin, std::size_t count) {
    if (count != 1) return "";
    const Values qkv = exam_.AskReference(
        "attention.project_qkv",
        {weights_, Int(layer), Slice(x_[layer], 1, 0, begin + 1),
         Int(shape_.heads)});
    for (const std::size_t window :
         {1,   10,  16,  20,  32,  50,  64,  100, 127, 128,  200,  255, 256,
          300, 400, 500, 511, 512, 600, 700, 800, 900, 1000, 1023, 1024}) {
      if (window > begin) break;
      Integers hidden(batch_, Int(begin + 1 - window));
      for (std::size_t b = 0; b < left_pad_.size(); ++b) {
        hidden[b] = std::max(hidden[b], left_pad_[b]);
      }
      const Values attended = exam_.AskReference(
          "attention.causal",
          {Slice(exam_.Get<Array>(qkv, 0), 2, begin, begin + 1),
           exam_.Get<Array>(qkv, 1), exam_.Get<Array>(qkv, 2), hidden});
      const Values out = exam_.AskReference(
          "attention.project_output",
          {weights_, Int(layer), exam_.Get<Array>(attended, 0)});
      if (Agree(wrong, exam_.Get<Array>(out, 0), exam_.Setting("tolerance"))) {
        return fmt::format(
            "this is attention over the newest {} alone: earlier ones were "
            "forgotten",
            Count(window, "key"));
      }
    }
    return "";
  }

  std::string Recognise(const Array& wrong, std::size_t layer,
                        std::size_t begin, std::size_t count) {
    if (IgnoresCache(wrong, layer, begin, count)) {
      return "this is attention over the new tokens alone: the cache was "
             "not used";
    }
    const Values qkv = exam_.AskReference(
        "attention.project_qkv",
        {weights_, Int(layer), Slice(x_[layer], 1, 0, begin + count),
         Int(shape_.heads)});
    const AttentionInput input = {
        .sizes = {.batch = batch_,
                  .heads = shape_.heads,
                  .kv_heads = shape_.heads,
                  .past_len = begin,
                  .new_len = count,
                  .head_dim = shape_.head_dim},
        .queries = Slice(exam_.Get<Array>(qkv, 0), 2, begin, begin + count),
        .keys = exam_.Get<Array>(qkv, 1),
        .values = exam_.Get<Array>(qkv, 2),
        .left_pad = {left_pad_.begin(), left_pad_.end()}};
    return RecogniseMistake(
        wrong, input, exam_.Setting("tolerance"), [&](const Array& attended) {
          Array out = exam_.Get<Array>(
              exam_.AskReference("attention.project_output",
                                 {weights_, Int(layer), attended}),
              0);
          ZeroPadding(out, left_pad_, begin);
          return out;
        });
  }

  Exam& exam_;
  std::size_t batch_;
  std::size_t tokens_;
  Gpt2Sizes shape_;
  Pair weights_ = {};
  Integers left_pad_;
  std::vector<Array> x_;      // by layer, [batch, tokens, d_model]
  std::vector<Array> whole_;  // by layer, the same shape
};

// All tokens of all layers by turns, as a model calls them.
void CompareLayersByTurns(Exam& exam, AttentionTrial& trial,
                          const std::string& about,
                          const std::vector<std::size_t>& pieces) {
  const Handle attention = trial.NewAttention();
  std::size_t begin = 0;
  for (const std::size_t piece : pieces) {
    for (std::size_t layer = 0; layer < trial.NumLayers(); ++layer) {
      exam.Case(fmt::format("{}, layer {}, {} after {}", about, layer,
                            Count(piece, "token"), begin));
      trial.CompareWhole(attention, layer, begin, piece);
    }
    begin += piece;
  }
  trial.ComparePastLen(attention, begin, about + ", at the end");
}

// Longer than any plausible fixed buffer: up to more than a thousand
// tokens, with single steps on the way.
void LongSequences(Exam& exam) {
  Random& random = exam.Randomness();
  const std::vector<std::size_t> pieces = {
      Between(random, 257, 300), 1, 1, Between(random, 65, 90),   1,
      Between(random, 120, 150), 1, 1, Between(random, 500, 530), 1,
      Between(random, 80, 100),  1, 1};
  const TrialSizes sizes = {
      .batch = 1,
      .layers = 1,
      .heads = 2,
      .head_dim = 5,
      .tokens = std::accumulate(pieces.begin(), pieces.end(), std::size_t{0})};
  AttentionTrial trial(exam, sizes, {});
  CompareLayersByTurns(exam, trial,
                       fmt::format("a sequence of {} tokens, which fill the "
                                   "cache",
                                   sizes.tokens),
                       pieces);
}

// Each row has several things at once that other checks try alone; together
// they cover every pair of: more than 2 layers, more than 8 heads, odd
// head_dim, 5 rows, padding, padding beyond 255, hundreds of tokens, chunks
// beyond 64, single steps. Compared as a whole, with what padding gives.
void AllTogether(Exam& exam) {
  Random& random = exam.Randomness();
  struct Row {
    TrialSizes sizes;
    std::vector<std::size_t> pieces;
  };
  const std::vector<Row> rows = {
      {{5, 6, Between(random, 9, 12), 3, 80}, {2, 1, 66, 10, 1}},
      {{5, 3, 9, 2 * Between(random, 2, 4) + 1, 300}, {1, 70, 1, 219, 8, 1}},
      {{2, 1, Between(random, 17, 20), 1, 330}, {258, 1, 69, 1, 1}},
      {{3, 5, 1, 2 * Between(random, 16, 24) + 1, 290}, {284, 1, 4, 1}},
      // Rows, layers, heads and head_dim beyond what 8 bits count.
      {{Between(random, 260, 280), 2, 1, 3, 25}, {22, 1, 1, 1}},
      {{2, Between(random, 260, 270), 1, 2, 25}, {22, 1, 1, 1}},
      {{1, 2, Between(random, 260, 280), 1, 25}, {22, 1, 1, 1}},
      {{2, 1, 2, Between(random, 260, 280), 25}, {22, 1, 1, 1}}};
  for (const auto& [sizes, pieces] : rows) {
    Integers left_pad = RandomLeftPad(random, sizes.batch, 20);
    if (sizes.tokens > 256) left_pad[0] = Int(Between(random, 256, 280));
    AttentionTrial trial(exam, sizes, left_pad);
    CompareLayersByTurns(
        exam, trial,
        fmt::format("batch {}, left padded, {}, {} of {}, tokens in pieces of "
                    "{}",
                    sizes.batch, Count(sizes.layers, "layer"),
                    Count(sizes.heads, "head"), sizes.head_dim,
                    PiecesText(pieces)),
        pieces);
  }
}

// One layer alone: errors across layers fail ManyLayers.
void ForEachPieces(Exam& exam, Padding padding,
                   const std::vector<std::vector<std::size_t>>& all_pieces) {
  for (const std::size_t batch : {1, 3}) {
    AttentionTrial trial(exam, batch, Layers::kOne, padding);
    for (const auto& pieces : all_pieces) trial.ComparePieces(pieces);
  }
}

void Prefill(Exam& exam) { ForEachPieces(exam, Padding::kNone, {{kTokens}}); }

// After a prompt only the steps are compared: what a prefill gives is for
// Prefill to say.
void Steps(Exam& exam) {
  ForEachPieces(exam, Padding::kNone, {std::vector<std::size_t>(kTokens, 1)});
  constexpr std::size_t kPrompt = 4;
  AttentionTrial trial(exam, 3, Layers::kOne, Padding::kNone);
  const Handle attention = trial.NewAttention();
  trial.Forward(attention, 0, trial.Input(0), 0, kPrompt);
  for (std::size_t t = kPrompt; t < kTokens; ++t) {
    exam.Case(fmt::format("batch 3, one token after a prompt of {} and {}",
                          kPrompt, Count(t - kPrompt, "step")));
    trial.CompareForward(attention, 0, t, 1);
  }
}

void Chunks(Exam& exam) {
  std::vector<std::vector<std::size_t>> all_pieces;
  for (std::size_t first = 1; first + 1 < kTokens; ++first) {
    all_pieces.push_back({first, kTokens - first});
  }
  all_pieces.push_back(RandomPieces(exam.Randomness(), kTokens, 3));
  ForEachPieces(exam, Padding::kNone, all_pieces);
}

void LeftPadding(Exam& exam) {
  ForEachPieces(exam, Padding::kLeft, {{kTokens}, {5, 1, 1, 1}, {2, 4, 2}});
}

void ManyLayers(Exam& exam) {
  AttentionTrial trial(exam, 2, Layers::kSeveral, Padding::kNone);
  const Handle attention = trial.NewAttention();
  std::size_t begin = 0;
  for (const std::size_t piece : {4, 1, 1, 2}) {
    for (std::size_t layer = 0; layer < trial.NumLayers(); ++layer) {
      exam.Case(fmt::format("layer {} of {}, {} tokens after {}", layer,
                            trial.NumLayers(), piece, begin));
      trial.CompareForward(attention, layer, begin, piece);
    }
    begin += piece;
    trial.ComparePastLen(attention, begin,
                         fmt::format("after {} tokens in every layer", begin));
  }
}

// One layer, so one token too many shows at once.
void RefusedCalls(Exam& exam) {
  AttentionTrial trial(exam, 2, Layers::kOne, Padding::kNone);
  const Handle attention = trial.NewAttention();
  for (std::size_t t = 0; t < kTokens; ++t) {
    trial.ExpectRefusal(attention, trial.NoiseFor(2, 1), Integers(3, 0),
                        "left_pad with 3 entries for 2 rows");
    trial.ExpectRefusal(attention, trial.NoiseFor(3, 1), {},
                        "3 rows for a cache of 2");
    trial.ExpectRefusal(attention, trial.NoiseFor(2, kTokens + 1 - t), {},
                        "one token more than fits");
    trial.ComparePastLen(attention, t, "after calls that were refused",
                         "a call that is refused stores nothing");
    exam.Case(fmt::format("token {} after calls that were refused", t));
    trial.CompareForward(attention, 0, t, 1);
  }
}

// A pass that stops after some layers, and the pass that should have been.
void InterruptPasses(Exam& exam, AttentionTrial& trial) {
  const Handle attention = trial.NewAttention();
  const Array noise = trial.Noise();
  std::size_t begin = 0;
  for (const std::size_t piece : {3, 1, 2}) {
    const std::size_t stop =
        Between(exam.Randomness(), 1, trial.NumLayers() - 1);
    for (std::size_t layer = 0; layer < stop; ++layer) {
      trial.Forward(attention, layer, noise, begin, piece);
    }
    for (std::size_t layer = 0; layer < trial.NumLayers(); ++layer) {
      exam.Case(
          fmt::format("layer {} of {} in a pass that follows one broken "
                      "off after layer {}",
                      layer, trial.NumLayers(), stop - 1));
      trial.CompareForward(attention, layer, begin, piece);
    }
    begin += piece;
  }
}

void Interrupted(Exam& exam) {
  AttentionTrial small(exam, 2, Layers::kSeveral, Padding::kNone);
  InterruptPasses(exam, small);
  // Rows, layers, heads and features beyond what 8 bits count.
  Random& random = exam.Randomness();
  const auto large = [&] { return Between(random, 260, 280); };
  for (const TrialSizes& sizes :
       {TrialSizes{large(), 2, 1, 3, 9}, TrialSizes{1, large(), 1, 2, 9},
        TrialSizes{1, 2, large(), 1, 9}, TrialSizes{2, 2, 1, large(), 9}}) {
    AttentionTrial trial(exam, sizes, {});
    InterruptPasses(exam, trial);
  }
  RefusedCalls(exam);
}

// A whole model in which attention adds nothing: only positions can be wrong.
void PositionsOfSteps(Exam& exam) {
  const TrialModel model = MakeModel(exam, 16, "no_attention");
  const TrialTokens tokens = RandomTrialTokens(exam, model, 2, 9);
  const Array expected = ReferenceLogits(exam, model, tokens);
  for (const auto& pieces :
       {std::vector<std::size_t>{5, 1, 1, 1, 1}, {1, 1, 1, 6}, {9}}) {
    const Values made = exam.AskStudent(
        "model.with_cache", {model.weights, Int(tokens.batch), Int(16)});
    CompareForwards(exam, exam.Get<Handle>(made, 0), tokens, expected, pieces);
  }
  // Up to the last position of a model that has hundreds of them.
  const std::size_t positions = Between(exam.Randomness(), 290, 310);
  const TrialModel large = MakeModel(exam, positions, "no_attention");
  const TrialTokens many = RandomTrialTokens(exam, large, 2, positions);
  const Values made = exam.AskStudent("model.with_cache",
                                      {large.weights, Int(2), Int(positions)});
  CompareForwards(exam, exam.Get<Handle>(made, 0), many,
                  ReferenceLogits(exam, large, many),
                  {254, 1, 1, 1, 1, positions - 260, 1, 1});
}

const RegisterChecks kCachedAttentionChecks({
    AllOrNothing("cached.prefill", {"tolerance"}, Prefill),
    AllOrNothing("cached.steps", {"tolerance"}, Steps),
    AllOrNothing("cached.chunks", {"tolerance"}, Chunks),
    AllOrNothing("cached.positions", {"tolerance"}, PositionsOfSteps),
    AllOrNothing("cached.left_pad", {"tolerance"}, LeftPadding),
    AllOrNothing("cached.layers", {"tolerance"}, ManyLayers),
    AllOrNothing("cached.interrupted", {"tolerance"}, Interrupted),
    AllOrNothing("cached.long", {"tolerance"}, LongSequences),
    AllOrNothing("cached.combined", {"tolerance"}, AllTogether),
});

}  // namespace

}  // namespace kvlab::grading
