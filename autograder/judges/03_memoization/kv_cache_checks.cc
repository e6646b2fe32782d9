// Module 3, tasks 3.5 and 3.9: the cache of all layers, and the one that grows.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/03_memoization/cache_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// A KvCache of the student's, and what each of its layers has been given.
class CacheTrial {
 public:
  explicit CacheTrial(Exam& exam)
      : CacheTrial(exam, RandomCacheShape(exam.Randomness())) {}
  CacheTrial(Exam& exam, const TrialCacheShape& shape)
      : exam_(exam), shape_(shape) {
    cache_ =
        exam.Get<Handle>(exam.AskStudent("kv_cache.new", {shape_.Sizes()}), 0);
    Refill();
  }

  const TrialCacheShape& Shape() const { return shape_; }
  Handle Cache() const { return cache_; }

  // Other numbers for the tokens to come, and nothing held.
  void Refill() {
    all_.clear();
    for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
      all_.push_back(
          RandomTokens(exam_.Randomness(), shape_, shape_.max_seq_len));
    }
    held_.assign(shape_.layers, 0);
  }

  void Append(std::size_t layer, std::size_t tokens) {
    const KeysAndValues part = Part(all_[layer], held_[layer], tokens);
    exam_.AskStudent("kv_cache.append",
                     {cache_, Int(layer), part.keys, part.values});
    held_[layer] += tokens;
  }

  // Layers hold layer + 2 tokens: the first the fewest.
  void FillUnevenly() {
    for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
      Append(layer, layer + 2);
    }
  }

  std::size_t Room(std::size_t layer) const {
    return shape_.max_seq_len - held_[layer];
  }
  std::size_t Shortest() const { return std::ranges::min(held_); }
  std::size_t Longest() const { return std::ranges::max(held_); }

  // Random numbers of tokens for all layers, up to a full cache.
  void FillAtRandom() {
    for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
      const std::size_t most = Room(layer);
      Append(layer, Between(exam_.Randomness(), most / 2, most));
    }
  }

  void Reset() {
    exam_.AskStudent("kv_cache.reset", {cache_});
    Refill();
  }

  void ExpectTruncateRefused(std::size_t past_len) {
    exam_.Case("");
    exam_.ExpectRefusal("kv_cache.truncate", {cache_, Int(past_len)},
                        fmt::format("truncating to {} when the longest layer "
                                    "holds {}",
                                    past_len, Longest()));
  }

  void FillEvenly(std::size_t tokens) {
    for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
      Append(layer, tokens);
    }
  }

  void Truncate(std::size_t past_len) {
    exam_.AskStudent("kv_cache.truncate", {cache_, Int(past_len)});
    for (std::size_t& held : held_) held = std::min(held, past_len);
  }

  // Throws CheckFailed unless every layer holds what it was given.
  void CompareLayers(const std::string& about) {
    for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
      exam_.Case(
          fmt::format("{}, layer {} of {}", about, layer, shape_.layers));
      CompareHeld(exam_,
                  exam_.AskStudent("kv_cache.read", {cache_, Int(layer)}),
                  all_[layer], held_[layer]);
    }
  }

  void ComparePastLen(const std::string& about, std::size_t expected,
                      const std::string& hint = "") {
    exam_.Case(about);
    const Values answer = exam_.AskStudent("kv_cache.state", {cache_});
    CompareNumber(exam_, "PastLen()", exam_.GetIntegers(answer, 0, 2)[0],
                  Int(expected), hint);
  }

 private:
  Exam& exam_;
  TrialCacheShape shape_;
  Handle cache_;
  std::vector<KeysAndValues> all_;  // by layer
  std::vector<std::size_t> held_;   // by layer
};

void LayersAreSeparate(Exam& exam) {
  CacheTrial trial(exam);
  trial.FillUnevenly();
  trial.Append(1, 2);
  trial.CompareLayers("layers with different numbers of tokens");
}

void PastLenOfAll(Exam& exam) {
  CacheTrial trial(exam);
  const std::string hint =
      "in the middle of a pass the first layers are ahead of the last";
  trial.ComparePastLen("a new cache", 0);
  trial.Append(0, 3);
  trial.ComparePastLen("3 tokens in layer 0 only", 0, hint);
  for (std::size_t layer = 1; layer < trial.Shape().layers; ++layer) {
    trial.Append(layer, 3);
  }
  trial.ComparePastLen("3 tokens in every layer", 3);
  trial.Append(0, 1);
  trial.ComparePastLen("4 tokens in layer 0, 3 in the others", 3, hint);
  // Layers may be filled in any order, so any of them may be the shortest.
  const std::size_t layers = trial.Shape().layers;
  for (std::size_t shortest = 0; shortest < layers; ++shortest) {
    CacheTrial uneven(exam, trial.Shape());
    for (std::size_t layer = 0; layer < layers; ++layer) {
      uneven.Append(layer, layer == shortest ? 2 : 3 + (layer + shortest) % 3);
    }
    uneven.ComparePastLen(
        fmt::format("2 tokens in layer {}, more in all others", shortest), 2,
        "what all layers hold is what the shortest holds, whichever it is");
  }
}

void TruncatingAll(Exam& exam) {
  CacheTrial trial(exam);
  trial.FillUnevenly();  // 2, 3, 4, 5 ...
  trial.Truncate(3);
  trial.CompareLayers("layers of 2, 3, 4, 5 ... tokens truncated to 3");
  trial.Truncate(1);
  trial.CompareLayers("truncated to 1");
  trial.Truncate(1);
  trial.CompareLayers("truncated to 1 once more");
  for (std::size_t longest = 0; longest < trial.Shape().layers; ++longest) {
    CacheTrial uneven(exam, trial.Shape());
    for (std::size_t layer = 0; layer < trial.Shape().layers; ++layer) {
      uneven.Append(layer, layer == longest ? 6 : 2 + layer % 3);
    }
    uneven.Truncate(6);
    uneven.CompareLayers(fmt::format(
        "truncated to the 6 tokens that layer {} alone holds", longest));
    uneven.Truncate(5);
    uneven.CompareLayers(
        fmt::format("truncated to 5, which layer {} alone holds", longest));
    uneven.Truncate(0);
    uneven.CompareLayers("truncated to 0");
  }
}

void Resetting(Exam& exam) {
  CacheTrial trial(exam);
  trial.FillEvenly(5);
  trial.Reset();
  trial.CompareLayers("after Reset()");
  trial.FillEvenly(3);
  trial.CompareLayers("a second prompt after Reset()");
  trial.ComparePastLen("a second prompt of 3 tokens after Reset()", 3);
  trial.Append(1, 2);  // a pass that broke off
  trial.Reset();
  trial.Reset();
  trial.ComparePastLen("after Reset() of layers of different lengths, twice",
                       0);
  trial.FillEvenly(trial.Shape().max_seq_len);
  trial.CompareLayers("a longer prompt, which fills the cache, after Reset()");
}

// Everything together, in a cache that no small buffer holds: any order of
// operations is allowed, and after each the cache is as whole as before.
void AllOperationsOn(Exam& exam, const TrialCacheShape& cache_shape) {
  CacheTrial trial(exam, cache_shape);
  Random& random = exam.Randomness();
  const std::string shape = fmt::format(
      "{}, {}", Count(trial.Shape().layers, "layer"), ShapeText(trial.Shape()));
  const auto compare = [&](const std::string& done) {
    trial.ComparePastLen(shape + ": " + done, trial.Shortest());
    trial.CompareLayers(shape + ": " + done);
  };
  trial.FillAtRandom();
  compare("layers filled with hundreds of tokens, each with another number");
  trial.Truncate(Between(random, trial.Shortest(), trial.Longest()));
  trial.ExpectTruncateRefused(trial.Longest() + 1);
  trial.FillAtRandom();
  compare("then truncated, refused a truncation, and filled further");
  trial.Reset();
  trial.FillAtRandom();
  for (std::size_t layer = 0; layer < trial.Shape().layers; ++layer) {
    trial.Append(layer, trial.Room(layer));
    trial.Append(layer, 0);
  }
  compare("then reset and filled to the last token");
  trial.Truncate(1);
  trial.FillAtRandom();
  compare("then truncated to 1 and filled with other tokens");
}

// The shortest of many layers counts, whichever it is, and the longest is cut.
void OneLayerOfMany(Exam& exam, std::size_t layers) {
  for (const std::size_t other : {std::size_t{0}, layers / 2, layers - 1}) {
    CacheTrial trial(exam, {.batch = 1,
                            .max_seq_len = 9,
                            .layers = layers,
                            .heads = 1,
                            .head_dim = 2});
    const std::string about = fmt::format(
        "{} of 4 tokens, one more in layer {}", Count(layers, "layer"), other);
    trial.FillEvenly(4);
    trial.Append(other, 1);
    trial.ComparePastLen(about, 4);
    trial.ExpectTruncateRefused(6);
    trial.Truncate(5);
    trial.CompareLayers(about + ", truncated to 5");
    trial.Truncate(2);
    for (std::size_t layer = 0; layer < layers; ++layer) {
      if (layer != other) trial.Append(layer, 2);
    }
    trial.ComparePastLen(fmt::format("{} of 4 tokens, 2 in layer {}",
                                     Count(layers, "layer"), other),
                         2);
    trial.Truncate(3);
    trial.CompareLayers(about + ", then 2 in it alone, truncated to 3");
  }
}

void AllOperations(Exam& exam) {
  for (const std::size_t layers : {10, 70, 270}) OneLayerOfMany(exam, layers);
  Random& random = exam.Randomness();
  AllOperationsOn(exam, LargeCacheShape(random));
  // Layers, rows, heads and features beyond what 8 bits count.
  AllOperationsOn(exam, {.batch = 2,
                         .max_seq_len = 9,
                         .layers = Between(random, 260, 270),
                         .heads = 3,
                         .head_dim = 2});
  AllOperationsOn(exam, {.batch = Between(random, 260, 280),
                         .max_seq_len = 9,
                         .layers = 2,
                         .heads = 1,
                         .head_dim = 2});
  AllOperationsOn(exam, {.batch = 1,
                         .max_seq_len = 300,
                         .layers = 10,
                         .heads = 1,
                         .head_dim = 2});
  AllOperationsOn(exam, {.batch = 1,
                         .max_seq_len = 9,
                         .layers = 2,
                         .heads = Between(random, 260, 280),
                         .head_dim = 2});
  AllOperationsOn(exam, {.batch = 2,
                         .max_seq_len = 280,
                         .layers = 3,
                         .heads = 1,
                         .head_dim = Between(random, 260, 280)});
}

// Instructions of Reset, of Truncate and of PastLen in a cache of that many
// tokens.
std::vector<double> ForgettingInstructions(Exam& exam, std::size_t tokens) {
  const TrialCacheShape shape = {.batch = 2,
                                 .max_seq_len = tokens,
                                 .layers = 3,
                                 .heads = 2,
                                 .head_dim = 8};
  const Handle cache =
      exam.Get<Handle>(exam.AskCounted("kv_cache.new", {shape.Sizes()}), 0);
  const KeysAndValues all = RandomTokens(exam.Randomness(), shape, tokens);
  for (std::size_t layer = 0; layer < shape.layers; ++layer) {
    exam.AskCounted("kv_cache.append",
                    {cache, Int(layer), all.keys, all.values});
  }
  std::vector<double> instructions;
  const auto counted = [&](const std::string& operation,
                           const Question& question) {
    const Values answer = exam.AskCounted(operation, question);
    instructions.push_back(static_cast<double>(exam.Instructions()));
    return answer;
  };
  const auto expect = [&](const Values& state, std::size_t past_len) {
    exam.Case(fmt::format("a cache of {} tokens, under the counter", tokens));
    CompareNumber(exam, "PastLen()", exam.GetIntegers(state, 0, 2)[0],
                  Int(past_len));
  };
  expect(counted("kv_cache.state", {cache}), tokens);
  counted("kv_cache.truncate", {cache, Int(tokens / 2)});
  expect(exam.AskCounted("kv_cache.state", {cache}), tokens / 2);
  counted("kv_cache.reset", {cache});
  expect(exam.AskCounted("kv_cache.state", {cache}), 0);
  exam.Case("");
  return instructions;
}

Verdict CostOfForgetting(Exam& exam) {
  const std::size_t shortest = exam.SettingSize("shortest");
  const std::size_t longest = exam.SettingSize("longest");
  const std::vector<double> few = ForgettingInstructions(exam, shortest);
  const std::vector<double> many = ForgettingInstructions(exam, longest);
  constexpr std::array<const char*, 3> kNames = {"PastLen() and Bytes()",
                                                 "Truncate()", "Reset()"};
  Verdict verdict = {.share = 1, .came_back = "", .measured = ""};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    const std::string counts = fmt::format(
        "{}: {:.0f} instructions in a cache of {} tokens, {:.0f} in one of {}",
        kNames.at(i), few[i], shortest, many[i], longest);
    verdict.measured += (i == 0 ? "" : "; ") + counts;
    if (verdict.share == 1 &&
        many[i] > exam.Setting("largest_growth") * few[i]) {
      verdict.share = 0;
      verdict.came_back =
          "it costs more the more tokens are held, although no token needs to "
          "be touched: " +
          counts;
    }
  }
  exam.NoteCost(verdict.share == 1);
  return verdict;
}

void ExpectLayersRefused(Exam& exam, const CacheTrial& trial) {
  const std::size_t layers = trial.Shape().layers;
  for (const std::int64_t layer :
       {Int(layers), Int(layers) + 7, std::int64_t{-1}}) {
    exam.Case("");
    exam.ExpectRefusal("kv_cache.read", {trial.Cache(), layer},
                       fmt::format("layer {} of {}", layer, layers));
    exam.ExpectRefusal(
        "kv_cache.layer", {trial.Cache(), layer},
        fmt::format("layer {} of {}, to write to it", layer, layers));
    const KeysAndValues token =
        RandomTokens(exam.Randomness(), trial.Shape(), 1);
    exam.ExpectRefusal(
        "kv_cache.append", {trial.Cache(), layer, token.keys, token.values},
        fmt::format("a token for layer {} of {}", layer, layers));
  }
}

void CacheRefusals(Exam& exam) {
  for (const std::size_t layers : {12, 70, 270}) {
    ExpectLayersRefused(exam, CacheTrial(exam, {.batch = 1,
                                                .max_seq_len = 2,
                                                .layers = layers,
                                                .heads = 1,
                                                .head_dim = 2}));
  }
  for (const std::size_t held : {10, 70, 290}) {
    CacheTrial filled(exam, {.batch = 1,
                             .max_seq_len = held + 9,
                             .layers = 10,
                             .heads = 1,
                             .head_dim = 2});
    filled.FillEvenly(held);
    filled.ComparePastLen(Count(held, "token") + " in each of 10 layers", held);
    filled.ExpectTruncateRefused(held + 1);
  }
  CacheTrial trial(exam);
  trial.FillUnevenly();
  trial.CompareLayers("a cache with different tokens in each layer");
  ExpectLayersRefused(exam, trial);
  for (const std::size_t past_len :
       {trial.Longest() + 1, trial.Shape().max_seq_len,
        std::numeric_limits<std::size_t>::max()}) {
    trial.ExpectTruncateRefused(past_len);
  }
  trial.CompareLayers("after the refusals");
  trial.Truncate(2);
  trial.ExpectTruncateRefused(3);
  trial.CompareLayers("truncated to 2, then to 3, which was refused");
}

// --- 3.9 ---

struct GrowingTrial {
  TrialCacheShape shape;
  KeysAndValues all = {};
  Handle cache = {};
};

GrowingTrial MakeGrowing(Exam& exam, const TrialCacheShape& shape) {
  GrowingTrial trial = {.shape = shape};
  trial.all = RandomTokens(exam.Randomness(), shape, shape.max_seq_len);
  trial.cache = exam.Get<Handle>(
      exam.AskStudent("growing.new",
                      {Int(trial.shape.batch), Int(trial.shape.heads),
                       Int(trial.shape.head_dim)}),
      0);
  return trial;
}

void AppendGrowing(Exam& exam, const GrowingTrial& trial, std::size_t begin,
                   std::size_t tokens) {
  const KeysAndValues part = Part(trial.all, begin, tokens);
  exam.AskStudent("growing.append", {trial.cache, part.keys, part.values});
}

void GrowingContents(Exam& exam) {
  const GrowingTrial trial =
      MakeGrowing(exam, RandomCacheShape(exam.Randomness()));
  std::size_t past_len = 0;
  for (const std::size_t piece : {4, 1, 1, 0, 3}) {
    AppendGrowing(exam, trial, past_len, piece);
    past_len += piece;
    exam.Case(fmt::format("{} tokens after appending {}", past_len, piece));
    CompareHeld(exam, exam.AskStudent("growing.read", {trial.cache}), trial.all,
                past_len);
  }
  const GrowingTrial large =
      MakeGrowing(exam, LargeCacheShape(exam.Randomness()));
  past_len = 0;
  for (const std::size_t piece : {260, 1, 18, 1}) {
    AppendGrowing(exam, large, past_len, piece);
    past_len += piece;
  }
  exam.Case(fmt::format("{}: {} tokens", ShapeText(large.shape), past_len));
  CompareHeld(exam, exam.AskStudent("growing.read", {large.cache}), large.all,
              past_len);
}

void GrowingBytes(Exam& exam) {
  const GrowingTrial trial =
      MakeGrowing(exam, RandomCacheShape(exam.Randomness()));
  const std::size_t token_bytes = trial.shape.LayerBytes(1);
  std::size_t tokens_written = 0;
  for (std::size_t past_len = 0; past_len < 6; ++past_len) {
    AppendGrowing(exam, trial, past_len, 1);
    tokens_written += past_len + 1;  // the old ones again, and the new one
  }
  exam.Case("6 tokens appended one by one");
  const Values answer = exam.AskStudent("growing.read", {trial.cache});
  CompareNumber(exam, "BytesWritten()", exam.GetIntegers(answer, 2, 2)[1],
                Int(tokens_written * token_bytes),
                "every append writes all old tokens again, keys and values");
  CompareHeld(exam, answer, trial.all, 6);
  // Rows, heads, features and tokens beyond what 8 bits count.
  Random& random = exam.Randomness();
  const auto size = [&] { return Between(random, 260, 280); };
  for (const TrialCacheShape& shape :
       {LargeCacheShape(random), TrialCacheShape{size(), 9, 1, 1, 2},
        TrialCacheShape{10, 9, 1, size(), 1},
        TrialCacheShape{2, 9, 1, 1, size()},
        TrialCacheShape{70, 9, 1, 9, 70}}) {
    const GrowingTrial large = MakeGrowing(exam, shape);
    const std::size_t prompt = shape.max_seq_len - 4;
    AppendGrowing(exam, large, 0, prompt);
    AppendGrowing(exam, large, prompt, 3);
    AppendGrowing(exam, large, prompt + 3, 1);
    exam.Case(fmt::format("{}: a prompt of {}, then 3 and 1", ShapeText(shape),
                          Count(prompt, "token")));
    CompareNumber(exam, "BytesWritten()",
                  exam.GetIntegers(
                      exam.AskStudent("growing.read", {large.cache}), 2, 2)[1],
                  Int((3 * prompt + 7) * shape.LayerBytes(1)),
                  "every append writes all old tokens again, and the new ones");
  }
}

const RegisterChecks kKvCacheChecks({
    AllOrNothing("kv_cache.layers", {}, LayersAreSeparate),
    AllOrNothing("kv_cache.past_len", {}, PastLenOfAll),
    AllOrNothing("kv_cache.truncate", {}, TruncatingAll),
    AllOrNothing("kv_cache.reset", {}, Resetting),
    AllOrNothing("kv_cache.refusals", {}, CacheRefusals),
    AllOrNothing("kv_cache.combined", {}, AllOperations),
    {"kv_cache.cost",
     {"shortest", "longest", "largest_growth"},
     CostOfForgetting},
    AllOrNothing("growing.contents", {}, GrowingContents),
    AllOrNothing("growing.bytes", {}, GrowingBytes),
});

}  // namespace

}  // namespace kvlab::grading
