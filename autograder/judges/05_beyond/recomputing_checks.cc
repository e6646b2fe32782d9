// Module 5, task 5.9: inputs in place of keys and values.
#include <algorithm>
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
#include "autograder/judges/03_memoization/cache_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// --- formulas ---

void BytesOfInputs(Exam& exam) {
  Random& random = exam.Randomness();
  for (int round = 0; round < 6; ++round) {
    const std::vector<std::size_t> sizes = {
        Between(random, 1, 300), Between(random, 1, 5000),
        Between(random, 1, 90), Between(random, 1, 9000)};
    exam.Case(fmt::format("{}, {}, {}, d_model {}", Count(sizes[0], "row"),
                          Count(sizes[1], "token"), Count(sizes[2], "layer"),
                          sizes[3]));
    const auto bytes = exam.Get<std::int64_t>(
        exam.AskStudent("inputs.bytes", {Ints(sizes)}), 0);
    const std::int64_t right =
        Int(sizes[0]) * Int(sizes[1]) * Int(sizes[2]) * Int(sizes[3]) * 4;
    CompareNumber(exam, "the number of bytes", bytes, right,
                  bytes == 2 * right ? "that is keys and values; an input is "
                                       "half of it"
                                     : "");
  }
  exam.Case("");
  for (std::size_t size = 0; size < 4; ++size) {
    Integers wrong = {2, 3, 4, 5};
    wrong[size] = 0;
    exam.ExpectRefusal("inputs.bytes", {wrong}, "the bytes of a size of 0");
  }
}

void LengthsOfChunks(Exam& exam) {
  Random& random = exam.Randomness();
  std::vector<std::size_t> lengths = {1, 2, 3, 4, 5};
  for (const std::size_t root :
       {Between(random, 3, 90), Between(random, 1000, 100'000),
        // Squares that double does not hold.
        Between(random, 94'906'266, 2'000'000'000), std::size_t{1} << 31U}) {
    for (const std::size_t total_len : {root * root - 1, root * root}) {
      lengths.push_back(total_len);
    }
    if (root < std::size_t{1} << 31U) lengths.push_back(root * root + 1);
  }
  for (int i = 0; i < 100; ++i) lengths.push_back(Between(random, 1, 4000));
  exam.Case("chunks of 1 to 2^62 tokens");
  const Integers chunks = exam.GetIntegers(
      exam.AskStudent("inputs.chunks", {Ints(lengths)}), 0, lengths.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const auto length = static_cast<std::size_t>(chunks[i]);
    // Divided, so that no square wraps.
    if (chunks[i] < 1 || length < (lengths[i] - 1) / length + 1) {
      exam.Fail(
          fmt::format("chunks of {} tokens: so many are not enough for "
                      "{} tokens",
                      chunks[i], lengths[i]));
    }
    if (length > 1 && length - 1 >= (lengths[i] - 1) / (length - 1) + 1) {
      exam.Fail(
          fmt::format("chunks of {} tokens for {}: shorter ones are "
                      "enough",
                      chunks[i], lengths[i]));
    }
  }
}

// --- what is held ---

const Axes kInputAxes = {"batch row", "position", "feature"};

struct HeldSizes {
  std::size_t batch = 0;
  std::size_t tokens = 0;
  std::size_t layers = 0;
  std::size_t d_model = 0;
};

// Tokens in pieces, each layer's read back after every piece.
void HoldInputs(Exam& exam, const HeldSizes& sizes,
                const std::vector<std::size_t>& pieces) {
  Random& random = exam.Randomness();
  const auto [batch, tokens, layers, d_model] = sizes;
  exam.Case(fmt::format("{}, {}, {}, d_model {}", Count(batch, "row"),
                        Count(tokens, "token"), Count(layers, "layer"),
                        d_model));
  const Handle attention = exam.Get<Handle>(
      exam.AskStudent("inputs.attention",
                      {Ints({batch, tokens, layers, d_model}), Int(1)}),
      0);
  std::vector<Array> x;
  for (std::size_t layer = 0; layer < layers; ++layer) {
    x.push_back(RandomArray(random, {batch, tokens, d_model}));
  }
  std::size_t begin = 0;
  for (const std::size_t piece : pieces) {
    for (std::size_t layer = 0; layer < layers; ++layer) {
      const Values answer = exam.AskStudent(
          "inputs.append",
          {attention, Int(layer), Slice(x[layer], 1, begin, begin + piece)});
      CompareNumber(exam, "PastLen() of the layer",
                    exam.Get<std::int64_t>(answer, 0), Int(begin + piece));
      CompareNumber(exam, "PastLen() of all layers",
                    exam.Get<std::int64_t>(answer, 1),
                    Int(layer + 1 == layers ? begin + piece : begin));
    }
    begin += piece;
    for (std::size_t layer = 0; layer < layers; ++layer) {
      const Values held =
          exam.AskStudent("inputs.read", {attention, Int(layer)});
      const Array& actual = exam.Get<Array>(held, 0);
      const Array right = Slice(x[layer], 1, 0, begin);
      const auto difference = Difference(actual, right, 0, kInputAxes);
      if (difference) exam.Fail("the inputs held: " + *difference);
    }
  }
  exam.Case("");
  const auto refuse = [&](std::size_t layer,
                          const std::vector<std::size_t>& shape,
                          const std::string& what) {
    exam.ExpectRefusal("inputs.append",
                       {attention, Int(layer), RandomArray(random, shape)},
                       what);
  };
  refuse(0, {batch, 1, d_model}, "another token for a full cache");
  refuse(layers, {batch, 1, d_model}, "tokens for a layer that is not there");
  refuse(0, {batch, 1, d_model + 1}, "inputs of another d_model");
  refuse(0, {batch + 1, 1, d_model}, "inputs of other rows");
}

void HoldingInputs(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t tokens = Between(random, 9, 14);
  std::vector<std::size_t> pieces = RandomPieces(random, tokens, 4);
  pieces.insert(pieces.begin() + 2, 0);
  HoldInputs(exam,
             {.batch = 3,
              .tokens = tokens,
              .layers = 3,
              .d_model = Between(random, 3, 9)},
             pieces);
  // Any two of the sizes beyond what 8 bits count.
  const auto large = [&] { return Between(random, 260, 280); };
  for (const HeldSizes& sizes : {HeldSizes{large(), large(), 2, 2},
                                 {large(), 4, large(), 2},
                                 {large(), 4, 2, large()},
                                 {2, large(), large(), 2},
                                 {2, large(), 2, large()},
                                 {2, 4, large(), large()}}) {
    HoldInputs(exam, sizes, {sizes.tokens - 2, 2});
  }
}

// --- attention ---

struct Sizes {
  std::size_t heads = 0;
  std::size_t head_dim = 0;
  std::size_t layers = 0;
  std::size_t batch = 0;
  std::size_t tokens = 0;
  // Of the cache, before those that get tokens.
  std::size_t earlier_layers = 0;

  std::size_t DModel() const { return heads * head_dim; }
};

Sizes SmallSizes(Random& random, std::size_t layers) {
  return {.heads = Between(random, 2, 4),
          .head_dim = 4 * Between(random, 1, 3),
          .layers = layers,
          .batch = 3,
          .tokens = Between(random, 11, 19)};
}

// Weights, and for each layer an input and what attention over all of it gives.
class RecomputingTrial {
 public:
  RecomputingTrial(Exam& exam, const Sizes& sizes, Integers left_pad)
      : exam_(exam), sizes_(sizes), left_pad_(std::move(left_pad)) {
    Random& random = exam.Randomness();
    const Gpt2Sizes shape = {.layers = sizes.layers,
                             .heads = sizes.heads,
                             .head_dim = sizes.head_dim,
                             .max_positions = sizes.tokens,
                             .vocab_size = 20,
                             .d_mlp = 8};
    weights_ = exam.Make("weights.random",
                         {RandomSeed(random), shape.Sizes(), std::string()});
    for (std::size_t layer = 0; layer < sizes.layers; ++layer) {
      x_.push_back(
          RandomArray(random, {sizes.batch, sizes.tokens, sizes.DModel()}));
      whole_.push_back(exam.Get<Array>(
          exam.AskReference(
              "attention.multi_head",
              {weights_, Int(layer), x_[layer], Int(sizes.heads), left_pad_}),
          0));
    }
    attention_ = exam.Get<Handle>(
        exam.AskStudent(
            "inputs.attention",
            {Ints({sizes.batch, sizes.tokens,
                   sizes.earlier_layers + sizes.layers, sizes.DModel()}),
             Int(sizes.heads)}),
        0);
  }

  const Sizes& Of() const { return sizes_; }
  Handle Attention() const { return attention_; }
  const Pair& Weights() const { return weights_; }
  std::size_t Done() const { return done_; }

  // The next tokens of a layer; their count is not taken down.
  Values Forward(std::size_t layer, std::size_t count) {
    return exam_.AskStudent(
        "inputs.forward",
        {attention_, weights_, Int(sizes_.earlier_layers + layer),
         Slice(x_[layer], 1, done_, done_ + count), left_pad_});
  }

  // All layers by turns; what padding gives is not compared.
  void ComparePieces(const std::vector<std::size_t>& pieces) {
    for (const std::size_t piece : pieces) {
      for (std::size_t layer = 0; layer < sizes_.layers; ++layer) {
        exam_.Case(fmt::format(
            "{}, d_model {}, batch {}{}, layer {}, the piece of {} after {}",
            Count(sizes_.heads, "head"), sizes_.DModel(), sizes_.batch,
            left_pad_.empty() ? "" : ", left padded", layer, piece, done_));
        const Values answer = Forward(layer, piece);
        Array actual = exam_.Get<Array>(answer, 0);
        Array right = Slice(whole_[layer], 1, done_, done_ + piece);
        if (actual.shape == right.shape) {
          ZeroPadding(actual, left_pad_, done_);
          ZeroPadding(right, left_pad_, done_);
        }
        CompareArrays(exam_, actual, right, kTokenAxes);
      }
      done_ += piece;
    }
  }

  void ComparePastLen(const std::string& about) {
    exam_.Case(about);
    const Values past = exam_.AskStudent("inputs.past_len", {attention_});
    CompareNumber(exam_, "PastLen()", exam_.Get<std::int64_t>(past, 0),
                  Int(done_));
  }

 private:
  Exam& exam_;
  Sizes sizes_;
  Integers left_pad_;
  Pair weights_ = {};
  Handle attention_;
  std::vector<Array> x_;      // by layer, [batch, tokens, d_model]
  std::vector<Array> whole_;  // by layer, the same shape
  std::size_t done_ = 0;      // tokens that every layer has got
};

void RecomputingSteps(Exam& exam) {
  Random& random = exam.Randomness();
  const Sizes sizes = SmallSizes(random, 3);
  // Chunks are 4 or 5 tokens: their edges are crossed one by one.
  RecomputingTrial steps(exam, sizes, {});
  std::vector<std::size_t> pieces(sizes.tokens - 3, 1);
  pieces.front() = 4;
  steps.ComparePieces(pieces);
  RecomputingTrial whole(exam, sizes, {});
  whole.ComparePieces({sizes.tokens});
  for (int round = 0; round < 3; ++round) {
    RecomputingTrial trial(exam, SmallSizes(random, 2), {});
    trial.ComparePieces(RandomPieces(random, trial.Of().tokens, 4));
  }
}

// Padding of each row: of row 0 none, then numbers from all over [0, tokens).
Integers SpreadPadding(Random& random, const Sizes& sizes) {
  Integers left_pad = {0};
  while (left_pad.size() < sizes.batch) {
    left_pad.push_back(Int(Between(random, 0, sizes.tokens - 1)));
  }
  return left_pad;
}

// Chunks of dozens of tokens, and of 256: the newest tokens over thousands that
// were appended before.
void CompareLongChunks(Exam& exam, std::size_t tokens) {
  Random& random = exam.Randomness();
  constexpr Gpt2Sizes kModel = {.layers = 1,
                                .heads = 2,
                                .head_dim = 2,
                                .max_positions = 4,
                                .vocab_size = 10,
                                .d_mlp = 2};
  constexpr std::size_t kBatch = 3;
  const std::size_t count = Between(random, 70, 90);
  const Integers left_pad =
      Ints({Between(random, 260, 400), tokens - Between(random, 120, 150), 0});
  exam.Case(fmt::format("{} after {}, in 3 rows", Count(count, "token"),
                        tokens - count));
  const Pair weights = exam.Make(
      "weights.random", {RandomSeed(random), kModel.Sizes(), std::string()});
  const Pair attention = exam.Make(
      "inputs.attention", {Ints({kBatch, tokens, 1, kModel.DModel()}), Int(2)});
  const Array x = RandomArray(random, {kBatch, tokens, kModel.DModel()});
  const Question before = {attention, Int(0), Slice(x, 1, 0, tokens - count)};
  const Question last = {attention, weights, Int(0),
                         Slice(x, 1, tokens - count, tokens), left_pad};
  exam.AskStudent("inputs.append", before);
  exam.AskReference("inputs.append", before);
  const Values actual = exam.AskStudent("inputs.forward", last);
  const Values right = exam.AskReference("inputs.forward", last);
  CompareArrays(exam, exam.Get<Array>(actual, 0), exam.Get<Array>(right, 0),
                kTokenAxes);
}

// Padded batches, sizes of every kind.
void RecomputingAllTogether(Exam& exam) {
  Random& random = exam.Randomness();
  for (int round = 0; round < 3; ++round) {
    const Sizes sizes = SmallSizes(random, 2);
    Integers left_pad = RandomLeftPad(random, sizes.batch, sizes.tokens);
    if (round == 2) left_pad[0] = Int(sizes.tokens - 1);
    RecomputingTrial trial(exam, sizes, left_pad);
    trial.ComparePieces(RandomPieces(random, sizes.tokens, 5));
  }
  // One size beyond what 8 bits count, in the last of hundreds of layers; then
  // two of them. Hundreds of rows with hundreds of heads would be as many
  // threads, if each head had one.
  const auto large = [&] { return Between(random, 260, 280); };
  for (const Sizes& sizes : {
           Sizes{2, 3, 1, 3, 2 * large() + 60, large()},
           Sizes{2, 3, 1, large(), 9, large()},
           Sizes{large(), 2, 1, 2, 9, large()},
           Sizes{2, large(), 1, 2, 9, large()},
           Sizes{1, 1, 1, large(), large()},
           Sizes{large(), 1, 1, 1, large()},
           Sizes{1, large(), 1, 1, large()},
           Sizes{1, large(), 1, large(), 5},
       }) {
    for (const bool padded : {true, false}) {
      if (!padded && sizes.earlier_layers == 0) continue;
      RecomputingTrial trial(
          exam, sizes, padded ? SpreadPadding(random, sizes) : Integers());
      const std::size_t last = Between(random, 1, 2);
      // Two calls of hundreds of tokens each, or one.
      const std::size_t first = sizes.earlier_layers > 0 ? sizes.tokens / 2 : 2;
      trial.ComparePieces({first, sizes.tokens - first - last, last});
    }
  }
  for (const std::size_t tokens :
       {Between(random, 4'300, 4'600), Between(random, 65'040, 65'500)}) {
    CompareLongChunks(exam, tokens);
  }
}

// The same logits as without a cache, in a whole model.
void RecomputedLogits(Exam& exam) {
  Random& random = exam.Randomness();
  constexpr std::size_t kTokens = 13;
  const TrialModel model = MakeModel(exam, kTokens, "");
  TrialTokens tokens = RandomTrialTokens(exam, model, 3, kTokens);
  tokens.left_pad = RandomLeftPad(random, 3, kTokens);
  const Array expected = ReferenceLogits(exam, model, tokens);
  for (const std::vector<std::size_t>& pieces :
       {std::vector<std::size_t>{9, 1, 1, 1, 1}, {2, 6, 5}}) {
    exam.Case("logits of a model whose prompts have different lengths");
    const Values made =
        exam.AskStudent("inputs.model", {model.weights, Int(3), Int(kTokens)});
    CompareForwards(exam, exam.Get<Handle>(made, 0), tokens, expected, pieces);
  }
}

// --- costs ---

void WorkToTheUnit(Exam& exam) {
  Random& random = exam.Randomness();
  for (int round = 0; round < 8; ++round) {
    Sizes sizes = SmallSizes(random, 1);
    sizes.tokens = 18;
    const std::vector<std::size_t> pasts = {0, 1, 8, 9, 15, 16, 10, 4};
    const std::size_t past_len = pasts[static_cast<std::size_t>(round)];
    const std::size_t new_len = round % 2 == 0 ? 1 : 2;
    Integers left_pad;
    if (round >= 3) {
      left_pad = Ints({Between(random, 1, 5), 0, Between(random, 12, 18)});
    }
    RecomputingTrial trial(exam, sizes, left_pad);
    if (past_len > 0) trial.ComparePieces({past_len});
    exam.Case(fmt::format("{} after {}, batch 3{}", Count(new_len, "new token"),
                          past_len, left_pad.empty() ? "" : ", left padded"));
    CountedWork work(exam);
    trial.Forward(0, new_len);
    const Integers macs = work.Macs();
    std::size_t again = 3 * past_len;
    for (const std::int64_t pad : left_pad) {
      again -= std::min(static_cast<std::size_t>(pad), past_len);
    }
    const std::size_t each = 3 * sizes.DModel() * sizes.DModel();
    CompareWork(exam, macs, WorkKind::kQkv,
                {.least = each * (3 * new_len + again),
                 .most = each * (3 * new_len + again)});
    const std::size_t projected = 3 * new_len * sizes.DModel() * sizes.DModel();
    CompareWork(exam, macs, WorkKind::kProjection,
                {.least = projected, .most = projected});
    CompareWork(
        exam, macs, WorkKind::kAttention,
        {.least = 0,
         .most = 3 * new_len * (past_len + new_len) * 2 * sizes.DModel()});
    const Values formula = exam.AskStudent(
        "inputs.macs", {Ints({3, past_len, sizes.DModel()}), left_pad});
    CompareNumber(exam, "RecomputedMacs", exam.Get<std::int64_t>(formula, 0),
                  Int(each * again));
  }
  // The formula alone, for sizes of hundreds.
  std::size_t most = 5;
  for (const bool padded : {false, true, false, true}) {
    const std::size_t batch = Between(random, 260, 300);
    // Step by step beyond what 32 bits count.
    most *= 200;
    const std::size_t past_len = Between(random, most / 2, most);
    const std::size_t d_model = Between(random, 260, 600);
    Integers left_pad;
    std::size_t tokens = batch * past_len;
    for (std::size_t b = 0; padded && b < batch; ++b) {
      const std::size_t pad = Between(random, 0, 1'000);
      left_pad.push_back(Int(pad));
      tokens -= std::min(pad, past_len);
    }
    exam.Case(fmt::format("{} after {}, d_model {}{}", Count(batch, "row"),
                          past_len, d_model, padded ? ", left padded" : ""));
    const Values formula = exam.AskStudent(
        "inputs.macs", {Ints({batch, past_len, d_model}), left_pad});
    CompareNumber(exam, "RecomputedMacs", exam.Get<std::int64_t>(formula, 0),
                  Int(tokens * 3 * d_model * d_model));
  }
  exam.Case("");
  exam.ExpectRefusal("inputs.macs", {Ints({3, 5, 8}), Ints({0, 1})},
                     "left_pad of 2 entries for 3 rows");
}

// Memory as it is seen from outside, in a worker that keeps what it frees.
Verdict MemoryOfInputs(Exam& exam) {
  constexpr double kMib = 1 << 20;
  constexpr Gpt2Sizes kModel = {.layers = 6,
                                .heads = 4,
                                .head_dim = 16,
                                .max_positions = 16,
                                .vocab_size = 10,
                                .d_mlp = 8};
  constexpr std::size_t kTokens = 10'000;
  Random& random = exam.Randomness();
  exam.AllAnswerers().student->Restart();
  exam.AskStudent("memory.keep_freed", {});
  const Pair weights = exam.Make(
      "weights.random", {RandomSeed(random), kModel.Sizes(), std::string()});
  const std::int64_t seed = RandomSeed(random);
  const Array x = RandomArray(random, {1, 1, kModel.DModel()});
  const auto make = [&](std::size_t tokens) {
    exam.Case(fmt::format("a step of {} after {} tokens",
                          Count(kModel.layers, "layer"), tokens));
    const Pair attention =
        exam.Make("inputs.attention",
                  {Ints({1, tokens + 1, kModel.layers, kModel.DModel()}),
                   Int(kModel.heads)});
    exam.AskStudent("inputs.fill", {attention, seed, Int(50), Int(tokens)});
    return attention;
  };
  const auto step = [&](const Pair& attention) {
    Values last;
    for (std::size_t layer = 0; layer < kModel.layers; ++layer) {
      last = exam.AskStudent("inputs.forward",
                             {attention, weights, Int(layer), x, Integers()});
    }
    return last;
  };
  step(make(80));  // what calls need whatever there is to hold
  const double before = ResidentMib(exam);
  const Pair attention = make(kTokens);
  const Values answer = step(attention);
  const double grown = ResidentMib(exam) - before;
  exam.AllAnswerers().student->Restart();
  const double held = static_cast<double>((kTokens + 1) * kModel.layers *
                                          kModel.DModel() * sizeof(float)) /
                      kMib;
  const std::string measured = fmt::format(
      "{:.1f} MiB more memory with {} tokens held and read; their inputs take "
      "{:.1f} MiB, keys and values would take {:.1f}",
      grown, kTokens, held, 2 * held);
  const bool small = grown <= held + exam.Setting("slack_mib");
  exam.NoteCost(small);
  exam.Case("");
  if (!small) {
    exam.Fail("the process holds more than the inputs: " + measured +
              ". A chunk's keys and values can be forgotten once it is merged");
  }
  exam.AskReference("inputs.fill", {attention, seed, Int(50), Int(kTokens)});
  Values right;
  for (std::size_t layer = 0; layer < kModel.layers; ++layer) {
    right = exam.AskReference("inputs.forward",
                              {attention, weights, Int(layer), x, Integers()});
  }
  CompareArrays(exam, exam.Get<Array>(answer, 0), exam.Get<Array>(right, 0),
                kTokenAxes);
  return {.share = 1, .came_back = "", .measured = measured};
}

void BrokenOffAndRefused(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t layers_done = 1; layers_done <= 2; ++layers_done) {
    Sizes sizes = SmallSizes(random, 3);
    sizes.tokens = 14;
    RecomputingTrial trial(exam, sizes, {});
    trial.ComparePieces({5});
    for (std::size_t layer = 0; layer < layers_done; ++layer) {
      trial.Forward(layer, 3);
    }
    trial.ComparePastLen("a pass that broke off between two layers");
    trial.ComparePieces({1, 4});
    trial.ComparePastLen("after a pass that broke off");
    exam.Case("");
    const auto refuse = [&](std::size_t layer,
                            const std::vector<std::size_t>& shape,
                            const Integers& left_pad, const std::string& what) {
      exam.ExpectRefusal("inputs.forward",
                         {trial.Attention(), trial.Weights(), Int(layer),
                          RandomArray(random, shape), left_pad},
                         what);
    };
    const std::size_t d_model = sizes.DModel();
    refuse(0, {3, 5, d_model}, {}, "5 more tokens in a cache of 14 with 10");
    refuse(0, {3, 1, d_model}, {0, 0}, "left_pad of 2 entries for 3 rows");
    refuse(3, {3, 1, d_model}, {}, "a layer after the last");
    refuse(1, {2, 1, d_model}, {}, "other rows than the cache has");
    refuse(1, {3, 1, d_model + 1}, {}, "another d_model");
    trial.ComparePastLen("after calls that were refused");
    trial.ComparePieces({4});
  }
  exam.Case("");
  exam.ExpectRefusal("inputs.attention", {Ints({1, 2, 3, 10}), Int(3)},
                     "10 features in 3 heads");
}

const RegisterChecks kRecomputingChecks({
    AllOrNothing("inputs.bytes", {}, BytesOfInputs),
    AllOrNothing("inputs.chunks", {}, LengthsOfChunks),
    AllOrNothing("inputs.held", {}, HoldingInputs),
    AllOrNothing("inputs.forward", {"tolerance"}, RecomputingSteps),
    AllOrNothing("inputs.combined", {"tolerance"}, RecomputingAllTogether),
    AllOrNothing("inputs.logits", {"tolerance"}, RecomputedLogits),
    AllOrNothing("inputs.work", {"tolerance"}, WorkToTheUnit),
    {"inputs.memory", {"tolerance", "slack_mib"}, MemoryOfInputs},
    AllOrNothing("inputs.interrupted", {"tolerance"}, BrokenOffAndRefused),
});

}  // namespace
}  // namespace kvlab::grading
