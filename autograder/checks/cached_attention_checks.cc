// Module 3, task 3.6: attention that remembers.
#include <cstddef>
#include <string>
#include <vector>

#include "autograder/checks/attention_input.h"
#include "autograder/checks/check_groups.h"
#include "autograder/checks/compare.h"
#include "autograder/checks/difference.h"
#include "autograder/checks/inputs.h"
#include "autograder/checks/model_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kTokens = 8;

enum class Layers { kOne, kSeveral };
enum class Padding { kNone, kLeft };

// A CachedAttention of the student's, and for each layer an input and what
// attention over all of it gives.
class AttentionTrial {
 public:
  AttentionTrial(Exam& exam, std::size_t batch, Layers layers, Padding padding)
      : exam_(exam), batch_(batch) {
    Random& random = exam.Randomness();
    shape_ = RandomModelShape(random, kTokens);
    if (layers == Layers::kOne) shape_.layers = 1;
    weights_ = exam.Make("weights.random",
                         {RandomSeed(random), shape_.Sizes(), std::string()});
    if (padding == Padding::kLeft) {
      left_pad_ = RandomLeftPad(random, batch, kTokens);
    }
    for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
      x_.push_back(RandomArray(random, {batch, kTokens, shape_.DModel()}));
      whole_.push_back(Whole(layer));
    }
  }

  std::size_t NumLayers() const { return shape_.layers; }

  // An empty cache for all layers.
  Handle NewAttention() {
    const Values made = exam_.AskStudent(
        "cached_attention.new",
        {Int(shape_.heads), Ints({batch_, kTokens, shape_.layers, shape_.heads,
                                  shape_.head_dim})});
    return exam_.Get<Handle>(made, 0);
  }

  // Tokens [begin, begin + count) of `layer`; throws CheckFailed unless the
  // answer is what attention over the whole sequence gives for them.
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

  const Array& Input(std::size_t layer) const { return x_[layer]; }

  // An input that does not belong to the sequence.
  Array Noise() {
    return RandomArray(exam_.Randomness(), {batch_, kTokens, shape_.DModel()});
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

  std::string Recognise(const Array& wrong, std::size_t layer,
                        std::size_t begin, std::size_t count) {
    if (IgnoresCache(wrong, layer, begin, count)) {
      return "this is attention over the new tokens alone: what the cache "
             "holds was not used";
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
  ModelShape shape_;
  Pair weights_;
  Integers left_pad_;
  std::vector<Array> x_;      // by layer, [batch, kTokens, d_model]
  std::vector<Array> whole_;  // by layer, the same shape
};

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
    exam.Case(fmt::format("after {} tokens in every layer", begin));
    const Values past =
        exam.AskStudent("cached_attention.past_len", {attention});
    CompareNumber(exam, "PastLen()", exam.Get<std::int64_t>(past, 0),
                  Int(begin));
  }
}

// A pass that stops after some layers, and the pass that should have been.
void Interrupted(Exam& exam) {
  AttentionTrial trial(exam, 2, Layers::kSeveral, Padding::kNone);
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
}

}  // namespace

Checks CachedAttentionChecks() {
  return {
      AllOrNothing("cached.prefill", {"tolerance"}, Prefill),
      AllOrNothing("cached.steps", {"tolerance"}, Steps),
      AllOrNothing("cached.chunks", {"tolerance"}, Chunks),
      AllOrNothing("cached.positions", {"tolerance"}, PositionsOfSteps),
      AllOrNothing("cached.left_pad", {"tolerance"}, LeftPadding),
      AllOrNothing("cached.layers", {"tolerance"}, ManyLayers),
      AllOrNothing("cached.interrupted", {"tolerance"}, Interrupted),
  };
}

}  // namespace kvlab::grading
