// Module 4, tasks 4.7 and 4.8: medians, and a comparison of trials that the
// checker has made up.
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "autograder/checks/check_groups.h"
#include "autograder/checks/compare.h"
#include "autograder/checks/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// --- 4.7 ---

void Spreads(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t count : {7, 8, 9, 10}) {
    exam.Case(fmt::format("{} numbers out of order", count));
    std::vector<float> values;
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(random.NextUniform(1, 100));
    }
    const Answers answers = exam.AskBoth("summarise.spread", {ArrayOf(values)});
    CompareDoubles(exam, answers, 0, "the first quartile");
    CompareDoubles(exam, answers, 1, "the median");
    CompareDoubles(exam, answers, 2, "the third quartile");
  }
  exam.Case("");
  exam.ExpectRefusal("summarise.spread", {ArrayOf({})},
                     "the spread of nothing");
  exam.ExpectRefusal("summarise.spread",
                     {ArrayOf({1, std::numeric_limits<float>::quiet_NaN(), 2})},
                     "the spread of what is not a number");
}

// --- 4.8 ---

// Trials of one way to generate, one row for each call: prefill and total in
// eighths of a second, peak of memory, first id, tokens missing.
Array RandomScript(Random& random, std::size_t calls) {
  Array script = {.shape = {calls, 5}, .values = {}};
  for (std::size_t call = 0; call < calls; ++call) {
    const std::size_t prefill = Between(random, 1, 80);
    const std::size_t total = prefill + Between(random, 1, 800);
    for (const float value :
         {static_cast<float>(prefill) / 8, static_cast<float>(total) / 8,
          static_cast<float>(Between(random, 1000, 9000)), 50.0F, 0.0F}) {
      script.values.push_back(value);
    }
  }
  return script;
}

constexpr std::size_t kFirstId = 3;
constexpr std::size_t kMissing = 4;

float& ScriptAt(Array& script, std::size_t call, std::size_t column) {
  return script.values[call * script.shape[1] + column];
}

struct ComparisonTrial {
  std::vector<std::size_t> lengths;
  std::size_t trials = 0;
  std::size_t warm_up = 0;
  Array uncached;
  Array cached;

  std::size_t CallsPerLength() const { return trials + warm_up; }
  Question AsQuestion() const {
    return {Ints(lengths), Int(trials), Int(warm_up), uncached, cached};
  }
};

ComparisonTrial RandomComparison(Random& random) {
  ComparisonTrial trial;
  trial.lengths = {Between(random, 2, 9), Between(random, 10, 20)};
  trial.trials = Between(random, 4, 7);
  trial.warm_up = Between(random, 1, 3);
  const std::size_t calls = trial.lengths.size() * trial.CallsPerLength();
  trial.uncached = RandomScript(random, calls);
  trial.cached = RandomScript(random, calls);
  return trial;
}

void OrderOfTrials(Exam& exam) {
  const ComparisonTrial trial = RandomComparison(exam.Randomness());
  exam.Case(fmt::format("{} and {} to warm up, at two lengths",
                        Count(trial.trials, "pair"), trial.warm_up));
  const Answers answers = exam.AskBoth("compare.run", trial.AsQuestion());
  const Integers& expected = exam.Get<Integers>(answers.reference, 0);
  const Integers& order = exam.Get<Integers>(answers.student, 0);
  CompareNumber(exam, "the number of trials", Int(order.size()),
                Int(expected.size()));
  if (order != expected) {
    exam.Fail(
        "the trials with and without a cache do not take turns as the header "
        "says");
  }
  if (exam.Get<Integers>(answers.student, 1) !=
      exam.Get<Integers>(answers.reference, 1)) {
    exam.Fail("trials of another length were asked for");
  }
}

// What the numbers of one comparison are called, in their order.
std::vector<std::string> ComparisonNames() {
  std::vector<std::string> names;
  const auto add = [&](const std::string& what) {
    for (const char* part : {"first quartile", "median", "third quartile"}) {
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

void SummariesOfTrials(Exam& exam) {
  const ComparisonTrial trial = RandomComparison(exam.Randomness());
  const Answers answers = exam.AskBoth("compare.run", trial.AsQuestion());
  const std::vector<std::string> names = ComparisonNames();
  std::size_t next = 2;
  for (const std::size_t new_tokens : trial.lengths) {
    exam.Case(fmt::format("the comparison at {}", Count(new_tokens, "token")));
    const Integers& expected = exam.Get<Integers>(answers.reference, next);
    const Integers& numbers = exam.GetIntegers(answers.student, next, 4);
    CompareNumber(exam, "the number of new tokens", numbers[0], expected[0]);
    CompareNumber(exam, "the peak of memory without a cache", numbers[2],
                  expected[2]);
    CompareNumber(exam, "the peak of memory with a cache", numbers[3],
                  expected[3]);
    for (const std::string& name : names) {
      CompareDoubles(exam, answers, ++next, name);
    }
    ++next;
  }
}

void OutputsOfTrials(Exam& exam) {
  Random& random = exam.Randomness();
  ComparisonTrial trial = RandomComparison(random);
  // At the first length a pair that warms up differs, and two that count.
  ScriptAt(trial.cached, 0, kFirstId) += 1;
  ScriptAt(trial.cached, trial.warm_up, kFirstId) += 1;
  ScriptAt(trial.cached, trial.warm_up + 2, kFirstId) += 1;
  const Answers answers = exam.AskBoth("compare.run", trial.AsQuestion());
  for (const std::size_t length : {0, 1}) {
    exam.Case(length == 0 ? "outputs that differ in two pairs"
                          : "outputs that do not differ");
    const std::size_t index = 2 + length * (1 + ComparisonNames().size());
    CompareNumber(exam, "the number of pairs that differ",
                  exam.GetIntegers(answers.student, index, 4)[1],
                  exam.Get<Integers>(answers.reference, index)[1]);
  }
  exam.Case("");
  ComparisonTrial early = trial;
  ScriptAt(early.cached, trial.warm_up, kMissing) = 1;
  exam.ExpectRefusal("compare.run", early.AsQuestion(),
                     "a trial that stopped a token early");
  early = trial;
  early.trials = 0;
  exam.ExpectRefusal("compare.run", early.AsQuestion(),
                     "a comparison of no trials");
  early = trial;
  early.lengths = {5, 0};
  exam.ExpectRefusal("compare.run", early.AsQuestion(),
                     "a comparison at no new tokens");
}

}  // namespace

Checks ComparisonChecks() {
  return {
      AllOrNothing("summarise.spread", {"tolerance"}, Spreads),
      AllOrNothing("compare.order", {}, OrderOfTrials),
      AllOrNothing("compare.summaries", {"tolerance"}, SummariesOfTrials),
      AllOrNothing("compare.outputs", {}, OutputsOfTrials),
  };
}

}  // namespace kvlab::grading
