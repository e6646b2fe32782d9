// Module 3, tasks 3.5 and 3.9: the cache of all layers, and the one that grows.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "autograder/checks/cache_trial.h"
#include "autograder/checks/check_groups.h"
#include "autograder/checks/compare.h"
#include "autograder/checks/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// A KvCache of the student's, and what each of its layers has been given.
class CacheTrial {
 public:
  explicit CacheTrial(Exam& exam)
      : exam_(exam), shape_(RandomCacheShape(exam.Randomness())) {
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
}

void TruncatingAll(Exam& exam) {
  CacheTrial trial(exam);
  trial.FillUnevenly();  // 2, 3, 4, 5 ...
  trial.Truncate(3);
  trial.CompareLayers("layers of 2, 3, 4, 5 ... tokens truncated to 3");
  trial.Truncate(1);
  trial.CompareLayers("truncated to 1");
}

void Resetting(Exam& exam) {
  CacheTrial trial(exam);
  trial.FillEvenly(5);
  exam.AskStudent("kv_cache.reset", {trial.Cache()});
  trial.Refill();
  trial.CompareLayers("after Reset()");
  trial.FillEvenly(3);
  trial.CompareLayers("a second prompt after Reset()");
  trial.ComparePastLen("a second prompt of 3 tokens after Reset()", 3);
}

void CacheRefusals(Exam& exam) {
  CacheTrial trial(exam);
  trial.FillUnevenly();
  trial.CompareLayers("a cache with different tokens in each layer");
  const std::size_t layers = trial.Shape().layers;
  for (const std::int64_t layer :
       {Int(layers), Int(layers) + 7, std::int64_t{-1}}) {
    exam.Case("");
    exam.ExpectRefusal("kv_cache.read", {trial.Cache(), layer},
                       fmt::format("layer {} of {}", layer, layers));
    const KeysAndValues token =
        RandomTokens(exam.Randomness(), trial.Shape(), 1);
    exam.ExpectRefusal(
        "kv_cache.append", {trial.Cache(), layer, token.keys, token.values},
        fmt::format("a token for layer {} of {}", layer, layers));
  }
  exam.ExpectRefusal("kv_cache.truncate",
                     {trial.Cache(), Int(trial.Shape().max_seq_len)},
                     "truncating to more tokens than any layer holds");
  trial.CompareLayers("after the refusals");
}

// --- 3.9 ---

struct GrowingTrial {
  TrialCacheShape shape;
  KeysAndValues all = {};
  Handle cache = {};
};

GrowingTrial MakeGrowing(Exam& exam) {
  GrowingTrial trial = {.shape = RandomCacheShape(exam.Randomness())};
  trial.all = RandomTokens(exam.Randomness(), trial.shape, 9);
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
  const GrowingTrial trial = MakeGrowing(exam);
  std::size_t past_len = 0;
  for (const std::size_t piece : {4, 1, 1, 3}) {
    AppendGrowing(exam, trial, past_len, piece);
    past_len += piece;
    exam.Case(fmt::format("{} tokens after appending {}", past_len, piece));
    CompareHeld(exam, exam.AskStudent("growing.read", {trial.cache}), trial.all,
                past_len);
  }
}

void GrowingBytes(Exam& exam) {
  const GrowingTrial trial = MakeGrowing(exam);
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
}

}  // namespace

Checks KvCacheChecks() {
  return {
      AllOrNothing("kv_cache.layers", {}, LayersAreSeparate),
      AllOrNothing("kv_cache.past_len", {}, PastLenOfAll),
      AllOrNothing("kv_cache.truncate", {}, TruncatingAll),
      AllOrNothing("kv_cache.reset", {}, Resetting),
      AllOrNothing("kv_cache.refusals", {}, CacheRefusals),
      AllOrNothing("growing.contents", {}, GrowingContents),
      AllOrNothing("growing.bytes", {}, GrowingBytes),
  };
}

}  // namespace kvlab::grading
