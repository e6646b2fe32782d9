// Module 2, tasks 2.6 and 2.7: choosing tokens, and the baseline.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "autograder/checks/check_groups.h"
#include "autograder/checks/compare.h"
#include "autograder/checks/generate_trial.h"
#include "autograder/checks/inputs.h"
#include "autograder/checks/sampling_trial.h"
#include "fmt/format.h"

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
  Array negative = RandomArray(random, {30}, 1.0F);
  for (float& logit : negative.values) logit -= 50.0F;
  CompareGreedy(exam, negative, "logits that are all negative", hint);
  Array tied = RandomArray(random, {30}, 1.0F);
  tied.values[Between(random, 4, 12)] = 5.0F;
  tied.values[Between(random, 13, 29)] = 5.0F;
  CompareGreedy(exam, tied, "two equal largest logits",
                "of equal logits the lowest id is to be chosen");
  exam.Case("");
  exam.ExpectRefusal("sampling.greedy", {Array{.shape = {0}, .values = {}}},
                     "choosing from no logits");
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
      exam.Fail(
          "not the first token, by falling probability, at which the "
          "running sum exceeds the uniform number; " +
          WordsForDraws(logits.values, sampling, asked,
                        std::span(drawn).first(expected.size())));
    }
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

// Each row's choice, and how the random numbers go on afterwards.
void CompareNext(Exam& exam, const Sampling& sampling) {
  constexpr std::size_t kBatch = 4;
  Random& random = exam.Randomness();
  Array logits;
  std::int64_t seed = 0;
  Integers expected;
  std::vector<std::vector<float>> rows;
  std::vector<double> uniforms;
  double next_uniform = 0;
  bool clear = false;
  while (!clear) {
    seed = RandomSeed(random);
    Random draws(static_cast<std::uint64_t>(seed));
    logits = {.shape = {kBatch, 1, 20}, .values = {}};
    expected.clear();
    rows.clear();
    uniforms.clear();
    clear = true;
    for (std::size_t b = 0; b < kBatch; ++b) {
      const Array row = SpreadLogits(random, 20);
      const double uniform = draws.NextUniform();
      clear =
          clear && Clear(row.values, sampling, uniform, exam.Setting("margin"));
      expected.push_back(Drawn(Slots(row.values, sampling), uniform));
      rows.push_back(row.values);
      uniforms.push_back(uniform);
      logits.values.insert(logits.values.end(), row.values.begin(),
                           row.values.end());
    }
    next_uniform = draws.NextUniform();
  }
  exam.Case(fmt::format("{} rows, {}", kBatch,
                        sampling.temperature == 0 ? "greedy" : "sampled"));
  const Values answer = exam.AskStudent(
      "sampling.next_tokens",
      {logits, sampling.temperature, Int(sampling.top_k), seed});
  if (exam.Get<Integers>(answer, 0) != expected) {
    exam.Fail(
        "not what Sample gives for each row, in order, with one uniform "
        "number each; " +
        WordsForRows(rows, sampling, uniforms, exam.Get<Integers>(answer, 0)));
  }
  if (exam.Get<double>(answer, 1) != next_uniform) {
    exam.Fail(
        "each row is to draw exactly one NextUniform(), also when "
        "greedy");
  }
}

void ChoosingNext(Exam& exam) {
  CompareNext(exam, {.temperature = 0.8, .top_k = 6});
  CompareNext(exam, {.temperature = 0});
}

// --- 2.7 ---

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
  exam.Case("");
  trial.new_tokens = 100;
  exam.ExpectRefusal("generate.baseline", GenerateQuestion(trial),
                     "more new tokens than the model has positions for");
}

// Step t runs the model over all prompt_len + t tokens.
void GeneratingByRecomputing(Exam& exam) {
  const GenerateTrial trial = MakeGenerateTrial(exam, {}, {}, kPlain);
  std::size_t tokens = 0;
  for (std::size_t step = 0; step < trial.new_tokens; ++step) {
    tokens += trial.prompt.SeqLen() + step;
  }
  CompareGenerationWork(exam, "generate.baseline", trial, tokens,
                        "each step runs over the whole prefix, once");
}

}  // namespace

Checks SamplingChecks() {
  return {
      AllOrNothing("sampling.greedy", {}, ChoosingGreedily),
      AllOrNothing("sampling.sample", {"narrowest_slot"}, DrawingSamples),
      AllOrNothing("sampling.next_tokens", {"margin"}, ChoosingNext),
      AllOrNothing("generate.tokens", {"margin"}, GeneratingTokens),
      AllOrNothing("generate.batch", {"margin"}, GeneratingBatches),
      AllOrNothing("generate.options", {"margin"}, GeneratingWithOptions),
      AllOrNothing("generate.recomputes", {"margin"}, GeneratingByRecomputing),
  };
}

}  // namespace kvlab::grading
