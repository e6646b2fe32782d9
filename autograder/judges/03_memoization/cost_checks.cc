// Module 3: what a cached step costs, by counts that no noise can move, and
// what memory a cache takes, as seen from outside.
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/counted_times.h"
#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "autograder/judges/03_memoization/cache_trial.h"
#include "autograder/judges/03_memoization/filled_cache.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// Places in the answer of work.counted.
enum Category : std::size_t {
  kQkv,
  kAttention,
  kProjection,
  kMlp,
  kHead,
  kCopied
};
constexpr std::size_t kCategories = 6;

Integers CountedWork(Exam& exam) {
  return exam.GetIntegers(exam.AskStudent("work.counted", {}), 0, kCategories);
}

// Multiply-accumulates of `tokens` new tokens in each row, after `past_len`
// others, and the bytes of their keys and values. Attention's are those over
// all keys held; what the mask hides may be left out.
Integers WorkOf(const Gpt2Sizes& shape, std::size_t batch, std::size_t past_len,
                std::size_t tokens) {
  const std::size_t rows = batch * tokens;
  const std::size_t square = shape.DModel() * shape.DModel();
  const std::size_t attended = rows * (past_len + tokens);
  Integers work(kCategories);
  work[kQkv] = Int(shape.layers * rows * 3 * square);
  work[kAttention] = Int(shape.layers * attended * 2 * shape.DModel());
  work[kProjection] = Int(shape.layers * rows * square);
  work[kMlp] = Int(shape.layers * rows * 8 * square);
  work[kHead] = Int(rows * shape.DModel() * shape.vocab_size);
  work[kCopied] = Int(shape.layers * rows * 2 * shape.DModel() * sizeof(float));
  return work;
}

void CompareWork(Exam& exam, const Integers& done, const Integers& needed,
                 std::int64_t fewest) {
  exam.NoteCost(done[kAttention] <= needed[kAttention] &&
                done[kCopied] <= needed[kCopied] && done[kQkv] <= needed[kQkv]);
  const auto exactly = [&](Category category, const char* name) {
    CompareNumber(
        exam, fmt::format("the number of multiply-accumulates for {}", name),
        done[category], needed[category]);
  };
  exactly(kQkv, "queries, keys and values");
  exactly(kProjection, "the projection after attention");
  exactly(kMlp, "the MLP");
  exactly(kHead, "the head");
  if (done[kAttention] > needed[kAttention]) {
    exam.Fail(
        fmt::format("attention did {} multiply-accumulates; new queries "
                    "over all keys held need {}",
                    done[kAttention], needed[kAttention]));
  }
  if (done[kAttention] < fewest) {
    exam.Fail(fmt::format(
        "attention counted {} multiply-accumulates; each new query has at "
        "least {} with the keys that it sees: products in loops of your own "
        "are counted with CountMacs(Work::kAttention, ...)",
        done[kAttention], fewest));
  }
  if (done[kCopied] > needed[kCopied]) {
    exam.Fail(
        fmt::format("{} bytes were copied; keys and values of the new "
                    "tokens have {}",
                    done[kCopied], needed[kCopied]));
  }
}

void WorkOfSteps(Exam& exam) {
  const TrialModel model = MakeModel(exam, 16, "");
  const TrialTokens tokens = RandomTrialTokens(exam, model, 2, 9);
  const Array expected = ReferenceLogits(exam, model, tokens);
  const Handle cached = exam.Get<Handle>(
      exam.AskStudent("model.with_cache", {model.weights, Int(2), Int(16)}), 0);
  std::size_t begin = 0;
  for (const std::size_t piece : {5, 1, 1, 2}) {
    const Integers before = CountedWork(exam);
    const Values answer = exam.AskStudent(
        "model.forward",
        ForwardQuestion({cached, {}}, tokens.Part(begin, begin + piece),
                        Positions::kAll));
    Integers done = CountedWork(exam);
    for (std::size_t i = 0; i < kCategories; ++i) {
      // Unsigned: hostile counts may lie further apart than 2^63.
      done[i] =
          static_cast<std::int64_t>(static_cast<std::uint64_t>(done[i]) -
                                    static_cast<std::uint64_t>(before[i]));
    }
    exam.Case(fmt::format("{} new tokens after {}, batch 2", piece, begin));
    const Integers needed = WorkOf(model.shape, 2, begin, piece);
    // Query i of the piece sees begin + i + 1 of the keys.
    const std::size_t hidden = piece * (piece - 1) / 2;
    CompareWork(exam, done, needed,
                needed[kAttention] - Int(model.shape.layers * 2 * hidden * 2 *
                                         model.shape.DModel()));
    CompareArrays(exam, exam.Get<Array>(answer, 0),
                  Slice(expected, 1, begin, begin + piece), kLogitAxes);
    begin += piece;
  }
}

// A count below this was not counted: one instruction of AVX2 does at most
// eight multiply-accumulates, one of NEON four.
void ExpectCredible(Exam& exam, double instructions, const Integers& work) {
  constexpr double kMacsPerInstruction = 8;
  double macs = 0;
  for (std::size_t category = 0; category < kCopied; ++category) {
    macs += static_cast<double>(work[category]);
  }
  if (instructions < macs / kMacsPerInstruction) {
    exam.NoteCost(false);
    exam.Fail(fmt::format(
        "{:.0f} instructions were counted; the products alone need {:.0f}: "
        "the count was tampered with, or the work was done elsewhere",
        instructions, macs / kMacsPerInstruction));
  }
}

// Steps under the counter, each after a prefill, in one sequence.
struct CountedSteps {
  std::vector<std::size_t> lengths;  // the token that each computes
  std::vector<double> instructions;
  std::vector<Array> logits;
  // What it takes to go on after the last one.
  TrialModel model = {};
  TrialTokens tokens = {};
  std::size_t held = 0;
  Array expected = {};  // of all tokens
};

// Tokens that the cache of steps up to the last of `lengths` has room for. Held
// to the last one its storage is contiguous, and a copy of it all would take
// hardly an instruction.
std::size_t RoomFor(const std::vector<std::size_t>& lengths) {
  return 2 * lengths.back();
}

// `times` learns how long each took.
CountedSteps CountSteps(Exam& exam, const std::vector<std::size_t>& lengths,
                        CountedTimes& times) {
  Random& random = exam.Randomness();
  TrialModel model = {.shape = {.layers = 2,
                                .heads = 4,
                                .head_dim = 16,
                                .max_positions = RoomFor(lengths),
                                .vocab_size = 50}};
  const Question weights = {RandomSeed(random), model.shape.Sizes(),
                            std::string()};
  const auto one = [&](const Values& answer) {
    return exam.Get<Handle>(answer, 0);
  };
  model.weights = {
      .student = one(exam.AskCounted("weights.random", weights)),
      .reference = one(exam.AskReference("weights.random", weights))};
  model.model.reference = one(exam.AskReference("model.new", {model.weights}));
  model.model.student = one(exam.AskCounted(
      "model.with_cache", {model.weights, Int(1), Int(RoomFor(lengths))}));
  CountedSteps steps = {.lengths = lengths,
                        .instructions = {},
                        .logits = {},
                        .model = model,
                        .tokens = RandomTrialTokens(
                            exam, model, 1, lengths.back() + kMostRepeats)};
  steps.expected = ReferenceLogits(exam, model, steps.tokens);
  for (const std::size_t n : lengths) {
    exam.AskCounted(
        "model.forward",
        ForwardQuestion(model.model, steps.tokens.Part(steps.held, n - 1),
                        Positions::kLast));
    const Values answer = times.AskCounted(
        exam, n, "model.forward",
        ForwardQuestion(model.model, steps.tokens.Part(n - 1, n),
                        Positions::kLast));
    steps.instructions.push_back(static_cast<double>(exam.Instructions()));
    exam.Case(fmt::format("the step that computes token {}", n));
    ExpectCredible(exam, steps.instructions.back(),
                   WorkOf(model.shape, 1, n - 1, 1));
    steps.logits.push_back(exam.Get<Array>(answer, 0));
    steps.held = n;
  }
  return steps;
}

// Computes the next token, which takes as long as the last step did: for a
// second opinion on that one's time.
void StepAgain(Exam& exam, CountedSteps& steps, CountedTimes& times) {
  const std::size_t n = steps.held + 1;
  exam.Case(fmt::format("the step that computes token {}", n));
  const Values answer = times.AskCounted(
      exam, steps.lengths.back(), "model.forward",
      ForwardQuestion(steps.model.model, steps.tokens.Part(n - 1, n),
                      Positions::kLast));
  CompareArrays(exam, exam.Get<Array>(answer, 0),
                Slice(steps.expected, 1, n - 1, n), kLogitAxes);
  steps.held = n;
}

// So that no step can be skipped.
void CompareSteps(Exam& exam, const CountedSteps& steps) {
  for (std::size_t i = 0; i < steps.lengths.size(); ++i) {
    const std::size_t n = steps.lengths[i];
    exam.Case(fmt::format("the step that computes token {}", n));
    CompareArrays(exam, steps.logits[i], Slice(steps.expected, 1, n - 1, n),
                  kLogitAxes);
  }
}

// Instructions of a step in one layer after `past_len` tokens, and of attending
// alone, over the same keys.
struct StepAndAttention {
  double step = 0;
  double attention = 0;
};

// In a layer whose keys are many and whose scores are few, at each of `lengths`
// in one sequence. The step's result is compared.
std::vector<StepAndAttention> InstructionsOfLayer(
    Exam& exam, const std::vector<std::size_t>& lengths) {
  Random& random = exam.Randomness();
  const Gpt2Sizes shape = {.layers = 1,
                           .heads = 1,
                           .head_dim = 128,
                           .max_positions = RoomFor(lengths),
                           .vocab_size = 10};
  const Question made = {RandomSeed(random), shape.Sizes(), std::string()};
  const auto one = [&](const Values& answer) {
    return exam.Get<Handle>(answer, 0);
  };
  const Pair weights = {
      .student = one(exam.AskCounted("weights.random", made)),
      .reference = one(exam.AskReference("weights.random", made))};
  const Handle attention = one(exam.AskCounted(
      "cached_attention.new",
      {std::int64_t{1}, Ints({1, RoomFor(lengths), 1, 1, shape.head_dim})}));
  const Array x = RandomArray(random, {1, lengths.back(), shape.DModel()});
  const Array whole = exam.Get<Array>(
      exam.AskReference("attention.multi_head", {weights, std::int64_t{0}, x,
                                                 std::int64_t{1}, Integers()}),
      0);
  const auto forward = [&](std::size_t begin, std::size_t end) {
    return exam.Get<Array>(
        exam.AskCounted("cached_attention.forward",
                        {attention, weights, std::int64_t{0},
                         Slice(x, 1, begin, end), Integers()}),
        0);
  };
  std::vector<StepAndAttention> instructions;
  std::size_t held = 0;
  for (const std::size_t n : lengths) {
    forward(held, n - 1);
    StepAndAttention& counted = instructions.emplace_back();
    const Array out = forward(n - 1, n);
    counted.step = static_cast<double>(exam.Instructions());
    exam.Case(fmt::format("one layer's step that computes token {}", n));
    CompareArrays(exam, out, Slice(whole, 1, n - 1, n), kTokenAxes);
    const Handle tokens = one(
        exam.AskCounted("cached_attention.held", {attention, std::int64_t{0}}));
    exam.AskCounted("cached_attention.attend",
                    {tokens, RandomArray(random, {1, 1, 1, shape.head_dim})});
    counted.attention = static_cast<double>(exam.Instructions());
    held = n;
  }
  return instructions;
}

// A step may cost more after more tokens, by what attending to them costs. What
// it costs beyond that, it does to tokens that are stored already.
void CompareStepWithAttention(Exam& exam, Verdict& verdict) {
  const std::size_t few = exam.SettingSize("shortest");
  const std::size_t many = 8 * few;
  const std::vector<StepAndAttention> counts =
      InstructionsOfLayer(exam, {few, many});
  const double step = counts[1].step - counts[0].step;
  const double attention = counts[1].attention - counts[0].attention;
  const std::string measured = fmt::format(
      "in one layer, {} more tokens cost a step {:.0f} instructions more, of "
      "which attention needs {:.0f}",
      many - few, step, attention);
  verdict.measured += "; " + measured;
  if (step > exam.Setting("attention_slack") * attention) {
    verdict.share = 0;
    verdict.came_back =
        "a step copies or searches the stored tokens, besides attending to "
        "them: " +
        measured;
  }
}

Verdict InstructionsOfSteps(Exam& exam) {
  const std::size_t n = exam.SettingSize("shortest");
  const std::vector<std::size_t> lengths = {n, 2 * n, 4 * n, 8 * n};
  CountedTimes times;
  CountedSteps steps = CountSteps(exam, lengths, times);
  const std::vector<double>& counts = steps.instructions;
  Verdict verdict = {.share = 1, .came_back = "", .measured = ""};
  verdict.measured = fmt::format(
      "{:.0f}, {:.0f}, {:.0f} and {:.0f} thousand instructions at {}, {}, {} "
      "and {} tokens",
      counts[0] / 1e3, counts[1] / 1e3, counts[2] / 1e3, counts[3] / 1e3, n,
      2 * n, 4 * n, 8 * n);
  const double growth = counts[3] / counts[0];
  const double last = counts[3] - counts[2];    // 4n more tokens
  const double before = counts[2] - counts[1];  // 2n more tokens
  const double allowed = exam.Setting("linear_slack") * 2 * before +
                         exam.Setting("constant_slack") * counts[0];
  if (growth > exam.Setting("largest_growth")) {
    verdict.share = 0;
    verdict.came_back = fmt::format(
        "a step at {} tokens costs {:.1f} times one at {}: it repeats work "
        "that the cache should have kept, or copies what the cache holds ({})",
        8 * n, growth, n, verdict.measured);
  } else if (last > allowed) {
    verdict.share = 0;
    verdict.came_back =
        "the cost of a step grows faster than its number of "
        "tokens (" +
        verdict.measured + ")";
  } else {
    ExpectTimesAgree(exam, {.few = n, .many = 8 * n, .growth = growth}, times,
                     [&] { StepAgain(exam, steps, times); });
  }
  exam.NoteCost(verdict.share == 1);
  if (verdict.share == 1) {
    CompareStepWithAttention(exam, verdict);
    exam.NoteCost(verdict.share == 1);
  }
  if (verdict.share == 1) CompareSteps(exam, steps);
  return verdict;
}

// A cache filled to its capacity, the last token under the counter.
struct FilledCache {
  Handle cache;
  KeysAndValues tokens;
  std::size_t capacity = 0;
  double instructions = 0;
};

FilledCache FillCache(Exam& exam, std::size_t capacity) {
  const TrialCacheShape shape = {.batch = 2,
                                 .max_seq_len = capacity,
                                 .layers = 1,
                                 .heads = 2,
                                 .head_dim = 8};
  FilledCache filled = {
      .cache = exam.Get<Handle>(
          exam.AskCounted("layer_cache.new", {shape.Sizes()}), 0),
      .tokens = RandomTokens(exam.Randomness(), shape, capacity),
      .capacity = capacity};
  std::size_t held = 0;
  for (const std::size_t tokens : {capacity - 1, std::size_t{1}}) {
    const KeysAndValues part = Part(filled.tokens, held, tokens);
    exam.AskCounted("layer_cache.append",
                    {filled.cache, part.keys, part.values});
    filled.instructions = static_cast<double>(exam.Instructions());
    held += tokens;
  }
  return filled;
}

Verdict CostOfAppend(Exam& exam) {
  const std::size_t shortest = exam.SettingSize("shortest");
  const std::size_t longest = exam.SettingSize("longest");
  const FilledCache small = FillCache(exam, shortest);
  const FilledCache large = FillCache(exam, longest);
  const double few = small.instructions;
  const double many = large.instructions;
  Verdict verdict = {.share = 1, .came_back = "", .measured = ""};
  verdict.measured = fmt::format(
      "{:.0f} instructions for the last token of {}, {:.0f} for that of {}",
      few, shortest, many, longest);
  if (many > exam.Setting("largest_growth") * few) {
    verdict.share = 0;
    verdict.came_back =
        "one token costs more the larger the cache: " + verdict.measured;
  }
  exam.NoteCost(verdict.share == 1);
  if (verdict.share < 1) return verdict;
  for (const FilledCache& filled : {small, large}) {
    exam.Case(fmt::format("a cache filled with {} tokens", filled.capacity));
    CompareHeld(exam, exam.AskCounted("layer_cache.read", {filled.cache}),
                filled.tokens, filled.capacity);
  }
  return verdict;
}

// Instructions of taking both views of a full layer, and of truncating it.
struct ViewsAndTruncate {
  double views = 0;
  double truncate = 0;
};

ViewsAndTruncate ViewInstructions(Exam& exam, std::size_t capacity) {
  const TrialCacheShape shape = {.batch = 2,
                                 .max_seq_len = capacity,
                                 .layers = 1,
                                 .heads = 2,
                                 .head_dim = 8};
  const Handle cache =
      exam.Get<Handle>(exam.AskCounted("layer_cache.new", {shape.Sizes()}), 0);
  const KeysAndValues all = RandomTokens(exam.Randomness(), shape, capacity);
  exam.AskCounted("layer_cache.append", {cache, all.keys, all.values});
  ViewsAndTruncate instructions;
  exam.AskCounted("layer_cache.storage", {cache});
  instructions.views = static_cast<double>(exam.Instructions());
  const std::size_t kept = capacity / 2;
  exam.AskCounted("layer_cache.truncate", {cache, Int(kept)});
  instructions.truncate = static_cast<double>(exam.Instructions());
  exam.Case(
      fmt::format("a cache of {} tokens truncated to {}", capacity, kept));
  CompareHeld(exam, exam.AskCounted("layer_cache.read", {cache}), all, kept);
  exam.Case("");
  return instructions;
}

Verdict CostOfViews(Exam& exam) {
  const std::size_t shortest = exam.SettingSize("shortest");
  const std::size_t longest = exam.SettingSize("longest");
  const ViewsAndTruncate few = ViewInstructions(exam, shortest);
  const ViewsAndTruncate many = ViewInstructions(exam, longest);
  Verdict verdict = {.share = 1, .came_back = "", .measured = ""};
  verdict.measured = fmt::format(
      "Keys() and Values(): {:.0f} instructions with {} tokens, {:.0f} with "
      "{}; "
      "Truncate(): {:.0f} and {:.0f}",
      few.views, shortest, many.views, longest, few.truncate, many.truncate);
  const double growth = exam.Setting("largest_growth");
  if (many.views > growth * few.views) {
    verdict.share = 0;
    verdict.came_back =
        "the views cost more the more tokens are held; they show the tokens "
        "and need not look at them: " +
        verdict.measured;
  } else if (many.truncate > growth * few.truncate) {
    verdict.share = 0;
    verdict.came_back =
        "forgetting tokens costs more the more are held, although it is one "
        "number: " +
        verdict.measured;
  }
  exam.NoteCost(verdict.share == 1);
  return verdict;
}

// --- memory ---

// A model in a worker that has just begun: what the allocator of an older one
// has kept would serve the next cache, which would then seem too small.
TrialModel ModelOfNewWorker(Exam& exam) {
  exam.AllAnswerers().student->Restart();
  TrialModel model = {.shape = {.layers = 4,
                                .heads = 4,
                                .head_dim = 32,
                                .max_positions = 4096,
                                .vocab_size = 50}};
  model.weights = exam.Make(
      "weights.random",
      {RandomSeed(exam.Randomness()), model.shape.Sizes(), std::string()});
  model.model = exam.Make("model.new", {model.weights});
  return model;
}

// Enables a cache for `batch` rows, measures, and decodes.
std::string MemoryOfCache(Exam& exam, std::size_t batch) {
  const TrialModel model = ModelOfNewWorker(exam);
  constexpr std::size_t kSteps = 40;
  constexpr std::size_t kStepsPerSample = 5;
  const Gpt2Sizes& shape = model.shape;
  const TrialTokens tokens = RandomTrialTokens(exam, model, batch, kSteps);
  const auto forward = [&](std::size_t begin, std::size_t end) {
    return exam.Get<Array>(
        exam.AskStudent("model.forward",
                        ForwardQuestion(model.model, tokens.Part(begin, end),
                                        Positions::kLast)),
        0);
  };
  forward(0, kSteps);  // what a pass needs beside the cache
  const double before = ResidentMib(exam);
  const Handle handle = exam.Get<Handle>(
      exam.AskStudent("cached.enable",
                      {model.model, Int(batch), Int(shape.max_positions)}),
      0);
  const double enabled = ResidentMib(exam);
  CacheMemoryMeasurement measurement = {
      .batch = batch, .samples = {{.tokens = 0, .mib = enabled - before}}};
  const auto sample = [&](std::size_t tokens_decoded) {
    const double resident = ResidentMib(exam);
    measurement.samples.push_back(
        {.tokens = tokens_decoded, .mib = resident - before});
    return resident;
  };
  forward(0, 1);
  const double first = sample(1);
  double decoded = first;
  Array logits;
  for (std::size_t t = 1; t < kSteps; ++t) {
    logits = forward(t, t + 1);
    if ((t + 1) % kStepsPerSample == 0) decoded = sample(t + 1);
  }
  exam.AskStudent("cached.disable", {handle});
  exam.AskStudent("object.drop", {handle});

  const TrialCacheShape cache = {.batch = batch,
                                 .max_seq_len = shape.max_positions,
                                 .layers = shape.layers,
                                 .heads = shape.heads,
                                 .head_dim = shape.head_dim};
  const double formula =
      static_cast<double>(cache.layers * cache.LayerBytes(cache.max_seq_len)) /
      (1U << 20U);
  measurement.formula_mib = formula;
  exam.Record(measurement);
  const std::string measured = fmt::format(
      "batch {}: {:.1f} MiB by the formula, {:.1f} MiB when "
      "enabled, {:.1f} MiB more after {} steps",
      batch, formula, enabled - before, decoded - first, kSteps);
  const double slack = exam.Setting("slack_mib");
  exam.Case("");
  const bool reserved = std::abs(enabled - before - formula) <=
                        slack + exam.Setting("slack_share") * formula;
  exam.NoteCost(reserved && decoded - first <= slack);
  if (!reserved) {
    exam.Fail("the cache's memory is not what the formula says: " + measured);
  }
  if (decoded - first > slack) {
    exam.Fail("memory grows while decoding, although the cache is reserved: " +
              measured);
  }
  exam.Case(fmt::format("the last of {} cached steps", kSteps));
  CompareArrays(
      exam, logits,
      Slice(ReferenceLogits(exam, model, tokens), 1, kSteps - 1, kSteps),
      kLogitAxes);
  return measured;
}

// Enables and disables caches of 16 MiB one after the other, and lets them go.
// One of them may stay with the allocator.
void CachesAreFreed(Exam& exam) {
  const TrialModel model = ModelOfNewWorker(exam);
  constexpr std::size_t kTimes = 5;
  const double before = ResidentMib(exam);
  for (std::size_t time = 0; time < kTimes; ++time) {
    const Handle handle = exam.Get<Handle>(
        exam.AskStudent("cached.enable",
                        {model.model, Int(1), Int(model.shape.max_positions)}),
        0);
    if (time % 2 == 0) exam.AskStudent("cached.disable", {handle});
    exam.AskStudent("object.drop", {handle});
  }
  const double after = ResidentMib(exam);
  const TrialCacheShape cache = {.batch = 1,
                                 .max_seq_len = model.shape.max_positions,
                                 .layers = model.shape.layers,
                                 .heads = model.shape.heads,
                                 .head_dim = model.shape.head_dim};
  const double formula =
      static_cast<double>(cache.layers * cache.LayerBytes(cache.max_seq_len)) /
      (1U << 20U);
  exam.Case("");
  if (after - before > exam.Setting("slack_mib") + formula) {
    exam.NoteCost(false);
    exam.Fail(fmt::format(
        "{} caches of {:.1f} MiB were enabled one after the other and let go: "
        "the process has kept {:.1f} MiB of them. The last handle frees its "
        "cache",
        kTimes, formula, after - before));
  }
}

Verdict MemoryOfCaches(Exam& exam) {
  const std::string filled = MemoryOfFilledCache(exam);
  const std::string small = MemoryOfCache(exam, 1);
  const std::string large = MemoryOfCache(exam, 4);
  CachesAreFreed(exam);
  return {.share = 1,
          .came_back = "",
          .measured = small + "; " + large + "; " + filled};
}

const RegisterChecks kCostChecks({
    AllOrNothing("cached.work", {"tolerance"}, WorkOfSteps),
    {"cached.instructions",
     {"tolerance", "shortest", "largest_growth", "linear_slack",
      "constant_slack", "time_slack", "attention_slack"},
     InstructionsOfSteps},
    {"append.cost", {"shortest", "longest", "largest_growth"}, CostOfAppend},
    {"views.cost", {"shortest", "longest", "largest_growth"}, CostOfViews},
    {"enable.memory",
     {"tolerance", "slack_mib", "slack_share"},
     MemoryOfCaches},
});

}  // namespace

}  // namespace kvlab::grading
