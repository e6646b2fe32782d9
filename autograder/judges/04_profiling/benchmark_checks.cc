// Module 4, task 4.6: a benchmark reads a clock and a gauge that the checker
// has made up, so that what it must report is known to the last digit, and one
// that misreports its own run is caught.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/02_transformer/generate_trial.h"
#include "autograder/judges/02_transformer/sampling_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::int64_t kOff = 0;
constexpr std::int64_t kOn = 1;

const char* WithOrWithout(std::int64_t caching) {
  return caching == kOn ? "with a cache" : "without a cache";
}

// The clock of benchmark.generation: multiply-accumulates at a rate that is not
// known before, and one pause; besides, what a look at the memory and a call of
// on_tokens take.
struct TrialClock {
  double offset_s = 0;
  double s_per_mac = 0;
  double stall_at_mac = 0;
  double stall_s = 0;
  double look_s = 0;
  double caller_s = 0;

  double Elapsed(std::int64_t macs) const {
    const auto done = static_cast<double>(macs);
    return s_per_mac * done + (done >= stall_at_mac ? stall_s : 0);
  }
};

// The pause comes during the prefill or after it.
enum class Pause { kInPrefill, kInDecode };

// What is measured. A field that is not given is the plainest.
struct BenchmarkKind {
  std::int64_t caching = kOff;
  Pause pause = Pause::kInDecode;
  std::size_t batch = 2;
  std::size_t prompt_len = 0;  // 0: a few tokens
  std::size_t new_tokens = 7;
  bool left_padded = false;
  Sampling sampling = {};
};

// Prompts, new tokens, rows and top_k beyond what 8 bits count, alone and
// together, padded and sampled, in both ways.
std::vector<BenchmarkKind> LargeKinds(Random& random) {
  const Sampling of_many = {.temperature = 0, .top_k = 300};
  const Sampling drawn = {.temperature = 0.8, .top_k = 5};
  std::vector<BenchmarkKind> kinds;
  for (const std::int64_t caching : {kOff, kOn}) {
    const auto large = [&] { return Between(random, 260, 280); };
    kinds.push_back({.caching = caching,
                     .batch = 1,
                     .prompt_len = large(),
                     .new_tokens = 4,
                     .left_padded = true,
                     .sampling = drawn});
    kinds.push_back({.caching = caching, .batch = 1, .new_tokens = large()});
    kinds.push_back({.caching = caching,
                     .batch = large(),
                     .new_tokens = 4,
                     .left_padded = true,
                     .sampling = of_many});
  }
  return kinds;
}

// `few` kinds, and the large ones.
std::vector<BenchmarkKind> WithLargeKinds(Exam& exam,
                                          std::vector<BenchmarkKind> few) {
  std::ranges::copy(LargeKinds(exam.Randomness()), std::back_inserter(few));
  return few;
}

std::string About(const BenchmarkKind& kind) {
  return fmt::format("batch {}{}{}, {}, {}, {}", kind.batch,
                     kind.left_padded ? ", left padded" : "",
                     kind.prompt_len == 0
                         ? ""
                         : fmt::format(", a prompt of {}", kind.prompt_len),
                     Count(kind.new_tokens, "new token"),
                     kind.sampling.temperature == 0 ? "greedy" : "sampled",
                     WithOrWithout(kind.caching));
}

constexpr std::int64_t kNeverFails = -1;

struct BenchmarkTrial {
  GenerateTrial generation;
  std::int64_t caching = kOff;
  std::int64_t prefill_macs = 0;
  Integers work;  // of the whole, by category
  TrialClock clock;
  Integers readings;  // of memory: before, then after each token
  std::int64_t failing = kNeverFails;

  std::int64_t Macs() const { return Sum(work); }
  double FirstSeconds() const { return clock.Elapsed(prefill_macs); }
  // Of what happens in between, on_tokens and the looks at memory are part.
  double TotalSeconds() const {
    return clock.Elapsed(Macs()) + static_cast<double>(generation.new_tokens) *
                                       (clock.look_s + clock.caller_s);
  }
  static std::int64_t Sum(const Integers& numbers) {
    std::int64_t sum = 0;
    for (const std::int64_t number : numbers) sum += number;
    return sum;
  }
};

BenchmarkTrial MakeBenchmarkTrial(Exam& exam, const BenchmarkKind& kind) {
  Random& random = exam.Randomness();
  BenchmarkTrial trial;
  trial.caching = kind.caching;
  const std::size_t few = Between(random, 4, 7);
  const std::size_t prompt_len = kind.prompt_len == 0 ? few : kind.prompt_len;
  // Hundreds of rows are some that come again.
  constexpr std::size_t kMostDrawn = 5;
  trial.generation =
      MakeGenerateTrial(exam,
                        {.batch = std::min(kind.batch, kMostDrawn),
                         .prompt_len = prompt_len,
                         .new_tokens = kind.new_tokens,
                         .left_padded = kind.left_padded},
                        kind.sampling, "");
  if (kind.batch > kMostDrawn) {
    trial.generation = Repeated(std::move(trial.generation), kind.batch);
  }
  const Integers config = trial.generation.model.shape.Sizes();
  const auto work = [&](std::size_t new_tokens) {
    return exam.Get<Integers>(
        exam.AskReference(
            "cost.generation_work",
            {config, Ints({kind.batch, prompt_len, new_tokens}), kind.caching}),
        0);
  };
  trial.work = work(kind.new_tokens);
  trial.prefill_macs = BenchmarkTrial::Sum(work(1));
  const std::int64_t stall_at = kind.pause == Pause::kInPrefill
                                    ? trial.prefill_macs / 2
                                    : trial.prefill_macs + 1;
  // Clocks count from any moment, and a whole run may lie before 0.
  trial.clock = {.offset_s = random.NextUniform(-1000, 1000),
                 .s_per_mac = 1e-6 * random.NextUniform(1, 9),
                 .stall_at_mac = static_cast<double>(stall_at),
                 .stall_s = random.NextUniform(1, 9)};
  // Beyond 32 bits. The largest after a token in the middle; more than that
  // before the run, which is no part of the peak.
  const auto bytes = [&](std::size_t low, std::size_t high) {
    return Int(Between(random, low, high) << 30U);
  };
  trial.readings = {bytes(3000, 4000)};
  for (std::size_t i = 0; i < kind.new_tokens; ++i) {
    trial.readings.push_back(bytes(300, 900));
  }
  trial.readings[(trial.readings.size() + 1) / 2] = bytes(1000, 2000);
  return trial;
}

Question BenchmarkQuestion(const BenchmarkTrial& trial) {
  Question question = GenerateQuestion(trial.generation);
  for (const Value& value :
       Values{trial.caching, trial.clock.offset_s, trial.clock.s_per_mac,
              trial.clock.stall_at_mac, trial.clock.stall_s, trial.readings,
              trial.clock.look_s, trial.clock.caller_s, trial.failing}) {
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
  kWork,
  kEvents
};

// What happened during a run, as benchmark.generation writes it down.
enum Event : std::int64_t { kClockRead, kMemoryRead, kTokensHandedOn };

// Runs one of each of `kinds` and compares it.
template <typename Compare>
void ForEachBenchmark(Exam& exam, const std::vector<BenchmarkKind>& kinds,
                      const Compare& compare) {
  for (const BenchmarkKind& kind : kinds) {
    const BenchmarkTrial trial = MakeBenchmarkTrial(exam, kind);
    exam.Case(About(kind));
    compare(trial, RunBenchmark(exam, trial));
  }
}

void CompareTimes(Exam& exam, const BenchmarkTrial& trial,
                  const Values& answer) {
  const double first_s = trial.FirstSeconds();
  const double total_s = trial.TotalSeconds();
  CompareDouble(exam, "the time to the first token",
                exam.Get<double>(answer, kFirstToken), first_s);
  CompareDouble(exam, "the total time", exam.Get<double>(answer, kTotal),
                total_s);
  const std::size_t steps = trial.generation.new_tokens - 1;
  CompareDouble(
      exam, "the time per token", exam.Get<double>(answer, kPerToken),
      steps == 0 ? 0 : (total_s - first_s) / static_cast<double>(steps));
}

// With and without a cache, a pause before and after the first token; one token
// alone, which has no steps after it.
void BenchmarkTimes(Exam& exam) {
  const std::size_t few = Between(exam.Randomness(), 6, 9);
  ForEachBenchmark(
      exam,
      WithLargeKinds(
          exam,
          {{.caching = kOff, .pause = Pause::kInPrefill, .new_tokens = few},
           {.caching = kOn, .pause = Pause::kInPrefill, .new_tokens = few},
           {.caching = kOff, .pause = Pause::kInDecode, .batch = 1},
           {.caching = kOn, .pause = Pause::kInDecode, .batch = 5},
           {.caching = kOff, .pause = Pause::kInPrefill, .new_tokens = 1},
           {.caching = kOn, .pause = Pause::kInPrefill, .new_tokens = 1},
           {.caching = kOn,
            .batch = 3,
            .new_tokens = 1,
            .left_padded = true,
            .sampling = {.temperature = 0, .top_k = 300}},
           {.caching = kOff,
            .batch = 270,
            .new_tokens = 2,
            .left_padded = true},
           {.caching = kOff,
            .new_tokens = 4,
            .sampling = {.temperature = 0, .top_k = 300}},
           {.caching = kOn,
            .new_tokens = 4,
            .sampling = {.temperature = 0.8, .top_k = 5}},
           {.caching = kOn, .batch = 1, .new_tokens = 20}}),
      [&](const BenchmarkTrial& trial, const Values& answer) {
        CompareTimes(exam, trial, answer);
      });
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

void CompareRun(Exam& exam, const BenchmarkTrial& trial, const Values& answer) {
  const Integers& expected = trial.generation.expected;
  if (exam.Get<Integers>(answer, kGenerated) != expected) {
    exam.Fail(trial.generation.sampling.temperature == 0
                  ? "other tokens came back than the model generates"
                  : "other tokens came back than the model draws with these "
                    "options and this seed, of 64 bits");
  }
  if (exam.Get<Integers>(answer, kHandedOn) !=
      StepByStep(expected, trial.generation.prompt.batch)) {
    exam.Fail("the caller's on_tokens was not given every token");
  }
  CompareNumber(exam, "the number of tokens",
                exam.GetIntegers(answer, kNumbers, 3)[0], Int(expected.size()),
                "all rows count");
  CompareDouble(exam, "tokens per second",
                exam.Get<double>(answer, kTokensPerSecond),
                static_cast<double>(expected.size()) / trial.TotalSeconds());
  const Integers& done = exam.GetIntegers(answer, kWork, trial.work.size());
  for (std::size_t i = 0; i < trial.work.size(); ++i) {
    CompareNumber(exam, "the work that was done meanwhile", done[i],
                  trial.work[i],
                  "one generation, with a cache or without as asked for");
  }
}

// Rows, padding, options and ways, pairwise. Seeds have up to 62 bits.
void BenchmarkRuns(Exam& exam) {
  const Sampling drawn = {.temperature = 0.8, .top_k = 5};
  ForEachBenchmark(
      exam,
      WithLargeKinds(exam,
                     {{.caching = kOff, .new_tokens = 7},
                      {.caching = kOn, .new_tokens = 7},
                      {.caching = kOff, .batch = 5, .left_padded = true},
                      {.caching = kOn, .batch = 3, .left_padded = true},
                      {.caching = kOff, .new_tokens = 5, .sampling = drawn},
                      {.caching = kOn, .new_tokens = 5, .sampling = drawn},
                      {.caching = kOn,
                       .new_tokens = 4,
                       .left_padded = true,
                       .sampling = drawn},
                      {.caching = kOff, .batch = 1, .new_tokens = 18},
                      {.caching = kOn, .batch = 1, .new_tokens = 1}}),
      [&](const BenchmarkTrial& trial, const Values& answer) {
        CompareRun(exam, trial, answer);
      });
}

// One run whose largest reading after a token is that of `place`, counted from
// 1; before the run it is larger or, if `less_before`, smaller.
void ComparePeak(Exam& exam, const BenchmarkKind& kind, std::size_t place,
                 bool less_before) {
  BenchmarkTrial trial = MakeBenchmarkTrial(exam, kind);
  std::swap(*std::max_element(trial.readings.begin() + 1, trial.readings.end()),
            trial.readings[place]);
  if (less_before) trial.readings.front() >>= 8U;
  exam.Case(fmt::format("{}; memory before the run is {} than after any token",
                        About(kind), less_before ? "less" : "more"));
  const Values answer = RunBenchmark(exam, trial);
  const Integers& numbers = exam.GetIntegers(answer, kNumbers, 3);
  CompareNumber(exam, "the memory before", numbers[1], trial.readings.front());
  CompareNumber(exam, "the peak of memory", numbers[2], trial.readings[place],
                "it is the largest reading after any token, while the cache is "
                "there");
}

// The largest reading after the first token, after the last, and after the only
// one.
void BenchmarkMemory(Exam& exam) {
  for (const std::int64_t caching : {kOff, kOn}) {
    for (const std::size_t new_tokens : {1, 2, 7, 20}) {
      for (const std::size_t place : {std::size_t{1}, new_tokens}) {
        ComparePeak(exam,
                    {.caching = caching, .batch = 1, .new_tokens = new_tokens},
                    place, place > 1);
      }
    }
  }
  for (const BenchmarkKind& kind : LargeKinds(exam.Randomness())) {
    ComparePeak(exam, kind, kind.new_tokens - 1, true);
  }
}

// Throws CheckFailed unless memory and clock were read as measurement.h says;
// when the caller was called it leaves to a benchmark, but for the first token.
void CompareEvents(Exam& exam, const Integers& events, std::size_t new_tokens) {
  const auto count = [&](Event event) {
    return std::ranges::count(events, std::int64_t{event});
  };
  CompareNumber(exam, "how often the clock was read", count(kClockRead), 3,
                "before the run, at the first token, and after the run");
  CompareNumber(exam, "how often memory was read", count(kMemoryRead),
                Int(new_tokens) + 1, "before the run, and after each token");
  if (events[0] != kMemoryRead || events[1] != kClockRead) {
    exam.Fail(
        "the run does not begin with a look at the memory and then one at the "
        "clock: what comes between the clock and the run is counted as its "
        "time");
  }
  if (events[2] == kMemoryRead) {
    exam.Fail(
        "at the first token memory was read before the clock: that look adds "
        "to the time of the prefill");
  }
  if (events[2] == kTokensHandedOn) {
    exam.Fail(
        "at the first token the caller's on_tokens was called before the clock "
        "was read: what it does adds to the time of the prefill");
  }
  if (events.back() != kClockRead) {
    exam.Fail("the clock is not read last, right after the run");
  }
}

// A look at the memory and the caller take their time, the clock is coarse, or
// an instrument fails.
void BenchmarkInstruments(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::int64_t caching : {kOff, kOn}) {
    const BenchmarkKind kind = {.caching = caching,
                                .new_tokens = Between(random, 5, 9)};
    BenchmarkTrial trial = MakeBenchmarkTrial(exam, kind);
    const TrialClock quick = trial.clock;
    exam.Case(fmt::format("the order of readings {}", WithOrWithout(caching)));
    const Values answer = RunBenchmark(exam, trial);
    CompareEvents(exam, exam.Get<Integers>(answer, kEvents), kind.new_tokens);

    trial.clock.look_s = random.NextUniform(1, 9);
    exam.Case(fmt::format("{}, each reading of the memory taking seconds",
                          WithOrWithout(caching)));
    CompareTimes(exam, trial, RunBenchmark(exam, trial));

    trial.clock = quick;
    trial.clock.caller_s = random.NextUniform(1, 9);
    exam.Case(fmt::format("{}, each call of on_tokens taking seconds",
                          WithOrWithout(caching)));
    CompareTimes(exam, trial, RunBenchmark(exam, trial));

    trial.clock = quick;
    trial.clock.s_per_mac = 0;
    trial.clock.stall_at_mac = static_cast<double>(trial.prefill_macs + 1);
    exam.Case(fmt::format("{}, a clock that ticks once, after the first token",
                          WithOrWithout(caching)));
    CompareTimes(exam, trial, RunBenchmark(exam, trial));

    trial.clock = quick;
    trial.failing = Int(random.NextBelow(kind.new_tokens + 3));
    exam.Case(
        fmt::format("{}, an instrument that throws", WithOrWithout(caching)));
    const Values failed = RunBenchmark(exam, trial);
    if (failed.size() != 1) {
      exam.Fail("the instrument's exception was not passed on");
    }
    if (exam.GetIntegers(failed, 0, 1)[0] != 1) {
      exam.Fail("the model keeps the attention of the run that broke off");
    }
    trial.failing = kNeverFails;
    exam.Case(fmt::format("{}, the run after one in which an instrument threw",
                          WithOrWithout(caching)));
    CompareTimes(exam, trial, RunBenchmark(exam, trial));
  }
}

void BenchmarkRefusals(Exam& exam) {
  const BenchmarkTrial good = MakeBenchmarkTrial(exam, {.caching = kOn});
  exam.Case("a run that can be measured");
  const Values answer = RunBenchmark(exam, good);
  CompareDouble(exam, "the total time", exam.Get<double>(answer, kTotal),
                good.TotalSeconds());
  exam.Case("");
  const auto refuse = [&](const BenchmarkTrial& trial, const char* what) {
    exam.ExpectRefusal("benchmark.generation", BenchmarkQuestion(trial), what);
  };
  BenchmarkTrial wrong = good;
  for (const std::int64_t caching : {kOff, kOn}) {
    wrong = good;
    wrong.caching = caching;
    wrong.clock.stall_s = 0;
    wrong.clock.s_per_mac = 0;
    refuse(wrong, "a clock that stands still");
    wrong.clock.s_per_mac = -good.clock.s_per_mac;
    refuse(wrong, "a clock that runs backwards");
    // Forwards to the first token, and back by more after it, also than
    // recomputing takes for each of the few tokens.
    wrong.clock.s_per_mac = good.clock.s_per_mac;
    wrong.clock.stall_at_mac = static_cast<double>(good.prefill_macs + 1);
    wrong.clock.stall_s = -1000 * good.clock.Elapsed(good.Macs());
    refuse(wrong, "a clock that runs backwards after the first token");
  }
  wrong = good;
  wrong.generation.new_tokens = 0;
  refuse(wrong, "a run of no new tokens");
  wrong.generation.new_tokens = 1000;
  refuse(wrong, "more new tokens than the model has positions for");
}

const RegisterChecks kBenchmarkChecks({
    AllOrNothing("benchmark.times", {"margin", "tolerance"}, BenchmarkTimes),
    AllOrNothing("benchmark.run", {"margin", "tolerance"}, BenchmarkRuns),
    AllOrNothing("benchmark.memory", {"margin"}, BenchmarkMemory),
    AllOrNothing("benchmark.instruments", {"margin", "tolerance"},
                 BenchmarkInstruments),
    AllOrNothing("benchmark.refusals", {"margin", "tolerance"},
                 BenchmarkRefusals),
});

}  // namespace

}  // namespace kvlab::grading
