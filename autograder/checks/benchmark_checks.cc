// Module 4, task 4.6: a benchmark reads a clock and a gauge that the checker
// has made up, so that what it must report is known to the last digit, and one
// that misreports its own run is caught.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "autograder/checks/check_groups.h"
#include "autograder/checks/compare.h"
#include "autograder/checks/generate_trial.h"
#include "autograder/checks/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::int64_t kOff = 0;
constexpr std::int64_t kOn = 1;

const char* WithOrWithout(std::int64_t caching) {
  return caching == kOn ? "with a cache" : "without a cache";
}

// The clock of benchmark.generation: multiply-accumulates at a rate that
// nobody knows before, and one pause.
struct TrialClock {
  double offset_s = 0;
  double s_per_mac = 0;
  double stall_at_mac = 0;
  double stall_s = 0;

  double Elapsed(std::int64_t macs) const {
    const auto done = static_cast<double>(macs);
    return s_per_mac * done + (done >= stall_at_mac ? stall_s : 0);
  }
};

struct BenchmarkTrial {
  GenerateTrial generation;
  std::int64_t caching = kOff;
  std::int64_t prefill_macs = 0;
  Integers work;  // of the whole, by category
  TrialClock clock;
  Integers readings;  // of memory: before, then after each token

  std::int64_t Macs() const { return Sum(work); }
  static std::int64_t Sum(const Integers& numbers) {
    std::int64_t sum = 0;
    for (const std::int64_t number : numbers) sum += number;
    return sum;
  }
};

// The pause comes during the prefill or behind it.
enum class Pause { kInPrefill, kInDecode };

BenchmarkTrial MakeBenchmarkTrial(Exam& exam, std::int64_t caching,
                                  Pause pause) {
  Random& random = exam.Randomness();
  BenchmarkTrial trial;
  trial.caching = caching;
  trial.generation = MakeGenerateTrial(
      exam, {.batch = 2, .prompt_len = 5, .new_tokens = Between(random, 6, 9)},
      {}, "");
  const Integers config = trial.generation.model.shape.Sizes();
  const auto work = [&](std::size_t new_tokens) {
    return exam.Get<Integers>(
        exam.AskReference("cost.generation_work",
                          {config, Ints({2, 5, new_tokens}), caching}),
        0);
  };
  trial.work = work(trial.generation.new_tokens);
  trial.prefill_macs = BenchmarkTrial::Sum(work(1));
  const std::int64_t stall_at = pause == Pause::kInPrefill
                                    ? trial.prefill_macs / 2
                                    : trial.prefill_macs + 1;
  trial.clock = {.offset_s = 1000.0 * random.NextUniform(),
                 .s_per_mac = 1e-6 * random.NextUniform(1, 9),
                 .stall_at_mac = static_cast<double>(stall_at),
                 .stall_s = random.NextUniform(1, 9)};
  // The largest in the middle, the one before not the smallest.
  trial.readings = {Int(Between(random, 500, 600))};
  for (std::size_t i = 0; i < trial.generation.new_tokens; ++i) {
    trial.readings.push_back(Int(Between(random, 300, 900)));
  }
  trial.readings[trial.readings.size() / 2] = Int(Between(random, 1000, 2000));
  return trial;
}

Question BenchmarkQuestion(const BenchmarkTrial& trial) {
  Question question = GenerateQuestion(trial.generation);
  for (const Value& value :
       Values{trial.caching, trial.clock.offset_s, trial.clock.s_per_mac,
              trial.clock.stall_at_mac, trial.clock.stall_s, trial.readings}) {
    question.emplace_back(value);
  }
  return question;
}

Values RunBenchmark(Exam& exam, const BenchmarkTrial& trial) {
  return exam.AskStudent("benchmark.generation", BenchmarkQuestion(trial));
}

// Places in its answer.
enum Reported : std::size_t {
  kGenerated,
  kHandedOn,
  kNumbers,  // tokens, memory before, peak of memory
  kFirstToken,
  kTotal,
  kPerToken,
  kTokensPerSecond,
  kWork
};

// Ways and pauses, each of both once.
template <typename Compare>
void ForEachBenchmark(Exam& exam, const Compare& compare) {
  for (const std::int64_t caching : {kOff, kOn}) {
    const Pause pause =
        (caching == kOn) == (exam.Randomness().NextBelow(2) == 1)
            ? Pause::kInPrefill
            : Pause::kInDecode;
    const BenchmarkTrial trial = MakeBenchmarkTrial(exam, caching, pause);
    exam.Case(fmt::format("a generation {}", WithOrWithout(caching)));
    compare(trial, RunBenchmark(exam, trial));
  }
}

void BenchmarkTimes(Exam& exam) {
  for (const Pause pause : {Pause::kInPrefill, Pause::kInDecode}) {
    for (const std::int64_t caching : {kOff, kOn}) {
      const BenchmarkTrial trial = MakeBenchmarkTrial(exam, caching, pause);
      exam.Case(fmt::format(
          "a generation {}, the clock pausing {}", WithOrWithout(caching),
          pause == Pause::kInPrefill ? "before the first token"
                                     : "behind the first token"));
      const Values answer = RunBenchmark(exam, trial);
      const double first_s = trial.clock.Elapsed(trial.prefill_macs);
      const double total_s = trial.clock.Elapsed(trial.Macs());
      CompareDouble(exam, "the time to the first token",
                    exam.Get<double>(answer, kFirstToken), first_s);
      CompareDouble(exam, "the total time", exam.Get<double>(answer, kTotal),
                    total_s);
      CompareDouble(exam, "the time per token",
                    exam.Get<double>(answer, kPerToken),
                    (total_s - first_s) /
                        static_cast<double>(trial.generation.new_tokens - 1));
    }
  }
}

// The first `batch` numbers of each row: [batch, steps] step by step.
Integers StepByStep(const Integers& generated, std::size_t batch) {
  Integers steps;
  const std::size_t new_tokens = generated.size() / batch;
  for (std::size_t step = 0; step < new_tokens; ++step) {
    for (std::size_t b = 0; b < batch; ++b) {
      steps.push_back(generated[b * new_tokens + step]);
    }
  }
  return steps;
}

void BenchmarkRuns(Exam& exam) {
  ForEachBenchmark(exam, [&](const BenchmarkTrial& trial,
                             const Values& answer) {
    const Integers& expected = trial.generation.expected;
    if (exam.Get<Integers>(answer, kGenerated) != expected) {
      exam.Fail("other tokens came back than the model generates");
    }
    if (exam.Get<Integers>(answer, kHandedOn) !=
        StepByStep(expected, trial.generation.prompt.batch)) {
      exam.Fail("the caller's on_tokens was not given every token");
    }
    CompareNumber(exam, "the number of tokens",
                  exam.GetIntegers(answer, kNumbers, 3)[0],
                  Int(expected.size()), "all rows count");
    CompareDouble(exam, "tokens per second",
                  exam.Get<double>(answer, kTokensPerSecond),
                  static_cast<double>(expected.size()) /
                      trial.clock.Elapsed(trial.Macs()));
    const Integers& done = exam.GetIntegers(answer, kWork, trial.work.size());
    for (std::size_t i = 0; i < trial.work.size(); ++i) {
      CompareNumber(exam, "the work that was done meanwhile", done[i],
                    trial.work[i],
                    "one generation, with a cache or without as asked for");
    }
  });
}

void BenchmarkMemory(Exam& exam) {
  ForEachBenchmark(exam, [&](const BenchmarkTrial& trial,
                             const Values& answer) {
    const Integers& numbers = exam.GetIntegers(answer, kNumbers, 3);
    CompareNumber(exam, "the memory before", numbers[1],
                  trial.readings.front());
    CompareNumber(exam, "the peak of memory", numbers[2],
                  trial.readings[trial.readings.size() / 2],
                  "it is the largest reading after any token, while the cache "
                  "is there");
  });
}

void BenchmarkRefusals(Exam& exam) {
  const BenchmarkTrial good = MakeBenchmarkTrial(exam, kOn, Pause::kInDecode);
  exam.Case("a run that can be measured");
  const Values answer = RunBenchmark(exam, good);
  CompareDouble(exam, "the total time", exam.Get<double>(answer, kTotal),
                good.clock.Elapsed(good.Macs()));
  exam.Case("");
  const auto refuse = [&](const BenchmarkTrial& trial, const char* what) {
    exam.ExpectRefusal("benchmark.generation", BenchmarkQuestion(trial), what);
  };
  BenchmarkTrial wrong = good;
  wrong.clock.stall_s = 0;
  wrong.clock.s_per_mac = 0;
  refuse(wrong, "a clock that stands still");
  wrong.clock.s_per_mac = -good.clock.s_per_mac;
  refuse(wrong, "a clock that runs backwards");
  wrong = good;
  wrong.generation.new_tokens = 0;
  refuse(wrong, "a run of no new tokens");
}

}  // namespace

Checks BenchmarkChecks() {
  return {
      AllOrNothing("benchmark.times", {"margin", "tolerance"}, BenchmarkTimes),
      AllOrNothing("benchmark.run", {"margin", "tolerance"}, BenchmarkRuns),
      AllOrNothing("benchmark.memory", {"margin"}, BenchmarkMemory),
      AllOrNothing("benchmark.refusals", {"margin", "tolerance"},
                   BenchmarkRefusals),
  };
}

}  // namespace kvlab::grading
