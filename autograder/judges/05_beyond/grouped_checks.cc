// Module 5, task 5.1: fewer key/value heads.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "autograder/exam/work_trial.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

const Axes kFeatureAxes = {"output feature", "input feature"};

struct Heads {
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
};

std::string HeadsText(const Heads& heads) {
  return fmt::format("{} on {}", Count(heads.heads, "head"),
                     Count(heads.kv_heads, "key/value head"));
}

// Every kind of group, each with heads of its own number: of one head, of all
// heads, and between; not only powers of two.
std::vector<Heads> KindsOfGroups(Random& random) {
  const std::size_t kv_heads = Between(random, 2, 4);
  const std::size_t group = Between(random, 2, 3);
  const std::size_t heads = Between(random, 3, 6);
  return {{group * kv_heads, kv_heads}, {heads, 1}, {heads, heads}};
}

// --- bytes ---

void BytesOfTheCache(Exam& exam) {
  Random& random = exam.Randomness();
  std::vector<Heads> kinds = KindsOfGroups(random);
  kinds.push_back({96, 8});
  kinds.push_back({4 * Between(random, 65, 70), 4});
  for (const Heads& heads : kinds) {
    const std::size_t layers = Between(random, 2, 90);
    const std::size_t head_dim = Between(random, 3, 128);
    const std::size_t batch = Between(random, 2, 300);
    const std::size_t tokens = Between(random, 2, 5000);
    exam.Case(HeadsText(heads));
    const Values answer =
        exam.AskStudent("grouped.cache_shape",
                        {Ints({layers, heads.heads, heads.heads * head_dim}),
                         Int(heads.kv_heads), Int(batch), Int(tokens)});
    const Integers& shape = exam.GetIntegers(answer, 0, 5);
    CompareNumber(exam, "num_kv_heads", shape[3], Int(heads.kv_heads),
                  shape[3] == Int(heads.heads)
                      ? "these are the query heads, which are not stored"
                      : "");
    CompareNumber(exam, "head_dim", shape[4], Int(head_dim),
                  "it is d_model / H, however many query heads share a head");
    CompareNumber(exam, "batch", shape[0], Int(batch));
    CompareNumber(exam, "max_seq_len", shape[1], Int(tokens));
    CompareNumber(exam, "num_layers", shape[2], Int(layers));
    std::int64_t bytes = 1;
    for (const std::int64_t size : shape) bytes *= size;
    const auto full = Int(layers * heads.heads * head_dim * batch * tokens);
    CompareNumber(exam, "H times the elements of the cache",
                  Int(heads.heads) * bytes, Int(heads.kv_heads) * full);
  }
  exam.Case("");
  for (const auto& [heads, kv_heads] :
       std::vector<Heads>{{6, 4}, {6, 0}, {4, 8}}) {
    exam.ExpectRefusal(
        "grouped.cache_shape",
        {Ints({2, heads, heads * 4}), Int(kv_heads), Int(1), Int(1)},
        HeadsText({heads, kv_heads}));
  }
}

// --- conversion ---

// How a group of heads may become one; kMean is right.
enum class Pooling { kMean, kSum, kFirst, kLast, kInTurn };

constexpr std::array<std::pair<Pooling, const char*>, 4> kMistakes = {
    {{Pooling::kSum, "the heads of a group were summed; take their mean"},
     {Pooling::kFirst,
      "each group became its first head; take the mean of all"},
     {Pooling::kLast, "each group became its last head; take the mean of all"},
     {Pooling::kInTurn,
      "heads g, g + G, g + 2 G .. were pooled; a group is of neighbours: "
      "h / (H / G) is the same for all of them"}}};

// Whether head h counts for key/value head g, and how much.
double Share(const Heads& heads, std::size_t h, std::size_t g,
             Pooling pooling) {
  const std::size_t group = heads.heads / heads.kv_heads;
  const bool in_turn = pooling == Pooling::kInTurn;
  if ((in_turn ? h % heads.kv_heads : h / group) != g) return 0;
  if (pooling == Pooling::kSum) return 1;
  if (pooling == Pooling::kFirst) return h % group == 0 ? 1 : 0;
  if (pooling == Pooling::kLast) return h % group == group - 1 ? 1 : 0;
  return 1 / static_cast<double>(group);
}

// Rows of `all` [3 C, columns], pooled in double: [(H + 2 G) D, columns].
Array Pooled(const Array& all, const Heads& heads, Pooling pooling) {
  const std::size_t d_model = all.shape[0] / 3;
  const std::size_t head_dim = d_model / heads.heads;
  const std::size_t columns = all.shape.size() > 1 ? all.shape[1] : 1;
  std::vector<double> sums((heads.heads + 2 * heads.kv_heads) * head_dim *
                           columns);
  const auto add = [&](std::size_t from, std::size_t to, double share) {
    for (std::size_t i = 0; i < columns; ++i) {
      sums[to * columns + i] += share * double{all.values[from * columns + i]};
    }
  };
  for (std::size_t feature = 0; feature < d_model; ++feature) {
    add(feature, feature, 1);
  }
  for (std::size_t part = 0; part < 2; ++part) {
    for (std::size_t g = 0; g < heads.kv_heads; ++g) {
      for (std::size_t h = 0; h < heads.heads; ++h) {
        const double share = Share(heads, h, g, pooling);
        for (std::size_t d = 0; share != 0 && d < head_dim; ++d) {
          add((1 + part) * d_model + h * head_dim + d,
              d_model + (part * heads.kv_heads + g) * head_dim + d, share);
        }
      }
    }
  }
  Array pooled = {.shape = all.shape, .values = {}};
  pooled.shape[0] = sums.size() / columns;
  for (const double sum : sums) {
    pooled.values.push_back(static_cast<float>(sum));
  }
  return pooled;
}

void ComparePooled(Exam& exam, const Array& actual, const Array& all,
                   const Heads& heads, const Axes& axes) {
  const double tolerance = exam.Setting("tolerance");
  const Array right = Pooled(all, heads, Pooling::kMean);
  CompareArrays(exam, actual, right, axes, [&](const Array& answer) {
    for (const auto& [mistake, hint] : kMistakes) {
      const Array wrong = Pooled(all, heads, mistake);
      if (!Agree(wrong, right, tolerance) && Agree(answer, wrong, tolerance)) {
        return std::string(hint);
      }
    }
    return std::string();
  });
}

void PoolingHeads(Exam& exam) {
  Random& random = exam.Randomness();
  std::vector<Heads> kinds = KindsOfGroups(random);
  kinds.push_back({2 * Between(random, 65, 80), 2});
  // More heads than fit into a byte, on both sides.
  const std::size_t many = Between(random, 257, 262);
  kinds.push_back({2 * many, many});
  std::vector<std::pair<Heads, std::size_t>> sizes_of;  // and head_dim
  sizes_of.reserve(kinds.size() + 5);
  for (const Heads& heads : kinds) {
    sizes_of.emplace_back(heads, heads.heads > 256 ? 1 : Between(random, 1, 5));
  }
  // Features of a head in hundreds, and heads of several features in dozens.
  sizes_of.push_back({{6, 3}, Between(random, 9, 12)});
  sizes_of.push_back({{4, 2}, Between(random, 65, 70)});
  sizes_of.push_back({{2, 1}, Between(random, 257, 262)});
  sizes_of.push_back({{Between(random, 257, 262), 1}, 2});
  const std::size_t dozens = Between(random, 65, 70);
  sizes_of.push_back({{2 * dozens, dozens}, 4});
  for (const auto& [heads, head_dim] : sizes_of) {
    const Gpt2Sizes sizes = {.layers = 2,
                             .heads = heads.heads,
                             .head_dim = head_dim,
                             .max_positions = 4,
                             .vocab_size = 10,
                             .d_mlp = 8};
    const Pair weights = exam.Make(
        "weights.random", {RandomSeed(random), sizes.Sizes(), std::string()});
    const std::int64_t layer = Int(Between(random, 0, 1));
    const Values all = exam.AskReference("grouped.c_attn", {weights, layer});
    const Answers answers =
        exam.AskBoth("grouped.pool",
                     {weights, layer, Int(heads.heads), Int(heads.kv_heads)});
    exam.Case(HeadsText(heads) + ", the weights of c_attn");
    ComparePooled(exam, exam.Get<Array>(answers.student, 0),
                  exam.Get<Array>(all, 0), heads, kFeatureAxes);
    exam.Case(HeadsText(heads) + ", the biases of c_attn");
    ComparePooled(exam, exam.Get<Array>(answers.student, 1),
                  exam.Get<Array>(all, 1), heads, {"output feature"});
    exam.Case(HeadsText(heads) + ", c_proj, which stays");
    CompareArrays(exam, answers, 2, kFeatureAxes);
    CompareArrays(exam, answers, 3, {"output feature"});
    const Pair bare = exam.Make("grouped.without_bias", {weights});
    const Values without = exam.AskStudent(
        "grouped.pool", {bare, layer, Int(heads.heads), Int(heads.kv_heads)});
    exam.Case(HeadsText(heads) + ", a c_attn without biases");
    CompareNumber(exam, "the number of biases",
                  Int(exam.Get<Array>(without, 1).values.size()), 0);
  }
}

// --- projection and attention ---

struct Sizes {
  Heads heads;
  std::size_t head_dim = 0;
  std::size_t layers = 0;
  std::size_t batch = 0;
  std::size_t tokens = 0;
};

Sizes SmallSizes(Random& random, const Heads& heads, std::size_t layers) {
  return {.heads = heads,
          .head_dim = 4 * Between(random, 1, 3),
          .layers = layers,
          .batch = 3,
          .tokens = 9};
}

// Weights of few key/value heads, the same written out for module 1, and for
// each layer an input and what attention over all of it gives.
class GroupedTrial {
 public:
  GroupedTrial(Exam& exam, const Sizes& sizes, Integers left_pad)
      : exam_(exam), sizes_(sizes), left_pad_(std::move(left_pad)) {
    Random& random = exam.Randomness();
    const Gpt2Sizes shape = {.layers = sizes.layers,
                             .heads = sizes.heads.heads,
                             .head_dim = sizes.head_dim,
                             .max_positions = sizes.tokens,
                             .vocab_size = 20};
    d_model_ = shape.DModel();
    const Pair full = exam.Make(
        "weights.random", {RandomSeed(random), shape.Sizes(), std::string()});
    const std::int64_t kv_heads = Int(sizes.heads.kv_heads);
    narrow_ = exam.Make("grouped.narrow", {full, kv_heads});
    const Values repeated =
        exam.AskReference("grouped.repeat", {narrow_, kv_heads});
    for (std::size_t layer = 0; layer < sizes.layers; ++layer) {
      x_.push_back(RandomArray(random, {sizes.batch, sizes.tokens, d_model_}));
      whole_.push_back(exam.Get<Array>(
          exam.AskReference("attention.multi_head",
                            {exam.Get<Handle>(repeated, 0), Int(layer),
                             x_[layer], Int(sizes.heads.heads), left_pad_}),
          0));
    }
  }

  const Pair& Weights() const { return narrow_; }
  std::size_t DModel() const { return d_model_; }
  const Array& Input(std::size_t layer) const { return x_[layer]; }

  Handle NewAttention() {
    const Values made = exam_.AskStudent(
        "grouped.attention", {narrow_, Int(sizes_.heads.kv_heads),
                              Int(sizes_.batch), Int(sizes_.tokens)});
    return exam_.Get<Handle>(made, 0);
  }

  Values Forward(Handle attention, std::size_t layer, const Array& x) {
    return exam_.AskStudent("grouped.forward",
                            {attention, narrow_, Int(layer), x, left_pad_});
  }

  // Tokens [begin, begin + count); what padding gives is not compared.
  void CompareForward(Handle attention, std::size_t layer, std::size_t begin,
                      std::size_t count) {
    const Values answer =
        Forward(attention, layer, Slice(x_[layer], 1, begin, begin + count));
    Array actual = exam_.Get<Array>(answer, 0);
    Array right = Slice(whole_[layer], 1, begin, begin + count);
    if (actual.shape == right.shape) {
      ZeroPadding(actual, left_pad_, begin);
      ZeroPadding(right, left_pad_, begin);
    }
    CompareArrays(exam_, actual, right, kTokenAxes);
  }

  // All layers by turns, piece by piece, with an empty cache.
  void ComparePieces(const std::vector<std::size_t>& pieces) {
    const Handle attention = NewAttention();
    std::size_t begin = 0;
    for (const std::size_t piece : pieces) {
      for (std::size_t layer = 0; layer < sizes_.layers; ++layer) {
        exam_.Case(fmt::format(
            "{}, batch {}{}, layer {}, tokens in pieces of {}, the piece of {} "
            "after {}",
            HeadsText(sizes_.heads), sizes_.batch,
            left_pad_.empty() ? "" : ", left padded", layer, PiecesText(pieces),
            piece, begin));
        CompareForward(attention, layer, begin, piece);
      }
      begin += piece;
    }
  }

  void ComparePastLen(Handle attention, std::size_t expected,
                      const std::string& about) {
    exam_.Case(about);
    const Values past = exam_.AskStudent("grouped.past_len", {attention});
    CompareNumber(exam_, "PastLen()", exam_.Get<std::int64_t>(past, 0),
                  Int(expected));
  }

 private:
  Exam& exam_;
  Sizes sizes_;
  Integers left_pad_;
  std::size_t d_model_ = 0;
  Pair narrow_ = {};
  std::vector<Array> x_;      // by layer, [batch, tokens, d_model]
  std::vector<Array> whole_;  // by layer, the same shape
};

void Projecting(Exam& exam) {
  const std::vector<std::string> names = {"queries", "keys", "values"};
  for (const Heads& heads : KindsOfGroups(exam.Randomness())) {
    const Sizes sizes = SmallSizes(exam.Randomness(), heads, 1);
    const GroupedTrial trial(exam, sizes, {});
    const Question question = {trial.Weights(), Int(0), trial.Input(0),
                               Int(heads.heads), Int(heads.kv_heads)};
    Answers answers = {
        .student = {},
        .reference = exam.AskReference("grouped.project", question)};
    CountedWork work(exam);
    answers.student = exam.AskStudent("grouped.project", question);
    const Integers macs = work.Macs();
    for (std::size_t i = 0; i < names.size(); ++i) {
      exam.Case(fmt::format("{}, the {}", HeadsText(heads), names[i]));
      CompareArrays(exam, answers, i, kHeadAxes);
    }
    exam.Case(HeadsText(heads) + ", one product for all features");
    const std::size_t features =
        (heads.heads + 2 * heads.kv_heads) * sizes.head_dim;
    const std::size_t expected =
        sizes.batch * sizes.tokens * trial.DModel() * features;
    CompareNoOtherWork(exam, macs, WorkKind::kQkv);
    CompareWork(exam, macs, WorkKind::kQkv,
                {.least = expected, .most = expected});
  }
}

void Attending(Exam& exam) {
  Random& random = exam.Randomness();
  for (const Heads& heads : KindsOfGroups(random)) {
    GroupedTrial trial(exam, SmallSizes(random, heads, 3), {});
    trial.ComparePieces({4, 1, 1, 3});
  }
}

// Padded batches, sizes of every kind, and G at its edges.
void AllTogether(Exam& exam) {
  Random& random = exam.Randomness();
  for (const Heads& heads : KindsOfGroups(random)) {
    const Sizes sizes = SmallSizes(random, heads, 2);
    GroupedTrial trial(exam, sizes,
                       RandomLeftPad(random, sizes.batch, sizes.tokens));
    trial.ComparePieces(RandomPieces(random, sizes.tokens, 4));
  }
  const auto large = [&] { return Between(random, 260, 280); };
  const std::size_t wide = Between(random, 33, 40);
  for (const Sizes& sizes : {
           Sizes{{4, 2}, 3, 1, large(), 3},
           Sizes{{4, 2}, 3, 1, 2, large()},
           Sizes{{2 * wide, wide}, 2, 1, 2, 5},
           Sizes{{large(), 1}, 1, 1, 1, 4},
           Sizes{{2, 1}, large(), 1, 2, 4},
       }) {
    GroupedTrial trial(exam, sizes,
                       RandomLeftPad(random, sizes.batch, sizes.tokens));
    const std::size_t last = Between(random, 1, 2);
    trial.ComparePieces({sizes.tokens - last, last});
  }
}

// Conversion and attention in a whole model: the same logits as before.
void GroupsAlike(Exam& exam) {
  Random& random = exam.Randomness();
  constexpr std::size_t kTokens = 9;
  for (const Heads& heads : KindsOfGroups(random)) {
    const TrialModel model = MakeModel(exam,
                                       {.layers = 3,
                                        .heads = heads.heads,
                                        .head_dim = 4 * Between(random, 1, 3),
                                        .max_positions = kTokens,
                                        .vocab_size = 40},
                                       "");
    const std::int64_t kv_heads = Int(heads.kv_heads);
    const Pair alike =
        exam.Make("grouped.make_alike", {model.weights, kv_heads});
    const Pair multi_head = exam.Make("model.new", {alike});
    TrialTokens tokens = RandomTrialTokens(exam, model, 3, kTokens);
    tokens.left_pad = RandomLeftPad(random, 3, kTokens);
    const Array expected = exam.Get<Array>(
        exam.AskReference("model.forward",
                          ForwardQuestion(multi_head, tokens, Positions::kAll)),
        0);
    exam.Case(HeadsText(heads) +
              ", all heads of a group alike: conversion must lose nothing");
    const Values pooled =
        exam.AskStudent("grouped.pool_model", {alike, kv_heads});
    const Values made = exam.AskStudent(
        "grouped.model",
        {exam.Get<Handle>(pooled, 0), kv_heads, Int(3), Int(kTokens)});
    CompareForwards(exam, exam.Get<Handle>(made, 0), tokens, expected,
                    {6, 1, 2});
  }
}

void Interrupted(Exam& exam) {
  Random& random = exam.Randomness();
  GroupedTrial trial(exam, SmallSizes(random, {6, 2}, 3), {});
  const Handle attention = trial.NewAttention();
  std::size_t begin = 0;
  for (const std::size_t piece : {3, 1, 2}) {
    const std::size_t stop = Between(random, 1, 2);
    for (std::size_t layer = 0; layer < stop; ++layer) {
      trial.Forward(attention, layer,
                    RandomArray(random, {3, piece, trial.DModel()}));
    }
    for (std::size_t layer = 0; layer < 3; ++layer) {
      exam.Case(fmt::format(
          "layer {} of 3 in a pass that follows one broken off after layer {}",
          layer, stop - 1));
      trial.CompareForward(attention, layer, begin, piece);
    }
    begin += piece;
    trial.ComparePastLen(attention, begin,
                         fmt::format("after {} tokens in every layer", begin));
  }
}

void Refusals(Exam& exam) {
  Random& random = exam.Randomness();
  const Sizes sizes = SmallSizes(random, {6, 2}, 1);
  GroupedTrial trial(exam, sizes, {});
  const std::size_t d_model = trial.DModel();
  const Handle attention = trial.NewAttention();
  const auto refuse = [&](std::size_t layer, const Array& x,
                          const Integers& left_pad, const std::string& what) {
    exam.Case("");
    exam.ExpectRefusal("grouped.forward",
                       {attention, trial.Weights(), Int(layer), x, left_pad},
                       what);
  };
  for (std::size_t t = 0; t < sizes.tokens; ++t) {
    refuse(0, RandomArray(random, {3, 1, d_model}), Integers(4, 0),
           "left_pad of 4 entries for 3 rows");
    refuse(0, RandomArray(random, {2, 1, d_model}), {},
           "2 rows for a cache of 3");
    refuse(0, RandomArray(random, {3, sizes.tokens + 1 - t, d_model}), {},
           "one token more than fits");
    refuse(1, RandomArray(random, {3, 1, d_model}), {},
           "a layer that the cache does not have");
    exam.Case(fmt::format("token {} after calls that were refused", t));
    trial.CompareForward(attention, 0, t, 1);
  }
  const Pair full =
      exam.Make("weights.random",
                {RandomSeed(random), Integers{1, 6, Int(d_model), 4, 8, 10},
                 std::string()});
  exam.Case("");
  for (const auto& [heads, kv_heads] :
       std::vector<Heads>{{6, 4}, {6, 0}, {6, 12}, {5, 5}}) {
    if (d_model % heads == 0 && heads % 6 != 0) continue;
    exam.ExpectRefusal("grouped.pool",
                       {full, Int(0), Int(heads), Int(kv_heads)},
                       "pooling " + HeadsText({heads, kv_heads}));
  }
  exam.ExpectRefusal("grouped.pool", {trial.Weights(), Int(0), Int(6), Int(2)},
                     "weights that are pooled already");
  exam.ExpectRefusal("grouped.project",
                     {full, Int(0), trial.Input(0), Int(6), Int(2)},
                     "weights of 6 key/value heads for 2");
}

const RegisterChecks kGroupedChecks({
    AllOrNothing("grouped.bytes", {}, BytesOfTheCache),
    AllOrNothing("grouped.pool", {"tolerance"}, PoolingHeads),
    AllOrNothing("grouped.project", {"tolerance"}, Projecting),
    AllOrNothing("grouped.forward", {"tolerance"}, Attending),
    AllOrNothing("grouped.combined", {"tolerance"}, AllTogether),
    AllOrNothing("grouped.alike", {"tolerance"}, GroupsAlike),
    AllOrNothing("grouped.interrupted", {"tolerance"}, Interrupted),
    AllOrNothing("grouped.refusals", {"tolerance"}, Refusals),
});

}  // namespace
}  // namespace kvlab::grading
