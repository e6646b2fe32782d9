// Module 4, tasks 4.1 to 4.5: what memory, work and traffic the formulas give.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::int64_t kOff = 0;
constexpr std::int64_t kOn = 1;
constexpr std::size_t kLarge = std::size_t{1} << 31U;

// Numbers of 64 bits travel as signed ones.
std::uint64_t Unsigned(std::int64_t number) {
  return static_cast<std::uint64_t>(number);
}

// "3.5 times what is right"; of a large number that is nearly right by how much
// it is off, since 0.99999 times says nothing.
std::string Times(std::int64_t actual, std::int64_t expected) {
  const std::uint64_t is = Unsigned(actual);
  const std::uint64_t right = Unsigned(expected);
  const std::uint64_t off = is < right ? right - is : is - right;
  if (right > 100 && (off <= 9 || off <= right / 1000)) {
    return fmt::format("{} too {}", off, is < right ? "small" : "large");
  }
  return fmt::format("{:.4g} times what is right",
                     static_cast<double>(is) / static_cast<double>(right));
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
    if (expected[i] == 0) {
      exam.Fail(
          fmt::format("{} is {}, and must be 0", name, Unsigned(actual[i])));
    }
    exam.Fail(fmt::format("{} is {}, {}", name, Unsigned(actual[i]),
                          Times(actual[i], expected[i])));
  }
}

// The only number of both answers.
void CompareCount(Exam& exam, const std::string& what, const Answers& answers) {
  const auto actual = exam.Get<std::int64_t>(answers.student, 0);
  const auto expected = exam.Get<std::int64_t>(answers.reference, 0);
  if (actual == expected) return;
  exam.Fail(
      fmt::format("{} is {}, {}", what, Unsigned(actual),
                  expected == 0 ? "and must be 0" : Times(actual, expected)));
}

// --- 4.1 and 4.2 ---

// [layers, heads, kv_heads, head_dim, max_positions, window], grouped heads.
Integers RandomShape(Random& random, std::size_t window) {
  const std::size_t kv_heads = Between(random, 2, 16);
  return Ints({Between(random, 2, 99), kv_heads * Between(random, 2, 8),
               kv_heads, Between(random, 16, 128), Between(random, 3000, 9000),
               window});
}

// The same with every size beyond what 8 bits count.
Integers LargeShape(Random& random, std::size_t window) {
  const std::size_t kv_heads = Between(random, 260, 299);
  return Ints({Between(random, 300, 399), 2 * kv_heads, kv_heads,
               Between(random, 400, 499), Between(random, 3000, 9000), window});
}

// [batch, seq_len, bytes_per_element]
Integers RandomUse(Random& random, std::size_t seq_len,
                   std::size_t element_bytes) {
  const std::size_t batch =
      element_bytes > 8 ? Between(random, 260, 299) : Between(random, 2, 9);
  return Ints({batch, seq_len, element_bytes});
}

void CompareBytes(Exam& exam, const Integers& shape, const Integers& use) {
  const Answers answers = exam.AskBoth("memory.bytes", {shape, use});
  const auto actual = exam.Get<std::int64_t>(answers.student, 0);
  const auto expected = exam.Get<std::int64_t>(answers.reference, 0);
  if (actual == expected) return;
  exam.Fail(fmt::format(
      "{} bytes came back, {}", Unsigned(actual),
      expected == 0 ? "where 0 are held" : Times(actual, expected)));
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

// Also of more tokens than the model has positions: what is held is held.
void BytesOfRandomShapes(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t element_bytes : {4, 2, 1, 8, 2, 300}) {
    exam.Case(fmt::format("a random shape with grouped heads, {} per element",
                          Count(element_bytes, "byte")));
    const Integers shape =
        element_bytes > 8 ? LargeShape(random, 0) : RandomShape(random, 0);
    const Integers use =
        RandomUse(random, Between(random, 100, 20000), element_bytes);
    CompareBytes(exam, shape, use);
    CompareBreakdown(exam, shape, use);
  }
}

// Fewer tokens than the window keeps, exactly as many, one more and many more,
// in windows shorter and longer than the model's positions.
void BytesWithWindow(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t window :
       {std::size_t{1}, Between(random, 200, 400), std::size_t{100000}}) {
    for (const std::size_t element_bytes : {2, 1, 4, 300}) {
      for (const std::size_t seq_len :
           {Between(random, 1, window), window, window + 1,
            window + Between(random, 2, 500)}) {
        exam.Case(seq_len < window    ? "fewer tokens than the window keeps"
                  : seq_len == window ? "exactly the tokens of a full window"
                                      : "more tokens than the window keeps");
        const Integers shape = element_bytes > 8 ? LargeShape(random, window)
                                                 : RandomShape(random, window);
        const Integers use = RandomUse(random, seq_len, element_bytes);
        CompareBytes(exam, shape, use);
        CompareBreakdown(exam, shape, use);
      }
    }
  }
}

// Shapes and uses in which every size is 1 but one.
constexpr std::array<const char*, 6> kSizes = {
    "layers", "key/value heads", "lanes of a head",
    "rows",   "tokens",          "bytes per element"};

Question OnesBut(std::size_t which, std::size_t size) {
  Integers shape = Ints({1, 1, 1, 1, 9, 0});
  Integers use = Ints({1, 1, 1});
  constexpr std::array<std::size_t, 3> kInShape = {0, 2, 3};
  (which < 3 ? shape[kInShape.at(which)] : use[which - 3]) = Int(size);
  return {shape, use};
}

// Each size alone, around and beyond what 31, 32 and 53 bits hold.
void BytesBeyond32Bits(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t which = 0; which < kSizes.size(); ++which) {
    for (const unsigned bits : {8U, 16U, 31U, 32U, 40U, 53U, 62U}) {
      const std::size_t size =
          (std::size_t{1} << bits) + 1 + 2 * random.NextBelow(100);
      exam.Case(fmt::format("a cache of 2^{} {}", bits, kSizes.at(which)));
      const Answers answers =
          exam.AskBoth("memory.bytes", OnesBut(which, size));
      CompareCount(exam, "the number of bytes", answers);
    }
  }
}

void BytesOverflow(Exam& exam) {
  const std::size_t half = std::size_t{1} << 63U;
  exam.Case("a cache of 2^62 bytes, which fit");
  const Integers one = Ints({1, 1, 1, 1, 9, 0});
  const Integers two_layers = Ints({2, 1, 1, 1, 9, 0});
  CompareBytes(exam, one, Ints({kLarge, kLarge / 2, 1}));
  exam.Case("a cache of 2^64 - 2 bytes, which fit");
  CompareBytes(exam, one, Ints({half - 1, 1, 1}));
  exam.Case("");
  exam.ExpectRefusal("memory.bytes", {one, Ints({half, 1, 1})},
                     "a cache of 2^64 bytes");
  exam.ExpectRefusal("memory.breakdown", {one, Ints({half, 1, 1})},
                     "the breakdown of a layer of 2^64 bytes");
  exam.ExpectRefusal("memory.bytes", {one, Ints({kLarge, kLarge, 4})},
                     "a cache of 2^65 bytes");
  // each layer has 2^63
  exam.ExpectRefusal("memory.bytes", {two_layers, Ints({kLarge, kLarge, 1})},
                     "two layers of 2^63 bytes each");
}

// Budgets in which `units` things of unit_bytes fit just, not quite, and with
// something left over; and one for nothing at all.
std::vector<std::int64_t> BudgetsAround(std::int64_t unit_bytes,
                                        std::int64_t units) {
  return {unit_bytes * units, unit_bytes * units - 1,
          unit_bytes * units + unit_bytes / 2, unit_bytes / 2, 0};
}

std::int64_t ReferenceBytes(Exam& exam, const Integers& shape,
                            const Integers& use) {
  return exam.Get<std::int64_t>(exam.AskReference("memory.bytes", {shape, use}),
                                0);
}

void LongestContexts(Exam& exam) {
  Random& random = exam.Randomness();
  // None, shorter than the positions, as long, and longer
  const auto positions = [](const Integers& shape) { return shape[4]; };
  for (const std::size_t kind : {0, 1, 2, 3, 4}) {
    const bool large = kind == 4;  // every size
    Integers shape = large ? LargeShape(random, 0) : RandomShape(random, 0);
    const std::int64_t window =
        kind == 0   ? 0
        : kind == 1 ? Int(Between(random, 200, 400))
        : kind == 2 ? positions(shape)
                    : positions(shape) + Int(Between(random, 100, 900));
    shape[5] = window;
    const Integers use =
        RandomUse(random, Between(random, 1, 9999),
                  large ? 300 : std::size_t{kind == 1 ? 1U : 2U});
    Integers one_token = use;
    one_token[1] = 1;
    const std::int64_t token_bytes = ReferenceBytes(exam, shape, one_token);
    const auto compare = [&](std::int64_t budget, const std::string& about) {
      exam.Case(about);
      CompareCount(
          exam, "the longest context",
          exam.AskBoth("memory.longest_context", {shape, use, budget}));
    };
    for (const std::int64_t budget :
         BudgetsAround(token_bytes, Int(Between(random, 2, 199)))) {
      compare(budget, window == 0 ? "a budget within the model's positions"
                                  : "a budget within the window");
    }
    if (kind == 1) {
      compare(token_bytes * window, "a budget that the full window fits in");
      compare(token_bytes * window - 1,
              "a budget one byte too small for the full window");
    }
    for (const std::int64_t more : {-1, 0, 5}) {
      compare(token_bytes * (positions(shape) + more),
              kind == 3
                  ? "a window longer than the model's positions, a budget "
                    "around these positions"
                  : "a budget around the model's positions");
    }
  }
}

void LargestBatches(Exam& exam) {
  Random& random = exam.Randomness();
  for (const bool large : {false, true}) {  // every size beyond 8 bits
    for (const std::size_t window : {0, 100, 5000, 300}) {
      const Integers shape =
          large ? LargeShape(random, window) : RandomShape(random, window);
      Integers use = Ints({1, Between(random, 301, 900),
                           large ? 270 : std::size_t{window == 0 ? 1U : 2U}});
      const std::int64_t row_bytes = ReferenceBytes(exam, shape, use);
      use[0] = window == 0 ? 0 : 77;  // is ignored
      exam.Case(window == 0     ? "rows of a random shape"
                : window < 1000 ? "rows longer than the window"
                                : "rows shorter than the window");
      for (const std::int64_t budget :
           BudgetsAround(row_bytes, Int(Between(random, 2, 99)))) {
        CompareCount(
            exam, "the largest batch",
            exam.AskBoth("memory.largest_batch", {shape, use, budget}));
      }
    }
  }
}

// A byte for a key and one for a value of each token: half of the budget fits.
void BudgetsBeyond32Bits(Exam& exam) {
  Random& random = exam.Randomness();
  for (const unsigned bits : {31U, 32U, 40U, 53U, 61U}) {
    const std::size_t tokens =
        (std::size_t{1} << bits) + random.NextBelow(1000);
    const Integers use = Ints({1, 1, 1});
    for (const std::size_t window : {std::size_t{0}, tokens}) {
      Integers shape = Ints({1, 1, 1, 1, std::size_t{1} << 62U, window});
      for (const std::int64_t less : {0, 1}) {
        exam.Case(fmt::format("a budget for about 2^{} tokens{}", bits,
                              window == 0 ? "" : ", a window of as many"));
        CompareCount(exam, "the longest context",
                     exam.AskBoth("memory.longest_context",
                                  {shape, use, 2 * Int(tokens) - less}));
      }
      exam.Case(fmt::format("a budget for about 2^{} rows", bits));
      CompareCount(
          exam, "the largest batch",
          exam.AskBoth("memory.largest_batch", {shape, use, 2 * Int(tokens)}));
    }
  }
  exam.Case("a budget of 2^64 - 1 bytes");
  const Question all = {Ints({1, 1, 1, 1, 9, 0}), Ints({1, 1, 1}),
                        std::int64_t{-1}};
  CompareCount(exam, "the longest context",
               exam.AskBoth("memory.longest_context", all));
  CompareCount(exam, "the largest batch",
               exam.AskBoth("memory.largest_batch", all));
  exam.Case("a model of 2^40 layers");
  const Integers deep = Ints({std::size_t{1} << 40U, 1, 1, 1, 99, 0});
  const std::int64_t budget = std::int64_t{7} << 41U;
  CompareCount(
      exam, "the longest context",
      exam.AskBoth("memory.longest_context", {deep, Ints({1, 1, 1}), budget}));
  exam.Case("");
  exam.ExpectRefusal("memory.longest_context",
                     {deep, Ints({std::size_t{1} << 40U, 1, 1}), budget},
                     "a token of 2^81 bytes");
}

void BudgetRefusals(Exam& exam) {
  const Integers shape = RandomShape(exam.Randomness(), 0);
  const std::int64_t budget = std::int64_t{1} << 40U;
  const Value as_value(budget);
  exam.Case("sizes that are all there");
  CompareCount(
      exam, "the longest context",
      exam.AskBoth("memory.longest_context", {shape, Ints({3, 0, 2}), budget}));
  CompareCount(
      exam, "the largest batch",
      exam.AskBoth("memory.largest_batch", {shape, Ints({0, 99, 2}), budget}));
  exam.Case("");
  exam.ExpectRefusal("memory.longest_context", {shape, Ints({0, 1, 2}), budget},
                     "the longest context of no rows");
  exam.ExpectRefusal("memory.largest_batch", {shape, Ints({1, 0, 2}), budget},
                     "the largest batch of no tokens");
  for (const char* operation :
       {"memory.longest_context", "memory.largest_batch"}) {
    for (const std::size_t which : {0, 1, 2, 5}) {
      Question question = OnesBut(which, 0);
      question.emplace_back(as_value);
      exam.ExpectRefusal(operation, question,
                         fmt::format("a budget for 0 {}", kSizes.at(which)));
    }
  }
}

// --- 4.3 ---

void ComparePasses(Exam& exam, const Integers& generation,
                   std::int64_t caching) {
  const Answers answers = exam.AskBoth("cost.passes", {generation, caching});
  CompareNumber(exam, "the number of passes",
                Int(exam.Get<Integers>(answers.student, 0).size() / 4),
                Int(exam.Get<Integers>(answers.reference, 0).size() / 4),
                "there is one for each new token");
  CompareEach(exam, answers, 0,
              {"the batch of a pass", "past_len of a pass", "new_len of a pass",
               "caching of a pass"});
}

// Short lists and long ones, prompts of one token and of more than 2^32.
void ListOfPasses(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::int64_t caching : {kOff, kOn}) {
    for (const std::size_t new_tokens :
         {std::size_t{0}, std::size_t{1}, Between(random, 4, 8),
          Between(random, 17, 40), Between(random, 257, 400)}) {
      for (const std::size_t prompt_len :
           {std::size_t{1}, Between(random, 3, 900),
            (std::size_t{1} << 32U) + random.NextBelow(99)}) {
        exam.Case(fmt::format(
            "{} after a prompt of {} {}", Count(new_tokens, "new token"),
            prompt_len < 1000 ? Count(prompt_len, "token")
                              : "more than 2^32 tokens",
            caching == kOn ? "with a cache" : "without a cache"));
        for (const std::size_t batch :
             {Between(random, 1, 5), Between(random, 260, 400)}) {
          ComparePasses(exam, Ints({batch, prompt_len, new_tokens}), caching);
        }
      }
    }
  }
}

void PassRefusals(Exam& exam) {
  const std::size_t longest = ~std::size_t{0};
  for (const std::int64_t caching : {kOff, kOn}) {
    exam.Case("one pass over 2^64 - 1 tokens");
    ComparePasses(exam, Ints({1, longest, 1}), caching);
    exam.Case(caching == kOn ? "with a cache" : "without a cache");
    exam.ExpectRefusal("cost.passes", {Ints({1, 0, 3}), caching},
                       "a generation without a prompt");
    exam.ExpectRefusal("cost.passes", {Ints({1, longest, 2}), caching},
                       "a pass over 2^64 tokens");
  }
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

// The same with every size beyond what 8 bits count.
Integers WideConfig(Random& random) {
  const std::size_t heads = Between(random, 260, 299);
  const std::size_t d_model = heads * Between(random, 2, 4);
  return Ints({Between(random, 300, 399), heads, d_model,
               3 * d_model + Between(random, 1, 50), 4000,
               Between(random, 500, 50000)});
}

// A model in which everything is 1 but the place that is huge.
Integers OneHugeSize(std::size_t place, std::size_t size) {
  Integers config = Ints({1, 1, 1, 1, 9, 1});
  config[place] = Int(size);
  return config;
}

struct TrialPass {
  const char* about;
  Integers numbers;  // [batch, past_len, new_len, caching]
};

std::vector<TrialPass> RandomPasses(Random& random) {
  const auto batch = [&] { return Between(random, 2, 9); };
  return {
      {"a full pass without a cache",
       Ints({batch(), 0, Between(random, 20, 900), 0})},
      {"a full pass over one token", Ints({batch(), 0, 1, 0})},
      {"a prefill", Ints({batch(), 0, Between(random, 20, 900), 1})},
      {"a chunk after a past",
       Ints({batch(), Between(random, 20, 900), Between(random, 2, 19), 1})},
      {"a long chunk after a short past",
       Ints({batch(), Between(random, 1, 9), Between(random, 300, 900), 1})},
      {"a step", Ints({batch(), Between(random, 20, 900), 1, 1})},
      {"a step of a single row", Ints({1, Between(random, 1, 900), 1, 1})},
      {"a chunk of hundreds of rows",
       Ints({Between(random, 260, 400), Between(random, 260, 400),
             Between(random, 260, 400), 1})},
      {"a full pass of hundreds of rows",
       Ints({Between(random, 260, 400), 0, Between(random, 260, 400), 0})},
      {"a step after 2^33 tokens",
       Ints({batch(), (std::size_t{1} << 33U) + random.NextBelow(99), 1, 1})},
      {"a step of 2^33 rows",
       Ints({(std::size_t{1} << 33U) + random.NextBelow(99),
             Between(random, 1, 9), 1, 1})}};
}

// A size of the model that exceeds 32 bits, all others small.
struct TrialConfig {
  const char* about;
  std::size_t place;  // as in RandomConfig
};
constexpr std::array<TrialConfig, 3> kLargeConfigs = {
    {{"2^34 layers", 0},
     {"an MLP of 2^34 features", 3},
     {"a vocabulary of 2^34", 5}}};

Integers LargeConfig(Random& random, std::size_t place) {
  Integers config = Ints({3, 2, 10, 37, 4000, 700});
  config[place] = (std::int64_t{1} << 34U) + Int(random.NextBelow(99));
  return config;
}

// Random models at all passes, then large ones at a step. `more` is what the
// question asks for after the pass, if anything.
void ComparePassCosts(Exam& exam, const std::string& operation,
                      const std::vector<std::string>& names,
                      const Question& more) {
  Random& random = exam.Randomness();
  const auto compare = [&](const Integers& config, const Integers& pass) {
    Question asked = {config, pass};
    asked.insert(asked.end(), more.begin(), more.end());
    CompareEach(exam, exam.AskBoth(operation, asked), 0, names);
  };
  for (const TrialPass& pass : RandomPasses(random)) {
    exam.Case(pass.about);
    compare(RandomConfig(random), pass.numbers);
    // A large model and 2^33 rows or tokens do not fit 64 bits together.
    if (std::ranges::max(pass.numbers) > 1000) continue;
    exam.Case(fmt::format("{}, in a model of hundreds of heads and layers",
                          pass.about));
    compare(WideConfig(random), pass.numbers);
  }
  for (const TrialConfig& large : kLargeConfigs) {
    exam.Case(fmt::format("a step of a model with {}", large.about));
    compare(LargeConfig(random, large.place), Ints({5, 8, 1, 1}));
  }
}

void WorkOfPasses(Exam& exam) {
  ComparePassCosts(exam, "cost.pass_work", Categories(), {});
}

// `more` is what the question asks for after the generation, if anything.
void CompareGenerations(Exam& exam, const std::string& operation,
                        const std::vector<std::string>& names,
                        const Question& more) {
  Random& random = exam.Randomness();
  for (const std::int64_t caching : {kOff, kOn}) {
    for (const std::size_t new_tokens :
         {std::size_t{0}, std::size_t{1}, std::size_t{2},
          Between(random, 20, 200), Between(random, 257, 300)}) {
      exam.Case(
          fmt::format("a generation of {} {}", Count(new_tokens, "new token"),
                      caching == kOn ? "with a cache" : "without a cache"));
      const Integers generation =
          Ints({Between(random, 1, 9), Between(random, 1, 90), new_tokens});
      const Integers large = Ints(
          {Between(random, 260, 400), Between(random, 260, 400), new_tokens});
      for (Question asked :
           {Question{RandomConfig(random), generation, caching},
            Question{WideConfig(random), large, caching}}) {
        asked.insert(asked.end(), more.begin(), more.end());
        CompareEach(exam, exam.AskBoth(operation, asked), 0, names);
      }
    }
  }
}

void WorkOfGenerations(Exam& exam) {
  CompareGenerations(exam, "cost.generation_work", Categories(), {});
}

// `bytes` is what the question asks for after the pass, if anything.
void CompareRefusals(Exam& exam, const std::string& operation,
                     const std::vector<std::string>& names,
                     const Question& bytes) {
  const Integers config = RandomConfig(exam.Randomness());
  const auto question = [&](const Integers& of, const Integers& pass) {
    Question asked = {of, pass};
    asked.insert(asked.end(), bytes.begin(), bytes.end());
    return asked;
  };
  exam.Case("a step after a past, which is right");
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

// Each fits once, and not as often as the last column says: by a pass of so
// many rows, or by so many passes.
void CategoriesThatDoNotFit(Exam& exam) {
  const auto power = [](unsigned bits) { return std::size_t{1} << bits; };
  struct Case {
    const char* what;
    Integers config;
    std::size_t fits;
    std::size_t too_many;
  };
  for (const Case& each :
       {Case{"queries, keys and values", OneHugeSize(2, power(31)), 1, 2},
        Case{"an MLP", OneHugeSize(3, power(61)), 3, 4},
        Case{"a head", OneHugeSize(5, power(62)), 3, 4},
        Case{"an MLP of many layers", Ints({power(31), 1, 1, power(31), 9, 1}),
             1, 2}}) {
    exam.Case(fmt::format("the work of {} that fits", each.what));
    CompareEach(exam,
                exam.AskBoth("cost.pass_work",
                             {each.config, Ints({each.fits, 5, 1, 1})}),
                0, Categories());
    exam.Case("");
    exam.ExpectRefusal(
        "cost.pass_work", {each.config, Ints({each.too_many, 5, 1, 1})},
        fmt::format("a pass whose work of {} is 2^64 or more", each.what));
    exam.ExpectRefusal(
        "cost.generation_work", {each.config, Ints({1, 1, each.too_many}), kOn},
        fmt::format("a generation whose work of {} adds up to 2^64 or more",
                    each.what));
  }
  exam.ExpectRefusal("cost.pass_work",
                     {Ints({1, 1, 1, 1, 9, 1}), Ints({1, 0, power(32), 0})},
                     "a pass whose attention takes 2^65 products");
}

void WorkRefusals(Exam& exam) {
  CompareRefusals(exam, "cost.pass_work", Categories(), {});
  CategoriesThatDoNotFit(exam);
}

void TrafficOfPasses(Exam& exam) {
  for (const std::size_t weight_bytes : {2, 4, 1, 300}) {
    ComparePassCosts(exam, "cost.pass_traffic", Directions(),
                     {Int(weight_bytes)});
  }
  exam.Case("2^62 rows without a cache");
  CompareEach(
      exam,
      exam.AskBoth("cost.pass_traffic",
                   {RandomConfig(exam.Randomness()),
                    Ints({std::size_t{1} << 62U, 0, 99, 0}), std::int64_t{2}}),
      0, Directions());
}

void TrafficOfGenerations(Exam& exam) {
  for (const std::size_t weight_bytes : {2, 1, 300}) {
    CompareGenerations(exam, "cost.generation_traffic", Directions(),
                       {Int(weight_bytes)});
  }
  exam.Case("three passes over a head of 2^62 bytes, which fit");
  CompareEach(exam,
              exam.AskBoth("cost.generation_traffic",
                           {OneHugeSize(5, std::size_t{1} << 61U),
                            Ints({1, 1, 3}), kOff, std::int64_t{2}}),
              0, Directions());
}

void TrafficRefusals(Exam& exam) {
  CompareRefusals(exam, "cost.pass_traffic", Directions(), {std::int64_t{2}});
  const auto power = [](unsigned bits) { return std::size_t{1} << bits; };
  exam.ExpectRefusal(
      "cost.generation_traffic",
      {OneHugeSize(5, power(61)), Ints({1, 1, 4}), kOff, std::int64_t{2}},
      "four passes over a head of 2^62 bytes");
  exam.ExpectRefusal(
      "cost.pass_traffic",
      {OneHugeSize(5, 1), Ints({1, 0, power(60), 1}), std::int64_t{2}},
      "2^63 bytes read and 2^63 written by one pass");
}

const RegisterChecks kFormulaChecks({
    AllOrNothing("memory.shapes", {}, BytesOfRandomShapes),
    AllOrNothing("memory.window", {}, BytesWithWindow),
    AllOrNothing("memory.large", {}, BytesBeyond32Bits),
    AllOrNothing("memory.overflow", {}, BytesOverflow),
    AllOrNothing("memory.longest_context", {}, LongestContexts),
    AllOrNothing("memory.largest_batch", {}, LargestBatches),
    AllOrNothing("memory.large_budgets", {}, BudgetsBeyond32Bits),
    AllOrNothing("memory.refusals", {}, BudgetRefusals),
    AllOrNothing("cost.passes", {}, ListOfPasses),
    AllOrNothing("cost.pass_refusals", {}, PassRefusals),
    AllOrNothing("cost.pass_work", {}, WorkOfPasses),
    AllOrNothing("cost.generation_work", {}, WorkOfGenerations),
    AllOrNothing("cost.work_refusals", {}, WorkRefusals),
    AllOrNothing("cost.pass_traffic", {}, TrafficOfPasses),
    AllOrNothing("cost.generation_traffic", {}, TrafficOfGenerations),
    AllOrNothing("cost.traffic_refusals", {}, TrafficRefusals),
});

}  // namespace

}  // namespace kvlab::grading
