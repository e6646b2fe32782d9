// Module 4, tasks 4.9 and 4.10: fits to points of a known exponent, and places
// on the rooflines of made-up machines.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// --- 4.9 ---

struct TrialLaw {
  double factor = 0;
  double exponent = 0;
  Array x;
  Array y;
};

// `points` points of a power law from x = `start` on, each off by up to
// `scatter` in its logarithm, in any order, over at least a factor of 10 in x.
struct LawKind {
  double exponent = 2;
  std::size_t points = 6;
  float start = 5;
  float scatter = 0;
};

TrialLaw RandomLaw(Random& random, const LawKind& kind) {
  // A factor such that y is a float32 whatever the exponent
  const double at_start = random.NextUniform(1, 1000);
  TrialLaw law = {.factor = at_start / std::pow(kind.start, kind.exponent),
                  .exponent = kind.exponent,
                  .x = {},
                  .y = {}};
  const double step =
      std::pow(10.0, 1.0 / static_cast<double>(kind.points - 1));
  std::vector<std::pair<float, float>> points;
  // Hundreds of wide steps would leave float32.
  const float widest = kind.points > 100 ? 1.01F : 1.3F;
  double at = kind.start;
  for (std::size_t i = 0; i < kind.points; ++i) {
    const auto x = static_cast<float>(at);
    const double off = random.NextUniform(-1, 1) * kind.scatter;
    points.emplace_back(
        x,
        static_cast<float>(
            at_start * std::pow(double{x} / double{kind.start}, kind.exponent) *
            std::exp(off)));
    at *= step * random.NextUniform(1, widest);
  }
  for (std::size_t i = points.size(); i > 1; --i) {
    std::swap(points[i - 1], points[random.NextBelow(i)]);
  }
  std::vector<float> xs;
  std::vector<float> ys;
  for (const auto& [x, y] : points) {
    xs.push_back(x);
    ys.push_back(y);
  }
  law.x = ArrayOf(xs);
  law.y = ArrayOf(ys);
  return law;
}

// Few points and many, near 1 and far from it, rising and falling.
void KnownExponents(Exam& exam) {
  Random& random = exam.Randomness();
  for (const LawKind& kind :
       {LawKind{.exponent = -1.5, .points = Between(random, 5, 9)},
        LawKind{.exponent = 0.5, .points = Between(random, 5, 9)},
        LawKind{.exponent = 1.5, .points = 3},
        LawKind{.exponent = 2.5, .points = 4, .start = 0.01F},
        LawKind{.exponent = -3.5, .points = 17, .start = 1e6F},
        LawKind{
            .exponent = 1.2, .points = Between(random, 40, 70), .start = 1e6F},
        LawKind{.exponent = 0.7, .points = Between(random, 260, 400)}}) {
    LawKind moved = kind;
    moved.exponent += random.NextUniform();
    const TrialLaw law = RandomLaw(random, moved);
    exam.Case(fmt::format("{} on a power law, from x = {:g} on",
                          Count(law.x.shape[0], "point"), kind.start));
    const Values answer =
        exam.AskStudent("power_law.fit", {law.x, law.y, 0.95});
    // The exponent first: a wrong one takes the factor with it.
    const double off = exam.Get<double>(answer, 1) - law.exponent;
    if (!(std::abs(off) <= exam.Setting("tolerance"))) {
      exam.Fail(
          fmt::format("the exponent is off by {:.3g}, {:.4g} times what "
                      "is right",
                      off, exam.Get<double>(answer, 1) / law.exponent));
    }
    const double log_factor = std::log(exam.Get<double>(answer, 0));
    const double right = std::log(law.factor);
    // As far as an exponent within the tolerance moves the line at x = 1
    const double reach = exam.Setting("tolerance") *
                         (1 + std::abs(std::log(double{kind.start})));
    if (!(std::abs(log_factor - right) <= reach)) {
      exam.Fail(fmt::format(
          "the exponent is right, and the factor is {:.6g} times what is "
          "right: the line has its height at log x = 0",
          std::exp(log_factor - right)));
    }
  }
}

void CompareFit(Exam& exam, const Answers& answers) {
  CompareDoubles(exam, answers, 1, "the exponent");
  CompareDoubles(exam, answers, 0, "the factor");
  const auto width = [&](const Values& answer) {
    return exam.Get<double>(answer, 3) - exam.Get<double>(answer, 2);
  };
  CompareDouble(exam, "the width of the interval", width(answers.student),
                width(answers.reference));
  CompareDoubles(exam, answers, 3, "the upper end of the interval");
}

void IntervalsOfExponents(Exam& exam) {
  Random& random = exam.Randomness();
  for (const double confidence : {0.95, 0.8, 0.99, 0.5, 0.999}) {
    for (const std::size_t points :
         {std::size_t{3}, std::size_t{4}, Between(random, 5, 9),
          Between(random, 17, 30), Between(random, 50, 70),
          Between(random, 260, 400)}) {
      const TrialLaw law =
          RandomLaw(random, {.exponent = 2,
                             .points = points,
                             .start = points % 2 == 0 ? 2.0F : 100.0F,
                             .scatter = 0.3F});
      exam.Case(fmt::format("{} that scatter, {:g} % confidence",
                            Count(points, "point"), 100 * confidence));
      CompareFit(exam,
                 exam.AskBoth("power_law.fit", {law.x, law.y, confidence}));
    }
  }
  exam.Case("points of which several share their x");
  CompareFit(
      exam, exam.AskBoth("power_law.fit", {ArrayOf({9, 3, 3, 9, 3}),
                                           ArrayOf({80, 9, 8, 90, 12}), 0.95}));
}

void FitRefusals(Exam& exam) {
  const TrialLaw law =
      RandomLaw(exam.Randomness(), {.exponent = 2, .scatter = 0.1F});
  exam.Case("points that allow a fit");
  CompareDoubles(exam, exam.AskBoth("power_law.fit", {law.x, law.y, 0.95}), 1,
                 "the exponent");
  exam.Case("points of which only the last has another x");
  CompareDoubles(exam,
                 exam.AskBoth("power_law.fit", {ArrayOf({3, 3, 3, 7}),
                                                ArrayOf({1, 2, 3, 9}), 0.95}),
                 1, "the exponent");
  exam.Case("points of equal times, which lie on x^0");
  const Values flat = exam.AskStudent(
      "power_law.fit", {ArrayOf({1, 2, 4}), ArrayOf({5, 5, 5}), 0.95});
  if (!(std::abs(exam.Get<double>(flat, 1)) <= exam.Setting("tolerance"))) {
    exam.Fail("the exponent is not 0");
  }
  exam.Case("");
  const auto refuse = [&](const std::vector<float>& x,
                          const std::vector<float>& y, const char* what) {
    exam.ExpectRefusal("power_law.fit", {ArrayOf(x), ArrayOf(y), 0.95}, what);
  };
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();
  refuse({1, 2}, {1, 4}, "a fit to two points");
  refuse({}, {}, "a fit to no points");
  refuse({1, 2, 3, 4}, {1, 4, 9}, "a fit to more x than y");
  refuse({1, 2, 3}, {1, 4, 9, 16}, "a fit to more y than x");
  refuse({3, 3, 3}, {1, 4, 9}, "a fit to points above each other");
  refuse({1, 2, 3}, {1, 0, 9}, "a fit to a time of 0");
  refuse({0, 2, 3}, {1, 4, 9}, "a fit to a length of 0");
  refuse({1, 2, -3}, {1, 4, 9}, "a fit to a negative length");
  refuse({1, 2, 3}, {-1, 4, 9}, "a fit to a negative time");
  refuse({1, 2, 3}, {1, 4, kInfinity}, "a fit to an infinite time");
  refuse({1, kInfinity, 3}, {1, 4, 9}, "a fit to an infinite length");
  refuse({1, 2, 3}, {1, kNotANumber, 9},
         "a fit to a time that is not a number");
  for (const double confidence : {0.0, 1.0, 95.0}) {
    exam.ExpectRefusal("power_law.fit", {law.x, law.y, confidence},
                       fmt::format("a confidence of {:g}", confidence));
  }
}

// --- 4.10 ---

struct TrialMachine {
  Integers sizes;
  Array speeds;
  double flop_per_s = 0;

  Question With(const Values& rest) const {
    Question question = {sizes, speeds, flop_per_s};
    for (const Value& value : rest) question.emplace_back(value);
    return question;
  }
};

TrialMachine RandomMachine(Random& random) {
  TrialMachine machine;
  std::vector<float> speeds;
  std::int64_t size = Int(Between(random, 1000, 2000));
  float speed = random.NextUniform(500, 900);
  for (std::size_t i = 0; i < 4; ++i) {
    machine.sizes.push_back(size);
    speeds.push_back(speed);
    size *= Int(Between(random, 3, 9));
    speed *= random.NextUniform(0.3F, 0.8F);
  }
  machine.speeds = ArrayOf(speeds);
  machine.flop_per_s = random.NextUniform(1000, 2000);
  return machine;
}

// Sizes from `unit` on, each larger than the one before by a random part of it.
TrialMachine MachineOf(Random& random, std::size_t sizes, std::size_t unit) {
  TrialMachine machine = {.sizes = {}, .speeds = {}, .flop_per_s = 1000};
  std::vector<float> speeds;
  std::size_t size = 0;
  for (std::size_t i = 0; i < sizes; ++i) {
    size += unit + random.NextBelow(unit);
    machine.sizes.push_back(Int(size));
    speeds.push_back(random.NextUniform(1, 900));
  }
  machine.speeds = ArrayOf(speeds);
  return machine;
}

// Exactly a size, one byte more, none and beyond all; of few sizes and many,
// also far beyond 32 bits, of which none is faster than another by rule.
void Bandwidths(Exam& exam) {
  Random& random = exam.Randomness();
  for (const TrialMachine& machine :
       {RandomMachine(random), MachineOf(random, 1, 1000),
        MachineOf(random, 20, 1000),
        MachineOf(random, 3, std::size_t{1} << 32U),
        MachineOf(random, 40, std::size_t{1} << 56U),
        MachineOf(random, 270, 1000)}) {
    const auto compare = [&](std::int64_t bytes, const char* about) {
      exam.Case(
          fmt::format("{}, {}", Count(machine.sizes.size(), "size"), about));
      CompareDoubles(exam,
                     exam.AskBoth("roofline.bandwidth", machine.With({bytes})),
                     0, "the bandwidth");
    };
    for (const std::int64_t size : machine.sizes) {
      compare(size, "a working set of a size that was measured");
      compare(size + 1,
              "a working set just too large for a size that was measured");
      compare(size - 1, "a working set just below a size that was measured");
    }
    compare(0, "a working set of no bytes");
    compare(-1, "a working set of 2^64 - 1 bytes");
  }
  exam.Case("");
  TrialMachine unmeasured = RandomMachine(random);
  unmeasured.sizes = {};
  unmeasured.speeds = ArrayOf({});
  exam.ExpectRefusal("roofline.bandwidth", unmeasured.With({std::int64_t{1}}),
                     "a machine of which no bandwidth was measured");
}

void ComparePlace(Exam& exam, const TrialMachine& machine, const Integers& work,
                  const Integers& traffic) {
  const Answers answers =
      exam.AskBoth("roofline.place", machine.With({work, traffic}));
  CompareDoubles(exam, answers, 0, "the number of FLOP");
  CompareDoubles(exam, answers, 1, "FLOP per byte");
  CompareDoubles(exam, answers, 2, "FLOP per byte at the ridge");
  CompareDoubles(exam, answers, 3, "the attainable FLOP/s");
  CompareDoubles(exam, answers, 4, "the least time");
  if (exam.Get<std::int64_t>(answers.student, 5) !=
      exam.Get<std::int64_t>(answers.reference, 5)) {
    exam.Fail("the other roof binds");
  }
}

// 64 B/s and 1,024 FLOP/s: the ridge is at 16 FLOP per byte, exactly.
void PlacesAtTheRidge(Exam& exam) {
  const TrialMachine machine = {
      .sizes = {4096}, .speeds = ArrayOf({64}), .flop_per_s = 1024};
  for (const std::int64_t bytes :
       {std::int64_t{4096}, std::int64_t{1} << 45U}) {
    for (const std::int64_t more : {-1, 0, 1}) {
      exam.Case(more == 0  ? "a pass exactly at the ridge"
                : more < 0 ? "a pass one MAC below the ridge"
                           : "a pass one MAC above the ridge");
      ComparePlace(exam, machine, {8 * bytes + more, 0, 0, 0, 0},
                   {bytes, 0, 0});
      // The same in parts of every kind.
      constexpr std::int64_t kPart = 300;
      ComparePlace(exam, machine,
                   {8 * bytes + more - 4 * kPart, kPart, kPart, kPart, kPart},
                   {bytes - 2 * kPart, kPart, kPart});
    }
  }
}

// One category of work and one kind of bytes at a time, beyond 32 bits.
void PlacesOfEveryKind(Exam& exam) {
  const TrialMachine machine = RandomMachine(exam.Randomness());
  for (std::size_t category = 0; category < 5; ++category) {
    for (std::size_t kind = 0; kind < 3; ++kind) {
      exam.Case("work of one category alone, bytes of one kind alone");
      Integers work(5, 0);
      Integers traffic(3, 0);
      work[category] =
          (std::int64_t{1} << 40U) + Int(exam.Randomness().NextBelow(99));
      traffic[kind] =
          (std::int64_t{1} << 38U) + Int(exam.Randomness().NextBelow(99));
      ComparePlace(exam, machine, work, traffic);
    }
  }
}

// Passes with few and many FLOP per byte whose working set has each size.
void PlacesOnMachine(Exam& exam, const TrialMachine& machine) {
  Random& random = exam.Randomness();
  const std::string sizes = Count(machine.sizes.size(), "bandwidth");
  for (const bool prefill : {false, true}) {
    for (const std::int64_t size : machine.sizes) {
      exam.Case(fmt::format("a machine with {}, a pass with {} FLOP per byte",
                            sizes, prefill ? "many" : "few"));
      const std::size_t bytes = static_cast<std::size_t>(size) / 3;
      const Integers traffic = Ints({bytes, bytes / 2, bytes / 4});
      Integers work;
      for (std::size_t i = 0; i < 5; ++i) {
        work.push_back(Int(bytes * Between(random, 1, 9)) *
                       (prefill ? 100 : 1) / 50);
      }
      ComparePlace(exam, machine, work, traffic);
    }
  }
}

void PlacesOnTheRoofline(Exam& exam) {
  const TrialMachine machine = RandomMachine(exam.Randomness());
  PlacesOnMachine(exam, machine);
  for (const std::size_t sizes : {1, 10, 70, 270}) {
    PlacesOnMachine(exam, MachineOf(exam.Randomness(), sizes, 1000));
  }
  PlacesAtTheRidge(exam);
  PlacesOfEveryKind(exam);
  exam.Case("");
  const auto refuse = [&](const TrialMachine& of, const Integers& work,
                          const Integers& traffic, const char* what) {
    exam.ExpectRefusal("roofline.place", of.With({work, traffic}), what);
  };
  const Integers some_work = {9, 9, 9, 9, 9};
  const Integers some_bytes = {9, 0, 0};
  refuse(machine, {0, 0, 0, 0, 0}, some_bytes, "a pass without work");
  refuse(machine, some_work, {0, 0, 0}, "a pass that moves nothing");
  TrialMachine flat = machine;
  flat.flop_per_s = 0;
  refuse(flat, some_work, some_bytes, "a peak of 0 FLOP/s");
  flat = machine;
  flat.speeds.values.front() = 0;
  refuse(flat, some_work, some_bytes, "a bandwidth of 0 bytes per second");
}

const RegisterChecks kFitChecks({
    AllOrNothing("power_law.exponent", {"tolerance"}, KnownExponents),
    AllOrNothing("power_law.interval", {"tolerance"}, IntervalsOfExponents),
    AllOrNothing("power_law.refusals", {"tolerance"}, FitRefusals),
    AllOrNothing("roofline.bandwidth", {"tolerance"}, Bandwidths),
    AllOrNothing("roofline.place", {"tolerance"}, PlacesOnTheRoofline),
});

}  // namespace

}  // namespace kvlab::grading
