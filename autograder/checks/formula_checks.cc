// Module 4, tasks 4.1 to 4.5: what memory, work and traffic the formulas give.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "autograder/checks/check_groups.h"
#include "autograder/checks/compare.h"
#include "autograder/checks/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::int64_t kOff = 0;
constexpr std::int64_t kOn = 1;
constexpr std::size_t kLarge = std::size_t{1} << 31U;

// "3.5 times what is right"
std::string Times(std::int64_t actual, std::int64_t expected) {
  return fmt::format(
      "{:.4g} times what is right",
      static_cast<double>(actual) / static_cast<double>(expected));
}

// Both lists of numbers, place by place; `names` are what the places hold.
void CompareEach(Exam& exam, const Answers& answers, std::size_t index,
                 const std::vector<std::string>& names) {
  const Integers& expected = exam.Get<Integers>(answers.reference, index);
  const Integers& actual =
      exam.GetIntegers(answers.student, index, expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (actual[i] == expected[i]) continue;
    const std::string& name = names[i % names.size()];
    if (expected[i] == 0) exam.Fail(fmt::format("{} is not 0", name));
    exam.Fail(fmt::format("{} is {}, {}", name, actual[i],
                          Times(actual[i], expected[i])));
  }
}

void CompareOne(Exam& exam, const std::string& operation,
                const Question& question, const std::string& what,
                const std::string& hint = "") {
  const Answers answers = exam.AskBoth(operation, question);
  CompareNumber(exam, what, exam.Get<std::int64_t>(answers.student, 0),
                exam.Get<std::int64_t>(answers.reference, 0), hint);
}

// --- 4.1 and 4.2 ---

// [layers, heads, kv_heads, head_dim, max_positions, window], grouped heads.
Integers RandomShape(Random& random, std::size_t window) {
  const std::size_t kv_heads = Between(random, 2, 16);
  return Ints({Between(random, 2, 99), kv_heads * Between(random, 2, 8),
               kv_heads, Between(random, 16, 128), Between(random, 3000, 9000),
               window});
}

// [batch, seq_len, bytes_per_element]
Integers RandomUse(Random& random, std::size_t seq_len,
                   std::size_t element_bytes) {
  return Ints({Between(random, 2, 9), seq_len, element_bytes});
}

void CompareBytes(Exam& exam, const Integers& shape, const Integers& use) {
  const Answers answers = exam.AskBoth("memory.bytes", {shape, use});
  const auto actual = exam.Get<std::int64_t>(answers.student, 0);
  const auto expected = exam.Get<std::int64_t>(answers.reference, 0);
  if (actual == expected) return;
  exam.Fail(
      fmt::format("{} bytes came back, {}", actual, Times(actual, expected)));
}

void CompareBreakdown(Exam& exam, const Integers& shape, const Integers& use) {
  const Answers answers = exam.AskBoth("memory.breakdown", {shape, use});
  const std::size_t layers = exam.Get<Integers>(answers.reference, 0).size();
  for (const std::size_t part : {0, 1}) {
    CompareNumber(exam, "the number of layers in the breakdown",
                  Int(exam.Get<Integers>(answers.student, part).size()),
                  Int(layers));
    CompareEach(
        exam, answers, part,
        {part == 0 ? "bytes of a layer's keys" : "bytes of a layer's values"});
  }
}

void BytesOfRandomShapes(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t element_bytes : {4, 2, 1, 2}) {
    exam.Case(
        fmt::format("a random shape with grouped heads, {} bytes per "
                    "element",
                    element_bytes));
    const Integers shape = RandomShape(random, 0);
    const Integers use =
        RandomUse(random, Between(random, 100, 5000), element_bytes);
    CompareBytes(exam, shape, use);
    CompareBreakdown(exam, shape, use);
  }
}

void BytesWithWindow(Exam& exam) {
  Random& random = exam.Randomness();
  for (const bool full : {false, true}) {
    const std::size_t window = Between(random, 200, 400);
    exam.Case(full ? "more tokens than the window keeps"
                   : "fewer tokens than the window keeps");
    const Integers shape = RandomShape(random, window);
    const Integers use = RandomUse(
        random,
        full ? window + Between(random, 1, 500) : Between(random, 1, window),
        2);
    CompareBytes(exam, shape, use);
    CompareBreakdown(exam, shape, use);
  }
}

void BytesOverflow(Exam& exam) {
  exam.Case("a cache of 2^62 bytes, which fit");
  const Integers one = Ints({1, 1, 1, 1, 9, 0});
  const Integers two_layers = Ints({2, 1, 1, 1, 9, 0});
  const Integers use = Ints({kLarge, kLarge / 2, 1});
  CompareBytes(exam, one, use);
  exam.Case("");
  exam.ExpectRefusal("memory.bytes", {one, Ints({kLarge, kLarge, 4})},
                     "a cache of 2^65 bytes");
  // each layer has 2^63
  exam.ExpectRefusal("memory.bytes", {two_layers, Ints({kLarge, kLarge, 1})},
                     "two layers of 2^63 bytes each");
}

// Budgets in which `units` things of unit_bytes fit just, not quite, and with
// something left over.
std::vector<std::int64_t> BudgetsAround(std::int64_t unit_bytes,
                                        std::int64_t units) {
  return {unit_bytes * units, unit_bytes * units - 1,
          unit_bytes * units + unit_bytes / 2, unit_bytes / 2};
}

std::int64_t ReferenceBytes(Exam& exam, const Integers& shape,
                            const Integers& use) {
  return exam.Get<std::int64_t>(exam.AskReference("memory.bytes", {shape, use}),
                                0);
}

void LongestContexts(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t window = Between(random, 200, 400);
  for (const std::size_t kept : {std::size_t{0}, window}) {
    const Integers shape = RandomShape(random, kept);
    const Integers use = RandomUse(random, 1, 2);
    const std::int64_t token_bytes = ReferenceBytes(exam, shape, use);
    const auto compare = [&](std::int64_t budget) {
      CompareOne(exam, "memory.longest_context", {shape, use, budget},
                 "the longest context");
    };
    exam.Case(kept == 0 ? "a budget within the model's positions"
                        : "a budget within the window");
    for (const std::int64_t budget :
         BudgetsAround(token_bytes, Int(Between(random, 2, 199)))) {
      compare(budget);
    }
    exam.Case(kept == 0 ? "a budget beyond the model's positions"
                        : "a budget that the full window fits in");
    compare(token_bytes * (kept == 0 ? shape[4] + 5 : Int(kept)));
  }
}

void LargestBatches(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t window : {0, 100}) {
    const Integers shape = RandomShape(random, window);
    Integers use = Ints({1, Between(random, 101, 900), 2});
    const std::int64_t row_bytes = ReferenceBytes(exam, shape, use);
    use[0] = 77;  // not to be looked at
    exam.Case(window == 0 ? "rows of a random shape"
                          : "rows longer than the window");
    for (const std::int64_t budget :
         BudgetsAround(row_bytes, Int(Between(random, 2, 99)))) {
      CompareOne(exam, "memory.largest_batch", {shape, use, budget},
                 "the largest batch");
    }
  }
}

void BudgetRefusals(Exam& exam) {
  const Integers shape = RandomShape(exam.Randomness(), 0);
  const std::int64_t budget = std::int64_t{1} << 40U;
  CompareOne(exam, "memory.longest_context", {shape, Ints({3, 1, 2}), budget},
             "the longest context");
  CompareOne(exam, "memory.largest_batch", {shape, Ints({1, 99, 2}), budget},
             "the largest batch");
  exam.ExpectRefusal("memory.longest_context", {shape, Ints({0, 1, 2}), budget},
                     "the longest context of no rows");
  exam.ExpectRefusal("memory.largest_batch", {shape, Ints({1, 0, 2}), budget},
                     "the largest batch of no tokens");
}

// --- 4.3 ---

void ListOfPasses(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::int64_t caching : {kOff, kOn}) {
    exam.Case(caching == kOn ? "with a cache" : "without a cache");
    const Integers generation = Ints(
        {Between(random, 2, 5), Between(random, 3, 9), Between(random, 4, 8)});
    const Answers answers = exam.AskBoth("cost.passes", {generation, caching});
    CompareNumber(exam, "the number of passes",
                  Int(exam.Get<Integers>(answers.student, 0).size() / 4),
                  Int(exam.Get<Integers>(answers.reference, 0).size() / 4),
                  "there is one for each new token");
    CompareEach(exam, answers, 0,
                {"the batch of a pass", "past_len of a pass",
                 "new_len of a pass", "caching of a pass"});
  }
  exam.Case("");
  exam.ExpectRefusal("cost.passes", {Ints({1, 0, 3}), kOn},
                     "a generation without a prompt");
}

// --- 4.4 and 4.5 ---

const std::vector<std::string>& Categories() {
  static const std::vector<std::string> names = {
      "work of qkv", "work of attention", "work of projection", "work of mlp",
      "work of the head"};
  return names;
}

const std::vector<std::string>& Directions() {
  static const std::vector<std::string> names = {"bytes of weights",
                                                 "bytes read from the cache",
                                                 "bytes written to the cache"};
  return names;
}

// [layers, heads, d_model, d_mlp, max_positions, vocab_size]; d_mlp is not
// 4 d_model.
Integers RandomConfig(Random& random) {
  const std::size_t heads = Between(random, 2, 12);
  const std::size_t d_model = heads * Between(random, 8, 64);
  return Ints({Between(random, 2, 40), heads, d_model,
               3 * d_model + Between(random, 1, 50), 4000,
               Between(random, 500, 50000)});
}

struct TrialPass {
  const char* about;
  Integers numbers;  // [batch, past_len, new_len, caching]
};

std::vector<TrialPass> RandomPasses(Random& random) {
  const auto batch = [&] { return Between(random, 2, 9); };
  return {{"a full pass without a cache",
           Ints({batch(), 0, Between(random, 20, 900), 0})},
          {"a prefill", Ints({batch(), 0, Between(random, 20, 900), 1})},
          {"a chunk behind a past", Ints({batch(), Between(random, 20, 900),
                                          Between(random, 2, 19), 1})},
          {"a step", Ints({batch(), Between(random, 20, 900), 1, 1})}};
}

void WorkOfPasses(Exam& exam) {
  for (const TrialPass& pass : RandomPasses(exam.Randomness())) {
    exam.Case(pass.about);
    CompareEach(exam,
                exam.AskBoth("cost.pass_work",
                             {RandomConfig(exam.Randomness()), pass.numbers}),
                0, Categories());
  }
}

// `more` is what the question asks for behind the generation, if anything.
void CompareGenerations(Exam& exam, const std::string& operation,
                        const std::vector<std::string>& names,
                        const Question& more) {
  Random& random = exam.Randomness();
  for (const std::int64_t caching : {kOff, kOn}) {
    exam.Case(caching == kOn ? "a generation with a cache"
                             : "a generation without a cache");
    const Integers generation =
        Ints({Between(random, 2, 9), Between(random, 5, 90),
              Between(random, 20, 200)});
    Question asked = {RandomConfig(random), generation, caching};
    asked.insert(asked.end(), more.begin(), more.end());
    CompareEach(exam, exam.AskBoth(operation, asked), 0, names);
  }
}

void WorkOfGenerations(Exam& exam) {
  CompareGenerations(exam, "cost.generation_work", Categories(), {});
}

// `bytes` is what the question asks for behind the pass, if anything.
void CompareRefusals(Exam& exam, const std::string& operation,
                     const std::vector<std::string>& names,
                     const Question& bytes) {
  const Integers config = RandomConfig(exam.Randomness());
  const auto question = [&](const Integers& of, const Integers& pass) {
    Question asked = {of, pass};
    asked.insert(asked.end(), bytes.begin(), bytes.end());
    return asked;
  };
  exam.Case("a step behind a past, which is right");
  CompareEach(exam,
              exam.AskBoth(operation, question(config, Ints({3, 5, 1, 1}))), 0,
              names);
  exam.Case("");
  exam.ExpectRefusal(operation, question(config, Ints({3, 5, 1, 0})),
                     "a past without a cache");
  exam.ExpectRefusal(
      operation,
      question(Ints({kLarge, 1, kLarge, kLarge, 9, 9}), Ints({1, 0, 1, 1})),
      "a model of more than 2^90 weights");
}

void WorkRefusals(Exam& exam) {
  CompareRefusals(exam, "cost.pass_work", Categories(), {});
}

void TrafficOfPasses(Exam& exam) {
  Random& random = exam.Randomness();
  for (const TrialPass& pass : RandomPasses(random)) {
    for (const std::size_t weight_bytes : {2, 4}) {
      exam.Case(
          fmt::format("{}, {} bytes per weight", pass.about, weight_bytes));
      CompareEach(
          exam,
          exam.AskBoth("cost.pass_traffic",
                       {RandomConfig(random), pass.numbers, Int(weight_bytes)}),
          0, Directions());
    }
  }
}

void TrafficOfGenerations(Exam& exam) {
  CompareGenerations(exam, "cost.generation_traffic", Directions(),
                     {std::int64_t{2}});
}

void TrafficRefusals(Exam& exam) {
  CompareRefusals(exam, "cost.pass_traffic", Directions(), {std::int64_t{2}});
}

}  // namespace

Checks FormulaChecks() {
  return {
      AllOrNothing("memory.shapes", {}, BytesOfRandomShapes),
      AllOrNothing("memory.window", {}, BytesWithWindow),
      AllOrNothing("memory.overflow", {}, BytesOverflow),
      AllOrNothing("memory.longest_context", {}, LongestContexts),
      AllOrNothing("memory.largest_batch", {}, LargestBatches),
      AllOrNothing("memory.refusals", {}, BudgetRefusals),
      AllOrNothing("cost.passes", {}, ListOfPasses),
      AllOrNothing("cost.pass_work", {}, WorkOfPasses),
      AllOrNothing("cost.generation_work", {}, WorkOfGenerations),
      AllOrNothing("cost.work_refusals", {}, WorkRefusals),
      AllOrNothing("cost.pass_traffic", {}, TrafficOfPasses),
      AllOrNothing("cost.generation_traffic", {}, TrafficOfGenerations),
      AllOrNothing("cost.traffic_refusals", {}, TrafficRefusals),
  };
}

}  // namespace kvlab::grading
