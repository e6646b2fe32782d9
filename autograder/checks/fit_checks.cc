// Module 4, tasks 4.9 and 4.10: fits to points of a known exponent, and places
// on the rooflines of made-up machines.
#include <cmath>
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

// --- 4.9 ---

struct TrialLaw {
  double factor = 0;
  double exponent = 0;
  Array x;
  Array y;
};

// Points of a power law, each off by up to `scatter` in its logarithm.
TrialLaw RandomLaw(Random& random, double exponent, float scatter) {
  TrialLaw law = {.factor = random.NextUniform(1, 1000),
                  .exponent = exponent,
                  .x = {},
                  .y = {}};
  std::vector<float> x;
  std::vector<float> y;
  float at = random.NextUniform(2, 9);
  const std::size_t points = Between(random, 5, 9);
  for (std::size_t i = 0; i < points; ++i) {
    const double off = random.NextUniform(-1, 1) * scatter;
    x.push_back(at);
    y.push_back(static_cast<float>(law.factor * std::pow(at, exponent) *
                                   std::exp(off)));
    at *= random.NextUniform(1.4F, 2.5F);
  }
  law.x = ArrayOf(x);
  law.y = ArrayOf(y);
  return law;
}

void KnownExponents(Exam& exam) {
  Random& random = exam.Randomness();
  for (const double low : {-1.5, 0.5, 1.5, 2.5}) {
    const TrialLaw law = RandomLaw(random, low + random.NextUniform(), 0);
    exam.Case(fmt::format("{} on a power law", Count(law.x.shape[0], "point")));
    const Values answer =
        exam.AskStudent("power_law.fit", {law.x, law.y, 0.95});
    CompareDouble(exam, "the factor", exam.Get<double>(answer, 0), law.factor);
    const double off = exam.Get<double>(answer, 1) - law.exponent;
    if (!(std::abs(off) <= exam.Setting("tolerance"))) {
      exam.Fail(fmt::format("the exponent is off by {:.3g}", off));
    }
  }
}

void IntervalsOfExponents(Exam& exam) {
  Random& random = exam.Randomness();
  for (const double confidence : {0.95, 0.8, 0.99}) {
    const TrialLaw law = RandomLaw(random, 2, 0.3F);
    exam.Case(fmt::format("{} that scatter, {:g} % confidence",
                          Count(law.x.shape[0], "point"), 100 * confidence));
    const Answers answers =
        exam.AskBoth("power_law.fit", {law.x, law.y, confidence});
    CompareDoubles(exam, answers, 1, "the exponent");
    const auto width = [&](const Values& answer) {
      return exam.Get<double>(answer, 3) - exam.Get<double>(answer, 2);
    };
    CompareDouble(exam, "the width of the interval", width(answers.student),
                  width(answers.reference));
    CompareDoubles(exam, answers, 3, "the upper end of the interval");
  }
}

void FitRefusals(Exam& exam) {
  const TrialLaw law = RandomLaw(exam.Randomness(), 2, 0.1F);
  exam.Case("points that allow a fit");
  CompareDoubles(exam, exam.AskBoth("power_law.fit", {law.x, law.y, 0.95}), 1,
                 "the exponent");
  exam.Case("");
  const auto refuse = [&](const std::vector<float>& x,
                          const std::vector<float>& y, const char* what) {
    exam.ExpectRefusal("power_law.fit", {ArrayOf(x), ArrayOf(y), 0.95}, what);
  };
  refuse({1, 2}, {1, 4}, "a fit to two points");
  refuse({1, 2, 3}, {1, 4}, "a fit to more x than y");
  refuse({3, 3, 3}, {1, 4, 9}, "a fit to points above each other");
  refuse({1, 2, 3}, {1, 0, 9}, "a fit to a time of 0");
  refuse({1, 2, -3}, {1, 4, 9}, "a fit to a negative length");
  refuse({1, 2, 3}, {1, 4, std::numeric_limits<float>::infinity()},
         "a fit to an infinite time");
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

void Bandwidths(Exam& exam) {
  const TrialMachine machine = RandomMachine(exam.Randomness());
  const auto compare = [&](std::int64_t bytes) {
    CompareDoubles(exam,
                   exam.AskBoth("roofline.bandwidth", machine.With({bytes})), 0,
                   "the bandwidth");
  };
  for (const std::int64_t size : machine.sizes) {
    exam.Case("a working set of a size that was measured");
    compare(size);
    exam.Case("a working set just too large for a size that was measured");
    compare(size + 1);
  }
  exam.Case("");
  TrialMachine unmeasured = machine;
  unmeasured.sizes = {};
  unmeasured.speeds = ArrayOf({});
  exam.ExpectRefusal("roofline.bandwidth", unmeasured.With({std::int64_t{1}}),
                     "a machine of which no bandwidth was measured");
}

void PlacesOnTheRoofline(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialMachine machine = RandomMachine(random);
  for (const bool prefill : {false, true}) {
    for (const std::int64_t size : machine.sizes) {
      exam.Case(prefill ? "a pass with many FLOP per byte"
                        : "a pass with few FLOP per byte");
      const std::size_t bytes = static_cast<std::size_t>(size) / 3;
      const Integers traffic = Ints({bytes, bytes / 2, bytes / 4});
      Integers work;
      for (std::size_t i = 0; i < 5; ++i) {
        work.push_back(Int(bytes * Between(random, 1, 9)) *
                       (prefill ? 100 : 1) / 50);
      }
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
  }
  exam.Case("");
  exam.ExpectRefusal("roofline.place",
                     machine.With({Ints({0, 0, 0, 0, 0}), Ints({9, 0, 0})}),
                     "a pass without work");
}

}  // namespace

Checks FitChecks() {
  return {
      AllOrNothing("power_law.exponent", {"tolerance"}, KnownExponents),
      AllOrNothing("power_law.interval", {"tolerance"}, IntervalsOfExponents),
      AllOrNothing("power_law.refusals", {"tolerance"}, FitRefusals),
      AllOrNothing("roofline.bandwidth", {"tolerance"}, Bandwidths),
      AllOrNothing("roofline.place", {"tolerance"}, PlacesOnTheRoofline),
  };
}

}  // namespace kvlab::grading
