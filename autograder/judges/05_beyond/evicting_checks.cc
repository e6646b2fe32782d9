// Module 5, task 5.7: eviction under a budget, and what it loses.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
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
#include "autograder/judges/05_beyond/forgetful_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// Two probabilities that are closer may be ordered by rounding: inputs on which
// that could happen are drawn again.
constexpr double kClearChoice = 4e-6;

struct TrialBudget {
  std::size_t tokens = 0;
  std::size_t newest = 0;
};

std::string BudgetText(const TrialBudget& budget) {
  return fmt::format("a budget of {}, the newest {} among them",
                     Count(budget.tokens, "token"), budget.newest);
}

Handle NewLayer(Exam& exam, const ForgetfulSizes& sizes,
                const TrialBudget& budget) {
  return exam.Get<Handle>(
      exam.AskStudent("evicting.new",
                      {Ints({sizes.batch, sizes.kv_heads, sizes.head_dim}),
                       Int(budget.tokens), Int(budget.newest)}),
      0);
}

// --- the choice ---

struct TrialHeld {
  std::vector<std::size_t> positions;
  std::vector<float> probabilities;
};

// The index that has to go.
std::size_t RightVictim(const TrialHeld& held, std::size_t newest) {
  std::vector<std::size_t> by_age(held.positions.size());
  std::iota(by_age.begin(), by_age.end(), std::size_t{0});
  std::ranges::sort(by_age, {},
                    [&](std::size_t i) { return held.positions[i]; });
  by_age.resize(by_age.size() - (newest - 1));
  // The latest of the smallest.
  std::ranges::reverse(by_age);
  return *std::ranges::min_element(
      by_age, {}, [&](std::size_t i) { return held.probabilities[i]; });
}

void CompareVictim(Exam& exam, const TrialHeld& held, std::size_t newest,
                   const std::string& about) {
  exam.Case(fmt::format("{} in any order, the newest {} stay{}",
                        Count(held.positions.size(), "token"), newest, about));
  const Values answer = exam.AskStudent(
      "evicting.victim",
      {Ints(held.positions), ArrayOf(held.probabilities), Int(newest)});
  const auto victim = exam.Get<std::int64_t>(answer, 0);
  if (victim < 0 || victim >= Int(held.positions.size())) {
    exam.Fail("TokenToEvict names a token that is not held");
  }
  const std::size_t right = RightVictim(held, newest);
  const auto chosen = static_cast<std::size_t>(victim);
  if (chosen == right) return;
  const auto later = static_cast<std::size_t>(std::ranges::count_if(
      held.positions,
      [&](std::size_t position) { return position > held.positions[chosen]; }));
  if (later + 1 < newest) {
    exam.Fail(
        "it gives up one of the newest, which stay however little they "
        "have been attended to");
  }
  if (held.probabilities[chosen] == held.probabilities[right]) {
    exam.Fail(
        "of equal probabilities it gives up the older; ties are decided "
        "for the older, so the latest goes");
  }
  exam.Fail(
      "it gives up a token that has been attended to more than another "
      "that may go, the one with the smallest probability");
}

TrialHeld RandomHeld(Random& random, std::size_t tokens) {
  TrialHeld held;
  std::size_t position = 0;
  for (std::size_t i = 0; i < tokens; ++i) {
    position += Between(random, 1, 5);
    held.positions.push_back(position);
    held.probabilities.push_back(random.NextUniform(0, 3));
  }
  for (std::size_t i = tokens; i > 1; --i) {
    std::swap(held.positions[i - 1], held.positions[random.NextBelow(i)]);
  }
  return held;
}

void Choosing(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t tokens :
       {std::size_t{1}, std::size_t{2}, Between(random, 5, 12),
        Between(random, 5, 12), Between(random, 260, 300)}) {
    for (const std::size_t newest :
         {std::size_t{1}, std::size_t{2}, tokens / 2, tokens - 1, tokens}) {
      if (newest == 0 || newest > tokens) continue;
      CompareVictim(exam, RandomHeld(random, tokens), newest, "");
    }
  }
  exam.Case("");
  const TrialHeld held = RandomHeld(random, 3);
  for (const std::size_t newest : {0, 4}) {
    exam.ExpectRefusal(
        "evicting.victim",
        {Ints(held.positions), ArrayOf(held.probabilities), Int(newest)},
        fmt::format("3 tokens of which the newest {} stay", newest));
  }
}

void Ties(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t round = 0; round < 12; ++round) {
    TrialHeld held = RandomHeld(random, Between(random, 4, 12));
    // Few different numbers, or one.
    const std::size_t kinds = 1 + round % 3;
    for (float& probability : held.probabilities) {
      probability = 0.25F * static_cast<float>(random.NextBelow(kinds));
    }
    CompareVictim(exam, held, Between(random, 1, held.positions.size() - 1),
                  ", many with equal probabilities");
  }
  // Scores so far below that of position 0 that all others get exactly 0.
  const TrialBudget budget = {Between(random, 5, 8), Between(random, 1, 3)};
  const std::size_t tokens = Between(random, 14, 20);
  ForgetfulInput input = RandomForgetfulInput(
      random,
      {.batch = 1, .heads = 1, .kv_heads = 1, .tokens = tokens, .head_dim = 2});
  for (float& query : input.queries.values) query = 100;
  for (std::size_t s = 0; s < tokens; ++s) {
    for (const std::size_t d : {0, 1}) {
      input.keys.values[2 * s + d] = s == 0 ? 1.0F : -30.0F;
    }
  }
  exam.Case(BudgetText(budget) +
            ", all tokens but the first with a probability of 0");
  const Handle layer = NewLayer(exam, input.sizes, budget);
  exam.AskStudent("evicting.attend", TokensQuestion(layer, input, 0, tokens));
  const Values answer =
      exam.AskStudent("evicting.held", {layer, Int(0), Int(0)});
  Integers right;
  for (std::size_t p = 0; p < budget.tokens - budget.newest; ++p) {
    right.push_back(Int(p));
  }
  for (std::size_t p = tokens - budget.newest; p < tokens; ++p) {
    right.push_back(Int(p));
  }
  if (exam.Get<Integers>(answer, 0) != right) {
    exam.Fail(
        "it does not hold the oldest and the newest: of equal "
        "probabilities, ties are decided for the older");
  }
}

// --- a layer ---

// An input on which no choice is close, and what is right for it.
struct ClearInput {
  ForgetfulInput input;
  PlainRun right;
};

enum class Padding { kNone, kSomeRows, kSpread };

ClearInput RandomClearInput(Random& random, const ForgetfulSizes& sizes,
                            const TrialBudget& budget, Padding padding) {
  for (int attempt = 0;; ++attempt) {
    ClearInput clear = {RandomForgetfulInput(random, sizes), {}};
    // Queries of size 4 over hundreds of features would see one key alone.
    if (sizes.head_dim > 64) {
      for (float& query : clear.input.queries.values) query /= 8;
    }
    if (padding == Padding::kSomeRows) PadRows(random, clear.input);
    if (padding == Padding::kSpread) SpreadPadding(random, clear.input);
    double gap = std::numeric_limits<double>::infinity();
    clear.right = RunForgetful(
        clear.input, EvictionRule({budget.tokens, budget.newest}, &gap));
    if (gap > kClearChoice) return clear;
    if (attempt == 100) {
      throw GraderError(
          "no input on which eviction does not depend on "
          "rounding, of 100");
    }
  }
}

// What each head holds after all tokens: positions, probabilities, and the keys
// and values in their slots.
void CompareHeld(Exam& exam, Handle layer, const ClearInput& clear,
                 const TrialBudget& budget) {
  const ForgetfulInput& input = clear.input;
  const std::size_t dim = input.sizes.head_dim;
  for (std::size_t b = 0; b < input.sizes.batch; ++b) {
    const std::size_t pad = input.left_pad.empty() ? 0 : input.left_pad[b];
    for (std::size_t g = 0; g < input.sizes.kv_heads; ++g) {
      exam.Case(fmt::format("{}; {}; what a head holds after {}",
                            Describe(input), BudgetText(budget),
                            Count(input.sizes.tokens, "token")));
      const Values answer =
          exam.AskStudent("evicting.held", {layer, Int(b), Int(g)});
      const std::vector<PlainHeld>& held =
          clear.right.held[b * input.sizes.kv_heads + g];
      const auto& positions = exam.Get<Integers>(answer, 0);
      if (positions.size() > budget.tokens) {
        exam.Fail("it holds more tokens than the budget");
      }
      CompareNumber(exam, "the number of tokens held", Int(positions.size()),
                    Int(held.size()));
      Array probabilities = {.shape = {held.size()}, .values = {}};
      Array keys = {.shape = {held.size(), dim}, .values = {}};
      Array values = keys;
      for (std::size_t i = 0; i < held.size(); ++i) {
        if (positions[i] != Int(held[i].position)) {
          exam.Fail(
              "it holds other tokens than the newest and those with the "
              "largest sum of attention probabilities");
        }
        probabilities.values.push_back(static_cast<float>(held[i].probability));
        const auto from =
            Int(((b * input.sizes.kv_heads + g) * input.sizes.tokens + pad +
                 held[i].position) *
                dim);
        keys.values.insert(keys.values.end(), input.keys.values.begin() + from,
                           input.keys.values.begin() + from + Int(dim));
        values.values.insert(values.values.end(),
                             input.values.values.begin() + from,
                             input.values.values.begin() + from + Int(dim));
      }
      const auto compare = [&](std::size_t index, const Array& right,
                               double tolerance, const char* name) {
        const Axes axes =
            right.shape.size() == 1 ? Axes{"token"} : Axes{"token", "feature"};
        const auto difference =
            Difference(exam.Get<Array>(answer, index), right, tolerance, axes);
        if (difference) exam.Fail(fmt::format("{}: {}", name, *difference));
      };
      // A sum of a probability of each query, in float32.
      compare(1, probabilities, 1e-4, "the probabilities that were added up");
      compare(2, keys, 0, "the keys in their slots");
      compare(3, values, 0, "the values in their slots");
    }
  }
}

// The sequence in calls of `pieces` tokens, each compared; then what is held.
void ComparePieces(Exam& exam, const ClearInput& clear,
                   const TrialBudget& budget,
                   const std::vector<std::size_t>& pieces) {
  const ForgetfulInput& input = clear.input;
  const Array right = {.shape = input.queries.shape,
                       .values = clear.right.attended};
  exam.Case(Describe(input) + "; " + BudgetText(budget));
  const Handle layer = NewLayer(exam, input.sizes, budget);
  std::size_t begin = 0;
  for (const std::size_t piece : pieces) {
    exam.Case(fmt::format("{}; {}; {} after {}", Describe(input),
                          BudgetText(budget), Count(piece, "token"), begin));
    const Values answer = exam.AskStudent(
        "evicting.attend", TokensQuestion(layer, input, begin, piece));
    CompareArrays(exam, exam.Get<Array>(answer, 0),
                  Slice(right, 2, begin, begin + piece), kHeadAxes);
    begin += piece;
    CompareNumber(exam, "PastLen()", exam.Get<std::int64_t>(answer, 1),
                  Int(begin),
                  "it counts the tokens of the sequence, held or not");
  }
  CompareHeld(exam, layer, clear, budget);
}

std::vector<std::size_t> Steps(std::size_t tokens) {
  return std::vector<std::size_t>(tokens, 1);
}

void Stepping(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t tokens = Between(random, 10, 13);
  for (const TrialBudget& budget :
       std::vector<TrialBudget>{{Between(random, 5, 7), Between(random, 2, 3)},
                                {Between(random, 4, 6), 1},
                                {Between(random, 4, 6), Between(random, 3, 4)},
                                {1, 1},
                                {2, 1},
                                {3, 3},
                                {tokens - 1, 1},
                                {tokens - 1, tokens - 1},
                                {tokens, Between(random, 1, 4)},
                                {tokens + 1, tokens + 1}}) {
    const ClearInput clear = RandomClearInput(
        random, RandomForgetfulSizes(random, tokens), budget, Padding::kNone);
    ComparePieces(exam, clear, budget, Steps(tokens));
  }
}

void LongCalls(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t round = 0; round < 8; ++round) {
    const std::size_t tokens = Between(random, 15, 36);
    const std::size_t size = Between(random, 1, 7);
    const TrialBudget budget = {size, Between(random, 1, size)};
    const ClearInput clear = RandomClearInput(
        random, RandomForgetfulSizes(random, tokens), budget, Padding::kNone);
    std::vector<std::size_t> pieces =
        round == 0 ? std::vector<std::size_t>{tokens}
                   : RandomPieces(random, tokens, Between(random, 2, 5));
    if (round == 1) pieces.push_back(0);
    ComparePieces(exam, clear, budget, pieces);
  }
}

void PaddedRows(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t round = 0; round < 6; ++round) {
    const std::size_t tokens = Between(random, 12, 20);
    ForgetfulSizes sizes = RandomForgetfulSizes(random, tokens);
    sizes.batch = 4;
    const std::size_t size = Between(random, 3, 6);
    const TrialBudget budget = {size, Between(random, 1, size)};
    const ClearInput clear =
        RandomClearInput(random, sizes, budget, Padding::kSomeRows);
    ComparePieces(exam, clear, budget,
                  round % 2 == 0
                      ? RandomPieces(random, tokens, Between(random, 2, 5))
                      : Steps(tokens));
  }
}

void AllSizes(Exam& exam) {
  Random& random = exam.Randomness();
  const auto large = [&] { return Between(random, 260, 290); };
  const std::size_t wide = Between(random, 260, 280);
  const ForgetfulSizes few = {
      .batch = 3, .heads = 4, .kv_heads = 2, .tokens = 9, .head_dim = 3};
  const TrialBudget small = {Between(random, 3, 5), Between(random, 1, 3)};
  const auto with = [&](std::size_t ForgetfulSizes::*size, std::size_t number) {
    ForgetfulSizes sizes = few;
    sizes.*size = number;
    return sizes;
  };
  const std::size_t budget = Between(random, 260, 265);
  const TrialBudget huge = {budget, budget - Between(random, 1, 2)};
  std::vector<std::pair<ForgetfulSizes, TrialBudget>> kinds = {
      {with(&ForgetfulSizes::tokens, 2 * large()),
       {large(), Between(random, 10, 40)}},
      {with(&ForgetfulSizes::tokens, 2 * large()), small},
      {with(&ForgetfulSizes::batch, large()), small},
      {with(&ForgetfulSizes::head_dim, large()), small},
      {with(&ForgetfulSizes::heads, 2 * large()), small},
      {few, small}};
  kinds.back().first.heads = 2 * (kinds.back().first.kv_heads = wide);
  // Two sizes at once. Hundreds of rows with hundreds of heads would be as many
  // threads, if each head had one.
  for (const TrialBudget& one : {huge, small}) {
    for (const auto& [heads, head_dim] :
         {std::pair{wide, std::size_t{1}}, {1, large()}}) {
      kinds.push_back({{.batch = 1,
                        .heads = heads,
                        .kv_heads = 1,
                        .tokens = 270,
                        .head_dim = head_dim},
                       one});
    }
  }
  for (const auto& [batch, heads, kv_heads] :
       std::vector<std::array<std::size_t, 3>>{
           {large(), 1, 1}, {1, wide, 1}, {1, wide, wide}}) {
    kinds.push_back({{.batch = batch,
                      .heads = heads,
                      .kv_heads = kv_heads,
                      .tokens = 6,
                      .head_dim = large()},
                     small});
  }
  for (const auto& [sizes, one] : kinds) {
    const std::size_t last =
        sizes.tokens > 500 ? 258 : Between(random, 1, sizes.tokens / 3);
    const ClearInput clear =
        RandomClearInput(random, sizes, one, Padding::kSpread);
    const Array right = {.shape = clear.input.queries.shape,
                         .values = clear.right.attended};
    exam.Case(Describe(clear.input) + "; " + BudgetText(one));
    const Handle layer = NewLayer(exam, sizes, one);
    std::size_t begin = 0;
    for (const std::size_t piece :
         {sizes.tokens - last - 1, last, std::size_t{1}}) {
      exam.Case(fmt::format("{}; {}; {} after {}", Describe(clear.input),
                            BudgetText(one), Count(piece, "token"), begin));
      const Values answer = exam.AskStudent(
          "evicting.attend", TokensQuestion(layer, clear.input, begin, piece));
      CompareArrays(exam, exam.Get<Array>(answer, 0),
                    Slice(right, 2, begin, begin + piece), kHeadAxes);
      begin += piece;
    }
  }
}

// --- in a model ---

// Where all of the budget are the newest, eviction is a window, whose logits do
// not depend on a choice; and a budget of all tokens evicts none.
void Positions(Exam& exam) {
  Random& random = exam.Randomness();
  constexpr std::size_t kTokens = 24;
  const std::size_t window = Between(random, 2, 4);
  for (const auto& [budget, seen] :
       std::vector<std::pair<TrialBudget, std::size_t>>{
           {{window, window}, window}, {{kTokens, 2}, kTokens}}) {
    const TrialModel model = MakeModel(exam, kTokens, "");
    TrialTokens tokens = RandomTrialTokens(exam, model, 3, kTokens);
    tokens.left_pad = RandomLeftPad(random, 3, kTokens);
    const Handle reference =
        exam.Get<Handle>(exam.AskReference("rolling.masked_model",
                                           {model.weights, Int(seen), Int(0)}),
                         0);
    const Array expected = exam.Get<Array>(
        exam.AskReference("model.forward",
                          {reference, tokens.ids, Int(tokens.batch),
                           tokens.left_pad, Int(0)}),
        0);
    exam.Case(BudgetText(budget) + ", in a model");
    const Handle student = exam.Get<Handle>(
        exam.AskStudent("evicting.model",
                        {model.weights, Int(budget.tokens), Int(budget.newest),
                         Int(tokens.batch)}),
        0);
    std::vector<std::size_t> pieces = RandomPieces(random, kTokens - 4, 3);
    pieces.insert(pieces.end(), 4, 1);
    CompareForwards(exam, student, tokens, expected, pieces);
    exam.Case(fmt::format("{}, in a model, after {} tokens", BudgetText(budget),
                          kTokens));
    const Values past = exam.AskStudent("model.past_len", {student});
    CompareNumber(exam, "PastLen()", exam.Get<std::int64_t>(past, 0),
                  Int(kTokens),
                  "it is the position of the next token, however few are held");
  }
}

// --- what is lost ---

struct LossInput {
  Array query;   // [D]
  Array keys;    // [S, D]
  Array values;  // [S, D]
  std::vector<std::size_t> kept;

  std::size_t Tokens() const { return keys.shape[0]; }
  std::size_t Dim() const { return query.shape[0]; }
  bool IsKept(std::size_t s) const {
    return std::ranges::find(kept, s) != kept.end();
  }
};

// o, o', epsilon and the largest |v|, in double.
struct ExactLoss {
  std::vector<double> all;
  std::vector<double> kept;
  double mass = 0;
  double largest = 0;
};

ExactLoss Exactly(const LossInput& input) {
  ExactLoss exact;
  std::vector<double> scores;
  for (std::size_t s = 0; s < input.Tokens(); ++s) {
    double score = 0;
    double square = 0;
    for (std::size_t d = 0; d < input.Dim(); ++d) {
      score += double{input.query.values[d]} *
               double{input.keys.values[s * input.Dim() + d]};
      const double value = input.values.values[s * input.Dim() + d];
      square += value * value;
    }
    scores.push_back(score / std::sqrt(static_cast<double>(input.Dim())));
    exact.largest = std::max(exact.largest, std::sqrt(square));
  }
  const auto attend = [&](bool all) {
    double max = -std::numeric_limits<double>::infinity();
    for (std::size_t s = 0; s < scores.size(); ++s) {
      if (all || input.IsKept(s)) max = std::max(max, scores[s]);
    }
    double sum = 0;
    double dropped = 0;
    std::vector<double> out(input.Dim(), 0);
    for (std::size_t s = 0; s < scores.size(); ++s) {
      if (!all && !input.IsKept(s)) continue;
      const double weight = std::exp(scores[s] - max);
      sum += weight;
      if (!input.IsKept(s)) dropped += weight;
      for (std::size_t d = 0; d < input.Dim(); ++d) {
        out[d] += weight * double{input.values.values[s * input.Dim() + d]};
      }
    }
    for (double& feature : out) feature /= sum > 0 ? sum : 1;
    if (all) exact.mass = dropped / sum;
    return out;
  };
  exact.all = attend(true);
  exact.kept = attend(false);
  return exact;
}

// The answer to evicting.loss.
struct TrialLoss {
  double mass = 0;
  double bound = 0;
  Array mean;
};

TrialLoss AskLoss(Exam& exam, const LossInput& input,
                  const std::string& about) {
  exam.Case(fmt::format("{} of {} of head_dim {}{}", input.kept.size(),
                        Count(input.Tokens(), "key"), input.Dim(), about));
  const Values answer = exam.AskStudent(
      "evicting.loss",
      {input.query, input.keys, input.values, Ints(input.kept)});
  TrialLoss loss = {.mass = exam.Get<double>(answer, 0),
                    .bound = exam.Get<double>(answer, 1),
                    .mean = exam.Get<Array>(answer, 2)};
  if (!std::isfinite(loss.mass) || !std::isfinite(loss.bound)) {
    exam.Fail("mass or bound is not a finite number");
  }
  if (loss.mean.values.size() != input.Dim()) {
    exam.Fail("the mean does not have a number for each feature");
  }
  return loss;
}

void CompareLoss(Exam& exam, const LossInput& input, const std::string& about) {
  const TrialLoss loss = AskLoss(exam, input, about);
  const ExactLoss exact = Exactly(input);
  const double tolerance = exam.Setting("tolerance");
  if (std::abs(loss.mass - exact.mass) > tolerance * exact.mass) {
    exam.Fail(exact.mass < 1e-6
                  ? "the mass of what was dropped is tiny here, and has no "
                    "digits: 1 minus the rest rounds it away; add up what was "
                    "dropped"
                  : "mass is not the probability of what was dropped, among "
                    "all keys");
  }
  for (std::size_t d = 0; d < input.Dim(); ++d) {
    const double mean = loss.mean.values[d];
    const double lost = exact.all[d] - exact.kept[d];
    if (!(std::abs(lost - loss.mass * (mean - exact.kept[d])) <=
          exact.mass * exact.largest * 2 * tolerance + 1e-15)) {
      exam.Fail(
          "o - o' = mass (mean - o') does not hold: the mean is that of "
          "the dropped values, weighted by their probabilities and "
          "divided by their sum");
    }
  }
}

LossInput RandomLoss(Random& random, std::size_t tokens, std::size_t dim) {
  LossInput input = {.query = RandomArray(random, {dim}, 3.0F),
                     .keys = RandomArray(random, {tokens, dim}),
                     .values = RandomArray(random, {tokens, dim}),
                     .kept = {}};
  for (std::size_t s = 0; s < tokens; ++s) {
    if (random.NextBelow(3) != 0) input.kept.push_back(s);
  }
  for (std::size_t i = input.kept.size(); i > 1; --i) {
    std::swap(input.kept[i - 1], input.kept[random.NextBelow(i)]);
  }
  return input;
}

void Losses(Exam& exam) {
  Random& random = exam.Randomness();
  for (int round = 0; round < 20; ++round) {
    CompareLoss(
        exam, RandomLoss(random, Between(random, 2, 40), Between(random, 1, 9)),
        " kept");
  }
  CompareLoss(exam, RandomLoss(random, Between(random, 600, 700), 3), " kept");
  LossInput wide = RandomLoss(random, 20, Between(random, 260, 280));
  for (float& feature : wide.query.values) feature /= 8;
  CompareLoss(exam, wide, " kept");
  // All of the keys, and none.
  LossInput input = RandomLoss(random, 9, 4);
  input.kept = {3, 1, 0, 2, 8, 7, 6, 5, 4};
  CompareLoss(exam, input, " kept");
  input.kept.clear();
  CompareLoss(exam, input, " kept");
  // A mass of 1e-16 and less; and large scores.
  for (const float far : {36.0F, 45.0F, 200.0F}) {
    LossInput tiny = RandomLoss(random, Between(random, 6, 12), 1);
    tiny.query.values = {1};
    for (std::size_t s = 0; s < tiny.Tokens(); ++s) {
      tiny.keys.values[s] += tiny.IsKept(s) ? far : 0.0F;
    }
    if (tiny.kept.empty()) tiny.kept = {0};
    CompareLoss(exam, tiny, " kept, all others with far smaller scores");
  }
  for (const float size : {3000.0F, -3000.0F}) {
    LossInput large = RandomLoss(random, Between(random, 6, 12), 1);
    large.query.values = {1};
    for (float& key : large.keys.values) key += size;
    CompareLoss(exam, large, " kept, scores of thousands");
  }
  LossInput none = RandomLoss(random, 6, 1);
  none.query.values = {1};
  none.kept = {0, 1, 2};
  for (std::size_t s = 0; s < 6; ++s) {
    none.keys.values[s] = s < 3 ? 3000.0F : 0.0F;
  }
  CompareLoss(exam, none, " kept, all others below what a double holds");
}

void Bounds(Exam& exam) {
  Random& random = exam.Randomness();
  const double tolerance = exam.Setting("tolerance");
  const auto compare = [&](const LossInput& input, const std::string& about) {
    const TrialLoss loss = AskLoss(exam, input, about);
    const ExactLoss exact = Exactly(input);
    double square = 0;
    for (std::size_t d = 0; d < input.Dim(); ++d) {
      const double lost = exact.all[d] - exact.kept[d];
      square += lost * lost;
    }
    if (std::sqrt(square) > loss.bound * (1 + tolerance) + 1e-15) {
      exam.Fail("|o - o'| exceeds the bound");
    }
    const double bound = 2 * exact.mass * exact.largest;
    if (std::abs(loss.bound - bound) > tolerance * bound) {
      exam.Fail(fmt::format(
          "the bound is {:.3g} times 2 * mass * the largest |v| of all keys",
          loss.bound / bound));
    }
  };
  for (int round = 0; round < 8; ++round) {
    LossInput input =
        RandomLoss(random, Between(random, 4, 30), Between(random, 1, 9));
    const std::size_t large = random.NextBelow(input.Tokens());
    for (std::size_t d = 0; d < input.Dim(); ++d) {
      input.values.values[large * input.Dim() + d] *= 50;
    }
    if (input.kept.size() == input.Tokens()) input.kept.pop_back();
    compare(input, input.IsKept(large) ? " kept, a large value among them"
                                       : " kept, a large value dropped");
  }
  // Opposite values reach the bound.
  for (int round = 0; round < 4; ++round) {
    LossInput input =
        RandomLoss(random, Between(random, 4, 30), Between(random, 1, 9));
    if (input.kept.empty()) input.kept = {0};
    if (input.kept.size() == input.Tokens()) input.kept.pop_back();
    for (std::size_t s = 1; s < input.Tokens(); ++s) {
      for (std::size_t d = 0; d < input.Dim(); ++d) {
        input.values.values[s * input.Dim() + d] =
            (input.IsKept(s) == input.IsKept(0) ? 1.0F : -1.0F) *
            input.values.values[d];
      }
    }
    compare(input, " kept, whose values are opposite to those dropped");
  }
}

// --- costs and refusals ---

Verdict EvictingMemory(Exam& exam) {
  constexpr ForgetfulSizes kSizes = {
      .batch = 1, .heads = 2, .kv_heads = 2, .tokens = 0, .head_dim = 64};
  constexpr TrialBudget kBudget = {48, 16};
  constexpr std::size_t kCall = 16;
  constexpr std::size_t kCalls = 1500;
  constexpr double kMib = 1 << 20;
  exam.AllAnswerers().student->Restart();
  exam.Case(BudgetText(kBudget));
  const Handle layer = NewLayer(exam, kSizes, kBudget);
  const auto stream = [&](std::size_t calls) {
    return exam.AskStudent("evicting.stream",
                           {layer, RandomSeed(exam.Randomness()), Int(calls),
                            Int(kCall), Int(kSizes.heads)});
  };
  const std::int64_t formula =
      Int(2 * kSizes.kv_heads * kBudget.tokens * kSizes.head_dim * 4);
  stream(8);  // more tokens than the budget has
  const double before = ResidentMib(exam);
  stream(kCalls);
  const double grown = ResidentMib(exam) - before;
  exam.Case(BudgetText(kBudget) + ", after many tokens");
  CompareNumber(
      exam, "Bytes()",
      exam.Get<std::int64_t>(exam.AskStudent("evicting.bytes", {layer}), 0),
      formula);
  for (std::size_t g = 0; g < kSizes.kv_heads; ++g) {
    const Values held =
        exam.AskStudent("evicting.held", {layer, Int(0), Int(g)});
    CompareNumber(exam, "the number of tokens that a head holds",
                  Int(exam.Get<Integers>(held, 0).size()), Int(kBudget.tokens));
  }
  exam.AllAnswerers().student->Restart();
  const double all = 2.0 * kSizes.kv_heads * kCall * kCalls * kSizes.head_dim *
                     sizeof(float) / kMib;
  const std::string measured = fmt::format(
      "{:.1f} MiB more memory after {} tokens; all of their keys and values "
      "would be {:.0f} MiB",
      grown, kCall * kCalls, all);
  const bool constant = grown <= exam.Setting("slack_mib");
  exam.NoteCost(constant);
  exam.Case("");
  if (!constant) {
    exam.Fail("memory grows with the tokens that the cache has been given: " +
              measured + ". What is evicted is gone, not kept elsewhere");
  }
  return {.share = 1, .came_back = "", .measured = measured};
}

void EvictingWork(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialBudget budget = {Between(random, 6, 9), Between(random, 1, 3)};
  const std::size_t tokens = Between(random, 90, 120);
  const ForgetfulInput input =
      RandomForgetfulInput(random, RandomForgetfulSizes(random, tokens));
  const ForgetfulSizes& sizes = input.sizes;
  exam.Case(Describe(input) + "; " + BudgetText(budget));
  const Handle layer = NewLayer(exam, sizes, budget);
  const std::size_t pair = sizes.batch * sizes.heads * 2 * sizes.head_dim;
  std::size_t begin = 0;
  for (const std::size_t piece :
       {std::size_t{3}, tokens - 5, std::size_t{1}, std::size_t{1}}) {
    exam.Case(fmt::format("{}; {}; {} after {}", Describe(input),
                          BudgetText(budget), Count(piece, "token"), begin));
    CountedWork work(exam);
    exam.AskStudent("evicting.attend",
                    TokensQuestion(layer, input, begin, piece));
    const Integers macs = work.Macs();
    std::size_t seen = 0;
    for (std::size_t p = begin; p < begin + piece; ++p) {
      seen += std::min(p + 1, budget.tokens);
    }
    CompareNoOtherWork(exam, macs, WorkKind::kAttention);
    CompareWork(exam, macs, WorkKind::kAttention,
                {.least = pair * seen, .most = pair * seen});
    begin += piece;
  }
}

void EvictingRefusals(Exam& exam) {
  Random& random = exam.Randomness();
  const ForgetfulSizes sizes = {
      .batch = 2, .heads = 4, .kv_heads = 2, .tokens = 12, .head_dim = 5};
  const TrialBudget budget = {4, 2};
  const ClearInput clear =
      RandomClearInput(random, sizes, budget, Padding::kNone);
  const Array right = {.shape = clear.input.queries.shape,
                       .values = clear.right.attended};
  exam.Case(Describe(clear.input) + "; " + BudgetText(budget));
  const Handle layer = NewLayer(exam, sizes, budget);
  const auto array = [&](std::size_t heads, std::size_t tokens,
                         std::size_t head_dim) {
    return RandomArray(random, {2, heads, tokens, head_dim});
  };
  const auto refuse = [&](const Array& queries, const Array& keys,
                          const Array& values, const Integers& left_pad,
                          const std::string& what) {
    exam.Case("");
    exam.ExpectRefusal("evicting.attend",
                       {layer, queries, keys, values, left_pad}, what);
  };
  for (int sequence = 0; sequence < 2; ++sequence) {
    for (std::size_t begin = 0; begin < sizes.tokens; begin += 2) {
      const Array queries = array(4, 2, 5);
      const Array keys = array(2, 2, 5);
      refuse(array(3, 2, 5), keys, keys, {}, "3 query heads on 2");
      refuse(queries, array(4, 2, 5), keys, {}, "keys of 4 heads for 2");
      refuse(queries, keys, array(2, 3, 5), {}, "2 keys and 3 values");
      refuse(queries, keys, keys, {0, 0, 0},
             "left_pad of 3 entries for 2 rows");
      exam.Case(fmt::format("2 tokens after {}, and calls that were refused{}",
                            begin, sequence == 0 ? "" : ", after Reset()"));
      const Values answer = exam.AskStudent(
          "evicting.attend", TokensQuestion(layer, clear.input, begin, 2));
      CompareArrays(exam, exam.Get<Array>(answer, 0),
                    Slice(right, 2, begin, begin + 2), kHeadAxes);
    }
    // Another sequence in the same layer begins at position 0.
    exam.AskStudent("evicting.reset", {layer});
  }
  const LossInput input = RandomLoss(random, 6, 3);
  const auto refuse_loss = [&](const Array& values, const Integers& kept,
                               const std::string& what) {
    exam.Case("");
    exam.ExpectRefusal("evicting.loss", {input.query, input.keys, values, kept},
                       what);
  };
  refuse_loss(input.values, {1, 6}, "keeping key 6 of 6");
  refuse_loss(input.values, {2, 4, 2}, "keeping a key twice");
  refuse_loss(RandomArray(random, {5, 3}), {1}, "6 keys and 5 values");
  refuse_loss(RandomArray(random, {6, 4}), {1}, "values of another head_dim");
}

const RegisterChecks kEvictingChecks({
    AllOrNothing("evicting.victim", {}, Choosing),
    AllOrNothing("evicting.ties", {}, Ties),
    AllOrNothing("evicting.steps", {"tolerance"}, Stepping),
    AllOrNothing("evicting.calls", {"tolerance"}, LongCalls),
    AllOrNothing("evicting.padding", {"tolerance"}, PaddedRows),
    AllOrNothing("evicting.sizes", {"tolerance"}, AllSizes),
    AllOrNothing("evicting.positions", {"tolerance"}, Positions),
    AllOrNothing("evicting.loss", {"tolerance"}, Losses),
    AllOrNothing("evicting.bound", {"tolerance"}, Bounds),
    {"evicting.memory", {"slack_mib"}, EvictingMemory},
    AllOrNothing("evicting.work", {}, EvictingWork),
    AllOrNothing("evicting.refusals", {"tolerance"}, EvictingRefusals),
});

}  // namespace
}  // namespace kvlab::grading
