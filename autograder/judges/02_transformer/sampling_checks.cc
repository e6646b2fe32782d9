// Module 2, tasks 2.6 and 2.7: choosing tokens, and the baseline.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/02_transformer/generate_trial.h"
#include "autograder/judges/02_transformer/sampling_trial.h"
#include "fmt/format.h"
#include "kit/testing/all_pairs.h"

namespace kvlab::grading {
namespace {

// The variant keeps errors in positions and GELU out of generation.
constexpr const char* kPlain = "no_positions linear_mlp";

// --- 2.6 ---

void CompareGreedy(Exam& exam, const Array& logits, const std::string& about,
                   const std::string& hint) {
  exam.Case(about);
  const Values answer = exam.AskStudent("sampling.greedy", {logits});
  const auto largest = std::ranges::max_element(logits.values);
  const auto expected = largest - logits.values.begin();
  if (exam.Get<std::int64_t>(answer, 0) != expected) exam.Fail(hint);
}

void ChoosingGreedily(Exam& exam) {
  Random& random = exam.Randomness();
  const std::string hint = "not the id of the largest logit";
  for (int round = 0; round < 5; ++round) {
    CompareGreedy(exam, RandomArray(random, {Between(random, 2, 60)}, 9.0F),
                  "random logits", hint);
  }
  CompareGreedy(exam, RandomArray(random, {1}, 9.0F), "a single logit", hint);
  Array many = RandomArray(random, {70'000}, 9.0F);
  many.values[Between(random, 65'536, 69'999)] = 9.5F;
  CompareGreedy(exam, many,
                "random logits of a vocabulary of 70,000, the largest after id "
                "65,535",
                hint);
  Array negative = RandomArray(random, {30}, 1.0F);
  for (float& logit : negative.values) logit -= 50.0F;
  CompareGreedy(exam, negative, "logits that are all negative", hint);
  Array tied = RandomArray(random, {30}, 1.0F);
  tied.values[Between(random, 4, 12)] = 5.0F;
  tied.values[Between(random, 13, 29)] = 5.0F;
  CompareGreedy(exam, tied, "two equal largest logits",
                "of equal logits the lowest id is to be chosen");
  const Array equal = {.shape = {40}, .values = std::vector<float>(40, -2.5F)};
  CompareGreedy(exam, equal, "40 equal logits",
                "of equal logits the lowest id is to be chosen");
  exam.Case("");
  exam.ExpectRefusal("sampling.greedy", {Array{.shape = {0}, .values = {}}},
                     "choosing from no logits");
}

// What `drawn` looks like, if it is what a usual mistake would have drawn with
// these uniform numbers; "" if it is not.
std::string RecogniseSample(const Array& logits, const Sampling& sampling,
                            const Array& uniforms, const Integers& drawn) {
  const auto looks_like = [&](const std::vector<Slot>& slots) {
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      if (drawn[i] != Drawn(slots, double{uniforms.values[i]})) return false;
    }
    return true;
  };
  const auto with = [&](double temperature, std::size_t top_k) {
    return Slots(logits.values, {.temperature = temperature, .top_k = top_k});
  };
  if (looks_like(with(0, 0))) {
    return "this is the greedy choice for every uniform number";
  }
  if (sampling.temperature != 1 && looks_like(with(1, sampling.top_k))) {
    return "this is sampling at temperature 1: logits are to be divided by the "
           "temperature";
  }
  if (sampling.temperature != 0 &&
      looks_like(with(1 / sampling.temperature, sampling.top_k))) {
    return "this is sampling with logits multiplied by the temperature, not "
           "divided by it";
  }
  if (sampling.top_k > 0 && looks_like(with(sampling.temperature, 0))) {
    return "this is sampling from the whole vocabulary: top_k is ignored";
  }
  if (sampling.top_k > 0 &&
      (looks_like(with(sampling.temperature, sampling.top_k + 1)) ||
       (sampling.top_k > 1 &&
        looks_like(with(sampling.temperature, sampling.top_k - 1))))) {
    return "top_k is off by one";
  }
  std::vector<Slot> by_id = with(sampling.temperature, sampling.top_k);
  std::ranges::sort(by_id, {}, &Slot::id);
  double begin = 0;
  for (Slot& slot : by_id) {
    const double width = slot.end - slot.begin;
    slot = {.id = slot.id, .begin = begin, .end = begin + width};
    begin = slot.end;
  }
  if (looks_like(by_id)) {
    return "this walks along the ids from 0 on; the running sum goes by "
           "falling "
           "logit";
  }
  return "";
}

// One uniform number well inside each slot that is wide enough.
void CompareSample(Exam& exam, const Array& logits, const Sampling& sampling,
                   const std::string& about) {
  Array uniforms = {.shape = {0}, .values = {}};
  Integers expected;
  for (const Slot& slot : Slots(logits.values, sampling)) {
    const double width = slot.end - slot.begin;
    if (width < exam.Setting("narrowest_slot")) continue;
    const double inside = exam.Randomness().NextUniform(0.2F, 0.8F);
    uniforms.values.push_back(static_cast<float>(slot.begin + inside * width));
    expected.push_back(slot.id);
  }
  uniforms.shape[0] = uniforms.values.size();
  exam.Case(about);
  const Values answer = exam.AskStudent(
      "sampling.sample",
      {logits, sampling.temperature, Int(sampling.top_k), uniforms});
  const Integers& drawn = exam.GetIntegers(answer, 0, expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (drawn[i] != expected[i]) {
      const std::vector<double> asked(uniforms.values.begin(),
                                      uniforms.values.end());
      const std::string hint =
          RecogniseSample(logits, sampling, uniforms, drawn);
      exam.Fail(
          "not the first token, by falling probability, at which the "
          "running sum exceeds the uniform number; " +
          (hint.empty() ? WordsForDraws(logits.values, sampling, asked,
                                        std::span(drawn).first(expected.size()))
                        : hint));
    }
  }
}

// `count` equal logits and uniform numbers of which each is exactly the running
// sum at which its token begins: k / count, a power of two, which float32
// represents exactly however it is computed.
void CompareOnTheEdge(Exam& exam, std::size_t count) {
  const Array logits = {.shape = {count},
                        .values = std::vector<float>(count, 0.0F)};
  Array uniforms = {.shape = {count}, .values = {}};
  for (std::size_t k = 0; k < count; ++k) {
    uniforms.values.push_back(static_cast<float>(k) /
                              static_cast<float>(count));
  }
  exam.Case(fmt::format(
      "{} equal logits and uniform numbers 0, 1/{}, 2/{} ...: each is exactly "
      "the running sum of the tokens before",
      count, count, count));
  const Values answer = exam.AskStudent(
      "sampling.sample", {logits, 1.0, std::int64_t{0}, uniforms});
  const Integers& drawn = exam.GetIntegers(answer, 0, count);
  for (std::size_t k = 0; k < count; ++k) {
    if (drawn[k] == Int(k)) continue;
    exam.Fail(
        drawn[k] + 1 == Int(k)
            ? "the token before is drawn: the first at which the running sum "
              "exceeds the uniform number, not the one at which it reaches it"
            : "another token is drawn than the one whose share begins there; "
              "of equal logits the lowest id comes first");
  }
}

// The largest uniform number there is draws the last token kept, also where
// rounding keeps the running sum below it.
void CompareLastSlot(Exam& exam, std::size_t count, std::size_t top_k) {
  Array logits = RandomArray(exam.Randomness(), {count}, 0.05F);
  std::vector<std::size_t> ids(count);
  for (std::size_t id = 0; id < count; ++id) ids[id] = id;
  std::ranges::stable_sort(ids, [&](std::size_t a, std::size_t b) {
    return logits.values[a] > logits.values[b];
  });
  const std::size_t kept = top_k == 0 ? count : top_k;
  exam.Case(
      fmt::format("{} nearly equal logits, top_k {}, and the largest uniform "
                  "number below 1",
                  count, top_k));
  const float largest = std::nextafter(1.0F, 0.0F);
  const Values answer = exam.AskStudent(
      "sampling.sample",
      {logits, 1.0, Int(top_k), Array{.shape = {1}, .values = {largest}}});
  if (exam.GetIntegers(answer, 0, 1)[0] != Int(ids[kept - 1])) {
    exam.Fail(
        "not the last token kept. Rounding may keep the running sum below the "
        "uniform number; then the last one is drawn");
  }
}

// Numbers that keep a distance from each other, in random order.
Array SpreadLogits(Random& random, std::size_t count) {
  Array logits = RandomArray(random, {count}, 0.02F);
  std::vector<std::size_t> ranks(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t other = random.NextBelow(i + 1);
    ranks[i] = ranks[other];
    ranks[other] = i;
  }
  for (std::size_t i = 0; i < count; ++i) {
    logits.values[i] += 0.1F * static_cast<float>(ranks[i]);
  }
  return logits;
}

void SamplingBoundaries(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t count : {2, 4, 32, 256}) CompareOnTheEdge(exam, count);

  // Ties: groups of equal logits, in random order, also where top_k cuts one.
  for (const std::size_t count :
       {Between(random, 17, 31), Between(random, 65, 120),
        Between(random, 260, 400)}) {
    Array tied = {.shape = {count}, .values = {}};
    for (std::size_t id = 0; id < count; ++id) {
      tied.values.push_back(static_cast<float>(random.NextBelow(4)) * 0.5F);
    }
    CompareSample(exam, tied, {.temperature = 1},
                  fmt::format("{} logits of four sizes: of equal ones the "
                              "lowest id comes first",
                              count));
    CompareSample(
        exam, tied, {.temperature = 1, .top_k = Between(random, 3, count / 2)},
        fmt::format("{} logits of four sizes, top_k cuts through equal ones: "
                    "the lowest ids are kept",
                    count));
  }

  const Array logits = SpreadLogits(random, Between(random, 20, 30));
  const std::size_t count = logits.values.size();
  for (const double temperature : {1e-3, 1e-30, 1e-38, 1e-42}) {
    CompareSample(exam, logits, {.temperature = temperature},
                  fmt::format("temperature {:g}: the largest logit has all of "
                              "the probability",
                              temperature));
  }
  Array far = logits;
  for (float& logit : far.values) logit -= 500.0F;
  CompareSample(exam, far, {.temperature = 1e-37},
                "temperature 1e-37 and logits around -500");
  for (const double temperature : {1e-20, 1e-4, 1e3}) {
    Array scaled = logits;
    for (float& logit : scaled.values) {
      logit *= static_cast<float>(temperature);
    }
    CompareSample(
        exam, scaled, {.temperature = temperature},
        fmt::format("temperature {:g} and logits of its size", temperature));
  }
  CompareSample(exam, logits, {.temperature = 1e30},
                "temperature 1e30: all tokens have the same probability");
  for (const std::size_t top_k :
       {std::size_t{1}, count - 1, count, count + 1}) {
    CompareSample(exam, logits, {.temperature = 0.9, .top_k = top_k},
                  fmt::format("top_k {} of {} tokens", top_k, count));
  }
  CompareSample(exam, SpreadLogits(random, 70'000),
                {.temperature = 1, .top_k = 9},
                "9 of a vocabulary of 70,000 tokens");
  for (const std::size_t many : {400, 1000, 1001, 3000, 5000}) {
    CompareLastSlot(exam, many, 0);
    CompareLastSlot(exam, many, many / 3);
  }
}

void DrawingSamples(Exam& exam) {
  Random& random = exam.Randomness();
  const Array logits = SpreadLogits(random, Between(random, 20, 30));
  const double temperature = random.NextUniform(0.5F, 2.0F);
  CompareSample(exam, logits, {.temperature = temperature},
                "the whole vocabulary");
  CompareSample(exam, logits,
                {.temperature = temperature, .top_k = Between(random, 3, 9)},
                "top_k below the size of the vocabulary");
  CompareSample(exam, logits, {.temperature = temperature, .top_k = 1000},
                "top_k above the size of the vocabulary");
  CompareSample(exam, logits, {.temperature = 0, .top_k = 3}, "temperature 0");
  Array large = logits;
  for (float& logit : large.values) logit += 1000.0F;
  CompareSample(exam, large, {.temperature = temperature},
                "logits around 1000");
  large = SpreadLogits(random, Between(random, 260, 300));
  for (float& logit : large.values) logit = 0.05F * logit + 1000.0F;
  CompareSample(exam, large, {.temperature = temperature},
                "hundreds of logits around 1000");
  const Array equal = {.shape = {6}, .values = std::vector<float>(6, 1.5F)};
  CompareSample(exam, equal, {.temperature = 1, .top_k = 4},
                "equal logits, of which the lowest ids come first");
  exam.Case("");
  const Array uniform = {.shape = {1}, .values = {0.5F}};
  const auto refuse = [&](const Array& from, double heat,
                          const std::string& what) {
    exam.ExpectRefusal("sampling.sample",
                       {from, heat, std::int64_t{0}, uniform}, what);
  };
  refuse(logits, -1.0, "temperature -1");
  refuse(logits, std::nan(""), "temperature NaN");
  refuse(Array{.shape = {0}, .values = {}}, 1.0, "drawing from no logits");
}

// What the chosen tokens look like: which mistake would have chosen them.
std::string RecogniseNext(const Array& logits, const Sampling& sampling,
                          std::uint64_t seed, const Integers& chosen) {
  const std::size_t batch = logits.shape[0];
  const std::size_t vocab = logits.shape[2];
  const auto looks_like = [&](const Sampling& as,
                              const std::function<double(std::size_t)>& draw) {
    for (std::size_t b = 0; b < batch; ++b) {
      const auto row = std::span(logits.values).subspan(b * vocab, vocab);
      if (chosen[b] != Drawn(Slots(row, as), draw(b))) return false;
    }
    return true;
  };
  std::vector<double> draws;
  Random random(seed);
  for (std::size_t b = 0; b < batch; ++b) draws.push_back(random.NextUniform());
  if (looks_like(sampling, [&](std::size_t) { return draws[0]; })) {
    return "all rows were drawn with the first row's uniform number; each row "
           "draws one of its own";
  }
  if (looks_like(sampling,
                 [&](std::size_t b) { return draws[batch - 1 - b]; })) {
    return "the rows drew their uniform numbers in the opposite order; row 0 "
           "draws first";
  }
  if (looks_like({}, [](std::size_t) { return 0.0; })) {
    return "these are the greedy choices: the temperature is ignored";
  }
  if (looks_like({.temperature = sampling.temperature},
                 [&](std::size_t b) { return draws[b]; })) {
    return "top_k is ignored";
  }
  if (looks_like({.temperature = 1, .top_k = sampling.top_k},
                 [&](std::size_t b) { return draws[b]; })) {
    return "these are the choices at temperature 1";
  }
  return "";
}

// Each row's choice, and how the random numbers go on afterwards.
void CompareNext(Exam& exam, const Sampling& sampling, std::size_t batch) {
  Random& random = exam.Randomness();
  std::int64_t seed = 0;
  Array logits;
  Integers expected;
  std::vector<std::vector<float>> rows;
  std::vector<double> uniforms;
  double next_uniform = 0;
  // Row by row, since hundreds of random ones never are clear together. A
  // number near 0 or 1 is not clear in any row: another seed then.
  constexpr int kSeeds = 10'000;
  constexpr int kDrawsOfARow = 50;
  for (int attempt = 0; rows.size() < batch; ++attempt) {
    if (attempt == kSeeds) throw GraderError("no random logits are clear");
    seed = RandomSeed(random);
    Random draws(static_cast<std::uint64_t>(seed));
    logits = {.shape = {batch, 1, 20}, .values = {}};
    expected.clear();
    rows.clear();
    uniforms.clear();
    while (rows.size() < batch) {
      const double uniform = draws.NextUniform();
      Array row = SpreadLogits(random, 20);
      int drawn = 1;
      while (!Clear(row.values, sampling, uniform, exam.Setting("margin")) &&
             drawn++ < kDrawsOfARow) {
        row = SpreadLogits(random, 20);
      }
      if (drawn > kDrawsOfARow) break;
      expected.push_back(Drawn(Slots(row.values, sampling), uniform));
      rows.push_back(row.values);
      uniforms.push_back(uniform);
      logits.values.insert(logits.values.end(), row.values.begin(),
                           row.values.end());
    }
    next_uniform = draws.NextUniform();
  }
  exam.Case(fmt::format("{} rows, {}", batch,
                        sampling.temperature == 0 ? "greedy" : "sampled"));
  const Values answer = exam.AskStudent(
      "sampling.next_tokens",
      {logits, sampling.temperature, Int(sampling.top_k), seed});
  const Integers& chosen = exam.Get<Integers>(answer, 0);
  if (chosen.size() != expected.size()) {
    exam.Fail(fmt::format("{} came back for {}", Count(chosen.size(), "token"),
                          Count(batch, "row")));
  }
  if (chosen != expected) {
    const std::string hint = RecogniseNext(
        logits, sampling, static_cast<std::uint64_t>(seed), chosen);
    const auto first = std::ranges::mismatch(chosen, expected).in1;
    exam.Fail(fmt::format(
        "not what Sample gives for each row, in order, with one "
        "uniform number each; the first wrong row is {}: {}",
        first - chosen.begin(),
        hint.empty() ? WordsForRows(rows, sampling, uniforms, chosen) : hint));
  }
  if (exam.Get<double>(answer, 1) != next_uniform) {
    exam.Fail(
        "each row is to draw exactly one NextUniform(), also when "
        "greedy");
  }
}

void ChoosingNext(Exam& exam) {
  CompareNext(exam, {.temperature = 0.8, .top_k = 6}, 4);
  CompareNext(exam, {.temperature = 0}, 4);
  CompareNext(exam, {.temperature = 1.5, .top_k = 4}, 1);
  CompareNext(exam, {.temperature = 1.2, .top_k = 5}, 9);
  CompareNext(exam, {.temperature = 1.2, .top_k = 5},
              Between(exam.Randomness(), 260, 300));
  for (const std::size_t top_k : {3, 10, 70, 300}) {
    CompareNext(exam, {.temperature = 0, .top_k = top_k}, 10);
    CompareNext(exam, {.temperature = 0.9, .top_k = top_k}, 10);
  }
}

// --- 2.7 ---

// Every choice with every other: rows, padding, sampling, length of the prompt,
// whether the last position is reached, the head. Each model is asked twice,
// the second time after all others.
void GeneratingCombined(Exam& exam) {
  struct Rows {
    std::size_t batch;
    bool left_padded;
  };
  const std::array<Rows, 5> rows = {
      {{1, false}, {2, true}, {3, false}, {5, true}, {6, false}}};
  const std::array<Sampling, 3> samplings = {
      {{}, {.temperature = 0.8, .top_k = 4}, {.temperature = 1.6, .top_k = 2}}};
  const std::array<std::size_t, 3> prompt_lens = {5, 2, 70};
  std::vector<GenerateTrial> trials;
  for (const std::vector<std::size_t>& row :
       AllPairs(std::array<std::size_t, 5>{rows.size(), samplings.size(),
                                           prompt_lens.size(), 2, 2})) {
    const auto [batch, left_padded] = rows.at(row[0]);
    trials.push_back(MakeGenerateTrial(
        exam,
        {.batch = batch,
         .prompt_len = prompt_lens.at(row[2]),
         .new_tokens = 4,
         .left_padded = left_padded,
         .spare_positions = row[3] == 0 ? std::size_t{3} : std::size_t{0}},
        samplings.at(row[1]),
        std::string("linear_mlp") + (row[4] == 1 ? " untied" : "")));
    CompareGeneration(exam, "generate.baseline", trials.back());
  }
  // One size beyond what 8 bits count.
  const std::size_t many = Between(exam.Randomness(), 260, 280);
  trials.push_back(Repeated(
      MakeGenerateTrial(
          exam,
          {.batch = 5, .prompt_len = 4, .new_tokens = 3, .left_padded = true},
          {}, "linear_mlp"),
      many));
  CompareGeneration(exam, "generate.baseline", trials.back());
  for (const GenerateSizes& sizes : std::vector<GenerateSizes>{
           {.batch = 2,
         .prompt_len = many,
         .new_tokens = 3,
         .left_padded = true},
           {.batch = 1, .prompt_len = 4, .new_tokens = many}}) {
    trials.push_back(MakeGenerateTrial(
        exam, sizes, {.temperature = 0, .top_k = 300}, "linear_mlp"));
    if (sizes.batch == 2) trials.back() = Repeated(trials.back(), 10);
    CompareGeneration(exam, "generate.baseline", trials.back());
  }
  for (const GenerateTrial& trial : trials) {
    CompareGeneration(exam, "generate.baseline", trial);
  }
}

void GeneratingTokens(Exam& exam) {
  for (const std::size_t new_tokens : {9, 1}) {
    CompareGeneration(
        exam, "generate.baseline",
        MakeGenerateTrial(exam, {.new_tokens = new_tokens}, {}, kPlain));
  }
}

void GeneratingBatches(Exam& exam) {
  CompareGeneration(
      exam, "generate.baseline",
      MakeGenerateTrial(exam, {.batch = 3, .left_padded = true}, {}, kPlain));
}

void GeneratingWithOptions(Exam& exam) {
  CompareGeneration(
      exam, "generate.baseline",
      MakeGenerateTrial(exam, {.batch = 2}, {.temperature = 0.8, .top_k = 5},
                        kPlain));
  GenerateTrial trial = MakeGenerateTrial(exam, {.new_tokens = 0}, {}, kPlain);
  CompareGeneration(exam, "generate.baseline", trial);
  const GenerateTrial interrupted =
      MakeGenerateTrial(exam, {.batch = 2, .new_tokens = 4},
                        {.temperature = 0.9, .top_k = 4}, kPlain);
  const Values broken =
      exam.AskStudent("generate.baseline", InterruptedQuestion(interrupted, 2));
  exam.Case("on_tokens threw in the middle of generating");
  CompareNumber(exam, "the number of exceptions that reached the caller",
                exam.Get<std::int64_t>(broken, 2), 1);
  CompareGeneration(exam, "generate.baseline", interrupted);
  exam.Case("");
  const std::size_t positions = trial.model.shape.max_positions;
  for (const std::size_t too_many :
       {positions - trial.prompt.SeqLen() + 1, std::size_t{100}}) {
    trial.new_tokens = too_many;
    exam.ExpectRefusal("generate.baseline", GenerateQuestion(trial),
                       "more new tokens than the model has positions for");
  }
  trial.new_tokens = 2;
  trial.model.model.student =
      exam.Get<Handle>(exam.AskStudent("model.with_past",
                                       {trial.model.weights, std::int64_t{0}}),
                       0);
  exam.ExpectRefusal(
      "generate.baseline", GenerateQuestion(trial),
      "a model whose attention remembers, though nothing so far (Remembers() "
      "of attention_seam.h), as with an enabled cache that is empty");
}

// Step t runs the model over all prompt_len + t tokens.
void Recompute(Exam& exam, const GenerateTrial& trial) {
  std::size_t tokens = 0;
  for (std::size_t step = 0; step < trial.new_tokens; ++step) {
    tokens += trial.prompt.SeqLen() + step;
  }
  CompareGenerationWork(exam, "generate.baseline", trial, tokens,
                        "each step runs over the whole prefix, once");
}

// Also with rows and new tokens beyond what 8 bits count.
void GeneratingByRecomputing(Exam& exam) {
  const std::size_t many = Between(exam.Randomness(), 260, 280);
  const GenerateTrial few = MakeGenerateTrial(exam, {}, {}, kPlain);
  Recompute(exam, few);
  Recompute(exam, Repeated(few, many));
  Recompute(exam, MakeGenerateTrial(
                      exam, {.batch = 1, .prompt_len = 4, .new_tokens = many},
                      {}, kPlain));
}

const RegisterChecks kSamplingChecks({
    AllOrNothing("sampling.greedy", {}, ChoosingGreedily),
    AllOrNothing("sampling.sample", {"narrowest_slot"}, DrawingSamples),
    AllOrNothing("sampling.boundaries", {"narrowest_slot"}, SamplingBoundaries),
    AllOrNothing("sampling.next_tokens", {"margin"}, ChoosingNext),
    AllOrNothing("generate.tokens", {"margin"}, GeneratingTokens),
    AllOrNothing("generate.batch", {"margin"}, GeneratingBatches),
    AllOrNothing("generate.combined", {"margin"}, GeneratingCombined),
    AllOrNothing("generate.options", {"margin"}, GeneratingWithOptions),
    AllOrNothing("generate.recomputes", {"margin"}, GeneratingByRecomputing),
});

}  // namespace

}  // namespace kvlab::grading
