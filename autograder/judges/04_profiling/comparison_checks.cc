// Module 4, tasks 4.7 and 4.8: medians, and a comparison of trials that the
// checker has made up.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// --- 4.7 ---

constexpr std::array<const char*, 3> kSpread = {"first quartile", "median",
                                                "third quartile"};

// What a wrong number of a spread is: the right one of values that were not
// sorted, or one of the values where the place is between two.
std::string RecogniseSpread(const std::vector<float>& values, std::size_t part,
                            double wrong) {
  const double place =
      static_cast<double>((part + 1) * (values.size() - 1)) / 4;
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  const double unsorted =
      values[below] + (place - std::floor(place)) *
                          (double{values[above]} - double{values[below]});
  if (std::abs(wrong - unsorted) <= 1e-9 * std::abs(unsorted)) {
    return "it is that of the values as they came, which were not sorted";
  }
  if (place == std::floor(place) ||
      std::ranges::find(values, static_cast<float>(wrong)) == values.end()) {
    return "";
  }
  return "it is one of the values, and its place is between two of them: the "
         "header interpolates";
}

void CompareSpread(Exam& exam, const std::vector<float>& values) {
  const Answers answers = exam.AskBoth("summarise.spread", {ArrayOf(values)});
  for (std::size_t part = 0; part < kSpread.size(); ++part) {
    CompareDoubles(
        exam, answers, part, fmt::format("the {}", kSpread[part]),
        [&](double wrong) { return RecogniseSpread(values, part, wrong); });
  }
}

// From one number to hundreds, all remainders by 4, with and without equal
// ones, of either sign.
void Spreads(Exam& exam) {
  Random& random = exam.Randomness();
  std::vector<std::size_t> counts = {7, 8, 9, 10, 1, 2, 3, 4, 5, 6};
  for (std::size_t i = 0; i < 4; ++i) counts.push_back(4 * 16 + i + 1);
  counts.push_back(Between(random, 257, 400));
  for (const std::size_t count : counts) {
    std::vector<float> values;
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(random.NextUniform(1, 100));
    }
    exam.Case(fmt::format("{} out of order", Count(count, "number")));
    CompareSpread(exam, values);
    for (float& value : values) value = std::floor(value / 20) - 3;
    exam.Case(fmt::format("{} of which some are equal, some negative",
                          Count(count, "number")));
    CompareSpread(exam, values);
  }
  exam.Case("");
  exam.ExpectRefusal("summarise.spread", {ArrayOf({})},
                     "the spread of nothing");
  constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& values :
       {std::vector<float>{1, kNotANumber, 2},
        {kNotANumber, 1, 2},
        {1, 2, 3, 4, kNotANumber}}) {
    exam.ExpectRefusal("summarise.spread", {ArrayOf(values)},
                       "the spread of values with a NaN");
  }
}

// --- 4.8 ---

// Columns of a script, one row for each trial of one way to generate: prefill
// and total in eighths of a second, peak of memory in MiB, rows of tokens,
// which token is another one or -1, tokens that are missing or -1 for one too
// many.
enum ScriptColumn : std::size_t {
  kPrefill,
  kTotalTime,
  kPeak,
  kRows,
  kOtherToken,
  kMissing,
  kScriptColumns
};

constexpr std::size_t kRowsOfATrial = 3;

Array RandomScript(Random& random, std::size_t calls) {
  Array script = {.shape = {calls, kScriptColumns}, .values = {}};
  for (std::size_t call = 0; call < calls; ++call) {
    const std::size_t prefill = Between(random, 1, 80);
    const std::size_t total = prefill + Between(random, 1, 800);
    for (const float value :
         {static_cast<float>(prefill) / 8, static_cast<float>(total) / 8,
          static_cast<float>(Between(random, 1000, 9000)),
          static_cast<float>(kRowsOfATrial), -1.0F, 0.0F}) {
      script.values.push_back(value);
    }
  }
  return script;
}

float& ScriptAt(Array& script, std::size_t call, ScriptColumn column) {
  return script.values[call * script.shape[1] + column];
}

struct ComparisonTrial {
  std::vector<std::size_t> lengths;
  std::size_t trials = 0;
  std::size_t warm_up = 0;
  Array uncached;
  Array cached;

  std::size_t CallsPerLength() const { return trials + warm_up; }
  Array& Script(bool with_cache) { return with_cache ? cached : uncached; }
  Question AsQuestion() const {
    return {Ints(lengths), Int(trials), Int(warm_up), uncached, cached};
  }
  std::string About() const {
    return fmt::format("{} and {} to warm up, at {}", Count(trials, "pair"),
                       warm_up, Count(lengths.size(), "length"));
  }
};

ComparisonTrial MakeComparison(Random& random,
                               const std::vector<std::size_t>& lengths,
                               std::size_t trials, std::size_t warm_up) {
  ComparisonTrial trial = {.lengths = lengths,
                           .trials = trials,
                           .warm_up = warm_up,
                           .uncached = {},
                           .cached = {}};
  const std::size_t calls = trial.lengths.size() * trial.CallsPerLength();
  trial.uncached = RandomScript(random, calls);
  trial.cached = RandomScript(random, calls);
  return trial;
}

// Few pairs and many, odd and even numbers of either kind; lengths that fall,
// that come twice, and of a single token.
std::vector<ComparisonTrial> RandomComparisons(Random& random) {
  const std::size_t low = Between(random, 2, 9);
  const std::size_t high = Between(random, 10, 20);
  return {MakeComparison(random, {low, high}, Between(random, 4, 7), 1),
          MakeComparison(random, {high}, 1, 0),
          MakeComparison(random, {high, 1, low, high}, 2, 3),
          MakeComparison(random, {low, high}, Between(random, 9, 10), 2),
          MakeComparison(random, {high, low}, Between(random, 17, 20), 5),
          MakeComparison(random, {high, low}, Between(random, 260, 270), 66),
          MakeComparison(random, {low, high}, 10, Between(random, 260, 270)),
          MakeComparison(random, std::vector<std::size_t>(12, low), 2, 1),
          MakeComparison(random, std::vector<std::size_t>(270, low), 1, 0),
          MakeComparison(random, {Between(random, 260, 280), 70}, 3, 1)};
}

void OrderOfTrials(Exam& exam) {
  for (const ComparisonTrial& trial : RandomComparisons(exam.Randomness())) {
    exam.Case(trial.About());
    const Answers answers = exam.AskBoth("compare.run", trial.AsQuestion());
    const Integers& expected = exam.Get<Integers>(answers.reference, 0);
    const Integers& order = exam.Get<Integers>(answers.student, 0);
    CompareNumber(exam, "the number of trials", Int(order.size()),
                  Int(expected.size()));
    const auto wrong = std::ranges::mismatch(order, expected).in1;
    if (wrong != order.end()) {
      const auto pair = static_cast<std::size_t>(wrong - order.begin()) / 2;
      const std::size_t of_length = pair % trial.CallsPerLength();
      const bool warms_up = of_length < trial.warm_up;
      exam.Fail(fmt::format(
          "the trials with and without a cache do not take turns as the header "
          "says: first wrong in pair {} of those that {}, counted from 0",
          warms_up ? of_length : of_length - trial.warm_up,
          warms_up ? "warm up" : "count"));
    }
    if (exam.Get<Integers>(answers.student, 1) !=
        exam.Get<Integers>(answers.reference, 1)) {
      exam.Fail("trials of another length were asked for");
    }
  }
}

// What the numbers of one comparison are called, in their order.
std::vector<std::string> ComparisonNames() {
  std::vector<std::string> names;
  const auto add = [&](const std::string& what) {
    for (const char* part : kSpread) {
      names.push_back(fmt::format("the {} of {}", part, what));
    }
  };
  for (const char* way : {"without a cache", "with a cache"}) {
    for (const char* time :
         {"the total time", "the prefill", "decoding", "the time per token"}) {
      add(fmt::format("{} {}", time, way));
    }
  }
  add("the speedup");
  return names;
}

// What a wrong speedup is. `spreads`: those of a right comparison, in the order
// of ComparisonNames; `part` of the last of them is wrong.
std::string RecogniseSpeedup(const std::vector<double>& spreads,
                             std::size_t part, double wrong) {
  constexpr double kSame = 1e-9;
  constexpr std::size_t kWithCache = 4;  // spreads of the way without
  const std::size_t speedup = spreads.size() - kSpread.size();
  const auto is = [&](double value) {
    return std::abs(wrong - value) <= kSame * std::abs(value);
  };
  if (is(1 / spreads[speedup + 2 - part])) {
    return "it is upside down: the time without a cache is divided by that "
           "with one";
  }
  for (std::size_t of = 0; of < kSpread.size(); ++of) {
    if (is(spreads[of] / spreads[kWithCache * kSpread.size() + of])) {
      return fmt::format(
          "it is the quotient of two times, of the {} of each way; the header "
          "takes the {} of the quotients, pair by pair",
          kSpread[of], kSpread[part]);
    }
  }
  return "";
}

void CompareSummaries(Exam& exam, const ComparisonTrial& trial) {
  const Answers answers = exam.AskBoth("compare.run", trial.AsQuestion());
  const std::vector<std::string> names = ComparisonNames();
  std::size_t next = 2;
  for (std::size_t i = 0; i < trial.lengths.size(); ++i) {
    exam.Case(fmt::format("{}, the comparison at length {} of these, {}",
                          trial.About(), i, Count(trial.lengths[i], "token")));
    const Integers& expected = exam.Get<Integers>(answers.reference, next);
    const Integers& numbers = exam.GetIntegers(answers.student, next, 4);
    CompareNumber(exam, "the number of new tokens", numbers[0], expected[0]);
    CompareNumber(exam, "the peak of memory without a cache", numbers[2],
                  expected[2]);
    CompareNumber(exam, "the peak of memory with a cache", numbers[3],
                  expected[3]);
    std::vector<double> right;
    for (std::size_t n = 1; n <= names.size(); ++n) {
      right.push_back(exam.Get<double>(answers.reference, next + n));
    }
    for (std::size_t n = 0; n < names.size(); ++n) {
      CompareDoubles(exam, answers, ++next, names[n], [&](double wrong) {
        const bool of_speedup = n + kSpread.size() >= names.size();
        return of_speedup ? RecogniseSpeedup(right, n % kSpread.size(), wrong)
                          : std::string();
      });
    }
    ++next;
  }
}

// What warms up is the slowest and takes most memory, and is forgotten all the
// same.
void SummariesOfTrials(Exam& exam) {
  for (ComparisonTrial trial : RandomComparisons(exam.Randomness())) {
    for (const bool with_cache : {false, true}) {
      for (std::size_t i = 0; i < trial.lengths.size(); ++i) {
        for (std::size_t pair = 0; pair < trial.warm_up; ++pair) {
          const std::size_t call = i * trial.CallsPerLength() + pair;
          ScriptAt(trial.Script(with_cache), call, kTotalTime) += 1000;
          ScriptAt(trial.Script(with_cache), call, kPeak) += 10000;
        }
      }
    }
    // The last that counts takes most of those, at every other length.
    for (std::size_t i = 0; i < trial.lengths.size(); i += 2) {
      const std::size_t last = (i + 1) * trial.CallsPerLength() - 1;
      ScriptAt(trial.uncached, last, kPeak) += 9500;
      ScriptAt(trial.cached, last, kPeak) += 9500;
    }
    CompareSummaries(exam, trial);
  }
}

// Pairs at the first and second length, some of which differ in one token: of
// any row, in the first pair that counts or the last, or in one that warms up.
void CompareOutputs(Exam& exam, std::size_t trials, std::size_t warm_up) {
  Random& random = exam.Randomness();
  const std::size_t length = Between(random, 4, 9);
  ComparisonTrial trial =
      MakeComparison(random, {length, length, length}, trials, warm_up);
  const std::size_t last = trial.CallsPerLength() - 1;
  const auto differ = [&](bool with_cache, std::size_t call,
                          std::size_t token) {
    ScriptAt(trial.Script(with_cache), call, kOtherToken) =
        static_cast<float>(token);
  };
  differ(true, 0, 0);                                // warms up
  differ(true, trial.warm_up, 0);                    // the very first token
  differ(false, trial.warm_up + 2, 2 * length - 1);  // the last of row 1
  differ(true, last, kRowsOfATrial * length - 1);    // the very last
  // Only the last pair of the last length
  differ(true, 2 * trial.CallsPerLength() + last, 2 * length);
  const Answers answers = exam.AskBoth("compare.run", trial.AsQuestion());
  const std::array<const char*, 3> about = {
      "outputs that differ in single tokens of three pairs",
      "outputs that do not differ",
      "outputs that differ in the first token of the last row of one pair"};
  for (std::size_t i = 0; i < about.size(); ++i) {
    exam.Case(trial.About() + ", " + about.at(i));
    const std::size_t index = 2 + i * (1 + ComparisonNames().size());
    CompareNumber(exam, "the number of pairs that differ",
                  exam.GetIntegers(answers.student, index, 4)[1],
                  exam.Get<Integers>(answers.reference, index)[1],
                  "pairs that warm up do not count, and a pair differs if any "
                  "token of any row does");
  }
}

void OutputsOfTrials(Exam& exam) {
  Random& random = exam.Randomness();
  CompareOutputs(exam, Between(random, 9, 12), 2);
  CompareOutputs(exam, Between(random, 260, 280), Between(random, 66, 80));
}

// Every kind of trial in turn is a token short, or a token too long.
void ComparisonRefusals(Exam& exam) {
  Random& random = exam.Randomness();
  const ComparisonTrial good = MakeComparison(random, {6, 5}, 3, 2);
  exam.Case("trials that can be compared");
  const Values answer = exam.AskStudent("compare.run", good.AsQuestion());
  CompareNumber(exam, "the number of trials",
                Int(exam.Get<Integers>(answer, 0).size()), 20);
  CompareNumber(exam, "the number of new tokens",
                exam.GetIntegers(answer, 2, 4)[0], 6);
  exam.Case("");
  for (const bool with_cache : {false, true}) {
    for (const std::size_t call : {0, 2, 4, 5, 9}) {
      for (const float missing : {1.0F, -1.0F}) {
        ComparisonTrial wrong = good;
        ScriptAt(wrong.Script(with_cache), call, kMissing) = missing;
        exam.ExpectRefusal(
            "compare.run", wrong.AsQuestion(),
            fmt::format("a trial {} a cache, of a pair that {}, with a token "
                        "too {}",
                        with_cache ? "with" : "without",
                        call % 5 < 2 ? "warms up" : "counts",
                        missing > 0 ? "few" : "many"));
      }
    }
  }
  for (const std::size_t length : {70, 300}) {
    ComparisonTrial wrong = MakeComparison(random, {length}, 1, 0);
    ScriptAt(wrong.cached, 0, kMissing) = 1;
    exam.ExpectRefusal(
        "compare.run", wrong.AsQuestion(),
        fmt::format("a trial with a token too few of {}", length));
  }
  ComparisonTrial wrong = good;
  wrong.trials = 0;
  exam.ExpectRefusal("compare.run", wrong.AsQuestion(),
                     "a comparison of no trials");
  wrong = good;
  wrong.lengths = {5, 0};
  exam.ExpectRefusal("compare.run", wrong.AsQuestion(),
                     "a comparison at no new tokens");
  wrong.lengths = {};
  exam.ExpectRefusal("compare.run", wrong.AsQuestion(),
                     "a comparison at no lengths");
}

const RegisterChecks kComparisonChecks({
    AllOrNothing("summarise.spread", {"tolerance"}, Spreads),
    AllOrNothing("compare.order", {}, OrderOfTrials),
    AllOrNothing("compare.summaries", {"tolerance"}, SummariesOfTrials),
    AllOrNothing("compare.outputs", {}, OutputsOfTrials),
    AllOrNothing("compare.refusals", {}, ComparisonRefusals),
});

}  // namespace

}  // namespace kvlab::grading
