#include "autograder/judges/02_transformer/generate_trial.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/model/random.h"

namespace kvlab::grading {
namespace {

// Prompt and generated tokens side by side, row by row.
TrialTokens Whole(const TrialTokens& prompt, const Integers& generated) {
  TrialTokens whole = {
      .ids = {}, .batch = prompt.batch, .left_pad = prompt.left_pad};
  const std::size_t new_tokens = generated.size() / prompt.batch;
  for (std::size_t b = 0; b < prompt.batch; ++b) {
    const Integers& ids = prompt.ids;
    const auto begin = ids.begin() + Int(b * prompt.SeqLen());
    whole.ids.insert(whole.ids.end(), begin, begin + Int(prompt.SeqLen()));
    const auto fresh = generated.begin() + Int(b * new_tokens);
    whole.ids.insert(whole.ids.end(), fresh, fresh + Int(new_tokens));
  }
  return whole;
}

std::span<const float> LogitsAt(const Array& logits, std::size_t b,
                                std::size_t position) {
  const std::size_t vocab = logits.shape[2];
  return std::span(logits.values)
      .subspan((b * logits.shape[1] + position) * vocab, vocab);
}

bool AllClear(Exam& exam, const GenerateTrial& trial) {
  const Array logits =
      ReferenceLogits(exam, trial.model, Whole(trial.prompt, trial.expected));
  Random random(static_cast<std::uint64_t>(trial.seed));
  for (std::size_t step = 0; step < trial.new_tokens; ++step) {
    for (std::size_t b = 0; b < trial.prompt.batch; ++b) {
      const double uniform = random.NextUniform();
      if (!Clear(LogitsAt(logits, b, trial.prompt.SeqLen() + step - 1),
                 trial.sampling, uniform, exam.Setting("margin"))) {
        return false;
      }
    }
  }
  return true;
}

// The tokens that each new one of row `b` directly follows.
Integers Predecessors(const GenerateTrial& trial, std::size_t b) {
  const std::size_t prompt_len = trial.prompt.SeqLen();
  Integers tokens = {trial.prompt.ids[(b + 1) * prompt_len - 1]};
  const auto first = trial.expected.begin() + Int(b * trial.new_tokens);
  tokens.insert(tokens.end(), first, first + Int(trial.new_tokens) - 1);
  return tokens;
}

// Whether code that forgets all but the last token would be detected in every
// row. Too much to ask of a single new token.
bool NeedsItsPrefix(Exam& exam, const GenerateTrial& trial) {
  if (trial.new_tokens < 2 || trial.sampling.temperature != 0) return true;
  for (std::size_t b = 0; b < trial.prompt.batch; ++b) {
    const TrialTokens alone = {.ids = Predecessors(trial, b),
                               .batch = trial.new_tokens,
                               .left_pad = {}};
    const Array logits = ReferenceLogits(exam, trial.model, alone);
    bool differs = false;
    for (std::size_t step = 0; step < trial.new_tokens; ++step) {
      const std::int64_t chosen =
          Drawn(Slots(LogitsAt(logits, step, 0), trial.sampling), 0);
      differs =
          differs || chosen != trial.expected[b * trial.new_tokens + step];
    }
    if (!differs) return false;
  }
  return true;
}

// --- words for wrong tokens ---

// Whether the reference gives `generated` for `trial`.
bool WouldGive(Exam& exam, const GenerateTrial& trial,
               const Integers& generated) {
  return exam.Get<Integers>(
             exam.AskReference("generate.baseline", GenerateQuestion(trial)),
             0) == generated;
}

// What the tokens would be right for: options that were not taken, a seed that
// was cut, padding that was seen.
std::string RightForAnotherQuestion(Exam& exam, const GenerateTrial& trial,
                                    const Integers& generated) {
  GenerateTrial other = trial;
  const auto gives = [&] { return WouldGive(exam, other, generated); };
  if (trial.sampling.temperature != 0) {
    other.sampling = {.temperature = 0, .top_k = trial.sampling.top_k};
    if (gives()) return "these are the tokens of temperature 0";
    other.sampling = {.temperature = 1, .top_k = trial.sampling.top_k};
    if (gives()) return "these are the tokens of temperature 1";
    other.sampling = {.temperature = trial.sampling.temperature, .top_k = 0};
    if (gives()) return "these are the tokens without top_k";
    other.sampling = trial.sampling;
    other.seed = trial.seed & std::int64_t{0xffffffff};
    if (other.seed != trial.seed && gives()) {
      return "these are the tokens of the seed's lower 32 bits: a seed has 64";
    }
    other.seed = static_cast<std::int32_t>(trial.seed & 0xffffffff);
    if (other.seed != trial.seed && gives()) {
      return "these are the tokens of the seed as an int: a seed has 64 bits";
    }
    for (const std::int64_t seed : {0, 1, 42}) {
      other.seed = seed;
      if (gives()) return "the seed that was given is not used";
    }
    other.seed = trial.seed;
  }
  if (!trial.prompt.left_pad.empty()) {
    other.prompt.left_pad = {};
    if (gives()) return "these are the tokens if padding is seen";
  }
  return "";
}

// Whether each token of row `b` is what the model chooses after the one before
// it alone.
bool ForgetsItsPrefix(Exam& exam, const GenerateTrial& trial,
                      const Integers& generated, std::size_t b) {
  GenerateTrial as_generated = trial;
  as_generated.expected = generated;
  const TrialTokens alone = {.ids = Predecessors(as_generated, b),
                             .batch = trial.new_tokens,
                             .left_pad = {}};
  const Array logits = ReferenceLogits(exam, trial.model, alone);
  for (std::size_t step = 0; step < trial.new_tokens; ++step) {
    if (Drawn(Slots(LogitsAt(logits, step, 0), trial.sampling), 0) !=
        generated[b * trial.new_tokens + step]) {
      return false;
    }
  }
  return true;
}

bool AllInVocabulary(const GenerateTrial& trial, const Integers& generated) {
  return std::ranges::all_of(generated, [&](std::int64_t id) {
    return id >= 0 && id < Int(trial.model.shape.vocab_size);
  });
}

// How many tokens of row `b` are right before the first that is not.
std::size_t RightTokens(const GenerateTrial& trial, const Integers& generated,
                        std::size_t b) {
  std::size_t right = 0;
  while (right < trial.new_tokens &&
         generated[b * trial.new_tokens + right] ==
             trial.expected[b * trial.new_tokens + right]) {
    ++right;
  }
  return right;
}

// "rows 0 and 2 are right", "every row's first token is right".
std::string WhatIsRight(const GenerateTrial& trial, const Integers& generated) {
  const std::size_t batch = trial.prompt.batch;
  std::vector<std::size_t> rows;
  std::size_t fewest = trial.new_tokens;
  for (std::size_t b = 0; b < batch; ++b) {
    const std::size_t right = RightTokens(trial, generated, b);
    if (right == trial.new_tokens) rows.push_back(b);
    fewest = std::min(fewest, right);
  }
  if (!rows.empty()) {
    return fmt::format("row{} {} {} right throughout",
                       rows.size() > 1 ? "s" : "", fmt::join(rows, ", "),
                       rows.size() > 1 ? "are" : "is");
  }
  if (trial.new_tokens < 2) return "";
  if (fewest == 0) {
    return "already the first token after the prompt is wrong";
  }
  return fmt::format(
      "the first {} right, so the prompt is used rightly and "
      "what follows is not",
      fewest == 1 ? "token is" : fmt::format("{} tokens are", fewest));
}

// Tokens that are right one step before or after.
std::string ShiftedSteps(const GenerateTrial& trial,
                         const Integers& generated) {
  if (trial.new_tokens < 3) return "";
  bool late = true;
  bool early = true;
  for (std::size_t b = 0; b < trial.prompt.batch; ++b) {
    for (std::size_t step = 0; step + 1 < trial.new_tokens; ++step) {
      const std::size_t at = b * trial.new_tokens + step;
      late = late && generated[at + 1] == trial.expected[at];
      early = early && generated[at] == trial.expected[at + 1];
    }
  }
  if (late) return "the right tokens come one step late";
  return early ? "the right tokens come one step early" : "";
}

std::string WordsForTokens(Exam& exam, const GenerateTrial& trial,
                           const Integers& generated) {
  if (!AllInVocabulary(trial, generated)) {
    return "some are not ids of the vocabulary";
  }
  std::string words = RightForAnotherQuestion(exam, trial, generated);
  if (words.empty()) words = ShiftedSteps(trial, generated);
  if (words.empty() && trial.sampling.temperature == 0 &&
      trial.new_tokens > 1) {
    for (std::size_t b = 0; b < trial.prompt.batch && words.empty(); ++b) {
      if (RightTokens(trial, generated, b) < trial.new_tokens &&
          ForgetsItsPrefix(exam, trial, generated, b)) {
        words =
            "each is what the model chooses after the last token alone: "
            "what came before is forgotten";
      }
    }
  }
  const std::string right = WhatIsRight(trial, generated);
  if (!words.empty() && !right.empty()) words += "; ";
  return words + right;
}

// Row by row to step by step.
Integers Streamed(const Integers& generated, std::size_t batch) {
  Integers streamed;
  const std::size_t new_tokens = generated.size() / batch;
  for (std::size_t step = 0; step < new_tokens; ++step) {
    for (std::size_t b = 0; b < batch; ++b) {
      streamed.push_back(generated[b * new_tokens + step]);
    }
  }
  return streamed;
}

// Where a wrong program takes the uniform number of a step and row from, and
// what it forgets.
struct Suspicion {
  const char* says = "";
  Sampling sampling;
  std::function<double(std::size_t step, std::size_t b)> uniform;
  bool forgets_padding = false;  // after the first step
  bool forgets_prefix = false;   // all but the newest token, after the prompt
};

// The tokens that it would generate.
Integers TokensOf(Exam& exam, const GenerateTrial& trial,
                  const Suspicion& suspicion) {
  const std::size_t batch = trial.prompt.batch;
  Integers generated(batch * trial.new_tokens);
  TrialTokens so_far = trial.prompt;
  for (std::size_t step = 0; step < trial.new_tokens; ++step) {
    const Array logits = ReferenceLogits(exam, trial.model, so_far);
    Integers next;
    for (std::size_t b = 0; b < batch; ++b) {
      next.push_back(Drawn(
          Slots(LogitsAt(logits, b, so_far.SeqLen() - 1), suspicion.sampling),
          suspicion.uniform(step, b)));
      generated[b * trial.new_tokens + step] = next.back();
    }
    if (suspicion.forgets_prefix) {
      so_far = {.ids = next, .batch = batch, .left_pad = {}};
    } else {
      so_far = Whole(so_far, next);
    }
    if (suspicion.forgets_padding) so_far.left_pad.clear();
  }
  return generated;
}

// The uniform numbers of a seed, by steps and then rows.
std::vector<double> UniformsOf(std::uint64_t seed, std::size_t count) {
  Random random(seed);
  std::vector<double> uniforms;
  for (std::size_t i = 0; i < count; ++i) {
    uniforms.push_back(random.NextUniform());
  }
  return uniforms;
}

std::vector<Suspicion> Suspicions(const GenerateTrial& trial) {
  const std::size_t batch = trial.prompt.batch;
  const std::size_t steps = trial.new_tokens;
  const auto seed = static_cast<std::uint64_t>(trial.seed);
  const std::vector<double> draws = UniformsOf(seed, batch * steps);
  const std::vector<double> low_draws =
      UniformsOf(seed & 0xFFFFFFFFU, batch * steps);
  const std::vector<double> zero_draws = UniformsOf(0, batch * steps);
  const auto in_order = [=](std::size_t step, std::size_t b) {
    return draws[step * batch + b];
  };
  std::vector<Suspicion> suspicions = {
      {"only the newest token is fed back; each step needs the whole prefix",
       trial.sampling, in_order, false, true}};
  if (!trial.prompt.left_pad.empty()) {
    suspicions.push_back(
        {"left_pad is forgotten after the first step; it stays "
         "that of the prompt",
         trial.sampling, in_order, true, false});
  }
  if (trial.sampling.temperature == 0) return suspicions;
  suspicions.insert(
      suspicions.end(),
      {{"these are the greedy tokens: the temperature is ignored", Sampling{},
        in_order, false, false},
       {"top_k is ignored",
        {.temperature = trial.sampling.temperature},
        in_order,
        false,
        false},
       {"these are tokens at temperature 1",
        {.temperature = 1, .top_k = trial.sampling.top_k},
        in_order,
        false,
        false},
       {"the seed has lost its upper 32 bits; it is a std::uint64_t",
        trial.sampling,
        [=](std::size_t step, std::size_t b) {
          return low_draws[step * batch + b];
        },
        false, false},
       {"the seed is ignored: these are the tokens of seed 0", trial.sampling,
        [=](std::size_t step, std::size_t b) {
          return zero_draws[step * batch + b];
        },
        false, false},
       {"the random numbers start again at each step; one Random serves all",
        trial.sampling, [=](std::size_t, std::size_t b) { return draws[b]; },
        false, false},
       {"each row has random numbers of its own, from the same seed; one "
        "Random "
        "serves all rows in order",
        trial.sampling,
        [=](std::size_t step, std::size_t) { return draws[step]; }, false,
        false},
       {"all rows of a step share one uniform number; each draws its own",
        trial.sampling,
        [=](std::size_t step, std::size_t) { return draws[step * batch]; },
        false, false},
       {"the random numbers of a step go to the rows in the opposite order",
        trial.sampling,
        [=](std::size_t step, std::size_t b) {
          return draws[step * batch + (batch - 1 - b)];
        },
        false, false},
       {"the uniform numbers are drawn row by row; they go step by step",
        trial.sampling,
        [=](std::size_t step, std::size_t b) {
          return draws[b * steps + step];
        },
        false, false}});
  return suspicions;
}

// Which mistake would have generated these tokens; "" if none that is known.
std::string RecogniseTokens(Exam& exam, const GenerateTrial& trial,
                            const Integers& generated) {
  for (const Suspicion& suspicion : Suspicions(trial)) {
    const Integers tokens = TokensOf(exam, trial, suspicion);
    if (tokens != trial.expected && tokens == generated) return suspicion.says;
  }
  return "";
}

}  // namespace

Question GenerateQuestion(const GenerateTrial& trial) {
  return {trial.model.model,         trial.prompt.ids,
          Int(trial.prompt.batch),   trial.prompt.left_pad,
          Int(trial.new_tokens),     trial.sampling.temperature,
          Int(trial.sampling.top_k), trial.seed};
}

Question InterruptedQuestion(const GenerateTrial& trial, std::size_t step) {
  return {trial.model.model,
          trial.prompt.ids,
          Int(trial.prompt.batch),
          trial.prompt.left_pad,
          Int(trial.new_tokens),
          trial.sampling.temperature,
          Int(trial.sampling.top_k),
          trial.seed,
          Int(step)};
}

GenerateTrial MakeGenerateTrial(Exam& exam, const GenerateSizes& sizes,
                                const Sampling& sampling,
                                const std::string& variant) {
  // One attempt in two to five succeeds, but in some models hardly any does.
  constexpr int kAttempts = 300;
  constexpr int kAttemptsOfAModel = 10;
  GenerateTrial trial;
  trial.new_tokens = sizes.new_tokens;
  trial.sampling = sampling;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt % kAttemptsOfAModel == 0) {
      trial.model = MakeModel(
          exam, sizes.prompt_len + sizes.new_tokens + sizes.spare_positions,
          variant + " strong_attention");
    }
    trial.prompt =
        RandomTrialTokens(exam, trial.model, sizes.batch, sizes.prompt_len);
    if (sizes.left_padded) {
      trial.prompt.left_pad =
          RandomLeftPad(exam.Randomness(), sizes.batch, sizes.prompt_len);
    }
    trial.seed = RandomSeed(exam.Randomness());
    trial.expected = exam.Get<Integers>(
        exam.AskReference("generate.baseline", GenerateQuestion(trial)), 0);
    if (AllClear(exam, trial) && NeedsItsPrefix(exam, trial)) return trial;
  }
  throw GraderError("no random prompt has a clear continuation");
}

GenerateTrial Repeated(GenerateTrial trial, std::size_t batch) {
  const std::size_t rows = trial.prompt.batch;
  const auto repeat = [&](Integers& numbers) {
    if (numbers.empty()) return;
    const Integers once = numbers;
    const std::size_t of_each = once.size() / rows;
    numbers.clear();
    for (std::size_t b = 0; b < batch; ++b) {
      const auto first = once.begin() + Int(b % rows * of_each);
      numbers.insert(numbers.end(), first, first + Int(of_each));
    }
  };
  repeat(trial.prompt.ids);
  repeat(trial.prompt.left_pad);
  repeat(trial.expected);
  trial.prompt.batch = batch;
  return trial;
}

void CompareGeneration(Exam& exam, const std::string& operation,
                       const GenerateTrial& trial) {
  const std::size_t batch = trial.prompt.batch;
  exam.Case(
      fmt::format("batch {}{}, {} after a prompt of {}, {}", batch,
                  trial.prompt.left_pad.empty() ? "" : ", left padded",
                  Count(trial.new_tokens, "new token"), trial.prompt.SeqLen(),
                  trial.sampling.temperature == 0 ? "greedy" : "sampled"));
  const Values answer = exam.AskStudent(operation, GenerateQuestion(trial));
  const Integers& generated = exam.Get<Integers>(answer, 0);
  if (generated.size() != trial.expected.size()) {
    exam.Fail(fmt::format("{} tokens came back, {} were asked for",
                          generated.size(), trial.expected.size()));
  }
  for (std::size_t step = 0; step < trial.new_tokens; ++step) {
    for (std::size_t b = 0; b < batch; ++b) {
      const std::size_t at = b * trial.new_tokens + step;
      if (generated[at] != trial.expected[at]) {
        const std::string hint = RecogniseTokens(exam, trial, generated);
        exam.Fail(fmt::format(
            "new token {} (counted from 0) of row {} is "
            "another one than the model chooses; {}",
            step, b,
            hint.empty() ? WordsForTokens(exam, trial, generated) : hint));
      }
    }
  }
  const Integers& streamed = exam.Get<Integers>(answer, 1);
  if (streamed != Streamed(generated, batch)) {
    exam.Fail(fmt::format(
        "what came back is right, but on_tokens was not given the new tokens "
        "of all rows, step by step: it was given {} of {} tokens{}",
        streamed.size(), generated.size(),
        streamed.size() == generated.size() ? ", others or in another order"
                                            : ""));
  }
}

void CompareGenerationWork(Exam& exam, const std::string& operation,
                           const GenerateTrial& trial, std::size_t tokens,
                           const std::string& hint) {
  constexpr std::size_t kQkvCategory = 0;  // in the answer of work.counted
  const auto counted = [&] {
    return exam.GetIntegers(exam.AskStudent("work.counted", {}), 0,
                            kQkvCategory + 1)[kQkvCategory];
  };
  const std::int64_t before = counted();
  CompareGeneration(exam, operation, trial);
  const Gpt2Sizes& shape = trial.model.shape;
  const std::size_t token_macs =
      trial.prompt.batch * shape.layers * 3 * shape.DModel() * shape.DModel();
  exam.NoteCost((counted() - before) / Int(token_macs) <= Int(tokens));
  CompareNumber(exam, "the number of tokens run through each layer",
                (counted() - before) / Int(token_macs), Int(tokens), hint);
}

double WorstGap(const Array& logits, std::size_t prompt_len,
                const Integers& generated, std::size_t batch) {
  const std::size_t new_tokens = generated.size() / batch;
  double worst = 0;
  for (std::size_t b = 0; b < batch; ++b) {
    for (std::size_t step = 0; step < new_tokens; ++step) {
      const auto row = LogitsAt(logits, b, prompt_len + step - 1);
      const auto id =
          static_cast<std::size_t>(generated[b * new_tokens + step]);
      worst = std::max(worst, double{std::ranges::max(row)} - double{row[id]});
    }
  }
  return worst;
}

}  // namespace kvlab::grading
