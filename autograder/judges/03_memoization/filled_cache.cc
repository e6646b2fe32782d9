#include "autograder/judges/03_memoization/filled_cache.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>

#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "autograder/judges/03_memoization/cache_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kPiece = 2;            // tokens of a pass
constexpr std::size_t kPiecesPerSample = 8;  // passes between measurements
constexpr std::size_t kPlaces = 64;          // read in each layer

const Axes kPlaceAxes = {"place", "feature"};

// A model, the tokens that fill half of its cache, and handles on both caches.
struct FilledTrial {
  TrialModel model;
  TrialTokens tokens = {};
  Pair handle = {};
  TrialCacheShape cache = {};

  double FormulaMib() const {
    return static_cast<double>(cache.layers *
                               cache.LayerBytes(cache.max_seq_len)) /
           (1U << 20U);
  }
};

// Sizes that a submission cannot foresee, around 16 rows of 512 tokens.
FilledTrial MakeFilledTrial(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t half = kPiece * Between(random, 120, 136);
  const std::size_t batch = Between(random, 15, 17);
  FilledTrial trial = {.model = {.shape = {.layers = 4,
                                           .heads = 4,
                                           .head_dim = 32,
                                           .max_positions = 2 * half,
                                           .vocab_size = 50}}};
  const Gpt2Sizes& shape = trial.model.shape;
  trial.model.weights = exam.Make(
      "weights.random", {RandomSeed(random), shape.Sizes(), std::string()});
  trial.model.model = exam.Make("model.new", {trial.model.weights});
  trial.tokens = RandomTrialTokens(exam, trial.model, batch, half);
  trial.cache = {.batch = batch,
                 .max_seq_len = 2 * half,
                 .layers = shape.layers,
                 .heads = shape.heads,
                 .head_dim = shape.head_dim};
  return trial;
}

// Throws CheckFailed if `taken` MiB are not what the formula says.
void CompareWithFormula(Exam& exam, const FilledTrial& trial, double taken,
                        std::size_t held) {
  const double formula = trial.FormulaMib();
  const double allowed =
      exam.Setting("slack_mib") + exam.Setting("slack_share") * formula;
  if (std::abs(taken - formula) <= allowed) return;
  exam.NoteCost(false);
  exam.Case("");
  exam.Fail(fmt::format(
      "{}: {:.1f} MiB by the formula, {:.1f} MiB with {} of {} tokens held",
      held > 0 && taken > formula
          ? "memory grows while decoding, although the cache is reserved"
          : "the cache's memory is not what the formula says",
      formula, taken, held, trial.cache.max_seq_len));
}

// Decodes to the half. Returns the logits of the last pass.
Array Fill(Exam& exam, const FilledTrial& trial, double before) {
  const std::size_t half = trial.tokens.SeqLen();
  Array logits;
  for (std::size_t t = 0; t < half; t += kPiece) {
    logits = exam.Get<Array>(
        exam.AskStudent(
            "model.forward",
            ForwardQuestion(trial.model.model, trial.tokens.Part(t, t + kPiece),
                            Positions::kLast)),
        0);
    if (t / kPiece % kPiecesPerSample == 0) {
      CompareWithFormula(exam, trial, ResidentMib(exam) - before, t + kPiece);
    }
  }
  CompareWithFormula(exam, trial, ResidentMib(exam) - before, half);
  return logits;
}

// Row, head and position of random places among the tokens held.
Integers RandomPlaces(Exam& exam, const FilledTrial& trial) {
  Random& random = exam.Randomness();
  Integers places;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    places.push_back(Int(random.NextBelow(trial.cache.batch)));
    places.push_back(Int(random.NextBelow(trial.cache.heads)));
    places.push_back(Int(random.NextBelow(trial.tokens.SeqLen())));
  }
  return places;
}

// Throws CheckFailed if nearly every number would fit into a float of 16 bits:
// float16 leaves 13 of float32's low bits 0, bfloat16 16. Of numbers that were
// computed in float32, one in thousands does so.
void ExpectFloat32(Exam& exam, const Array& stored) {
  constexpr std::uint32_t kLowBits = (1U << 13U) - 1;
  const auto half_precision =
      std::count_if(stored.values.begin(), stored.values.end(), [](float x) {
        return (std::bit_cast<std::uint32_t>(x) & kLowBits) == 0;
      });
  if (half_precision * 2 > static_cast<std::ptrdiff_t>(stored.values.size())) {
    exam.Fail(
        "they have been through 16 bits: float32 numbers are to be stored as "
        "they are");
  }
}

void CompareStored(Exam& exam, const FilledTrial& trial) {
  for (std::size_t layer = 0; layer < trial.cache.layers; ++layer) {
    const Answers answers = exam.AskBoth(
        "cached.places", {trial.handle, Int(layer), RandomPlaces(exam, trial)});
    for (const std::size_t index : {0, 1}) {
      exam.Case(fmt::format("{} read back from layer {} of a half full cache",
                            index == 0 ? "keys" : "values", layer));
      CompareArrays(exam, answers, index, kPlaceAxes);
      ExpectFloat32(exam, exam.Get<Array>(answers.student, index));
    }
  }
}

}  // namespace

std::string MemoryOfFilledCache(Exam& exam) {
  FilledTrial trial = MakeFilledTrial(exam);
  const TrialModel& model = trial.model;
  const std::size_t half = trial.tokens.SeqLen();
  // What a pass needs beside the cache.
  exam.AskStudent("model.forward",
                  ForwardQuestion(model.model, trial.tokens.Part(0, kPiece),
                                  Positions::kLast));
  const Array expected = ReferenceLogits(exam, model, trial.tokens);
  const double before = ResidentMib(exam);
  trial.handle = exam.Make(
      "cached.enable",
      {model.model, Int(trial.cache.batch), Int(trial.cache.max_seq_len)});
  const double enabled = ResidentMib(exam) - before;
  CompareWithFormula(exam, trial, enabled, 0);
  const Array logits = Fill(exam, trial, before);
  const double filled = ResidentMib(exam) - before;

  exam.Case("the last tokens of a half full cache");
  CompareArrays(exam, logits, Slice(expected, 1, half - 1, half), kLogitAxes);
  exam.AskReference("model.forward", ForwardQuestion(model.model, trial.tokens,
                                                     Positions::kLast));
  CompareStored(exam, trial);
  exam.Case("");
  exam.AskBoth("cached.disable", {trial.handle});
  exam.AskBoth("object.drop", {trial.handle});
  return fmt::format(
      "batch {}, {} of {} tokens held: {:.1f} MiB by the formula, {:.1f} MiB "
      "when enabled, {:.1f} MiB now",
      trial.cache.batch, half, trial.cache.max_seq_len, trial.FormulaMib(),
      enabled, filled);
}

}  // namespace kvlab::grading
