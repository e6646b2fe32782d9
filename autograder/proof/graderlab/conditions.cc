#include "autograder/proof/graderlab/conditions.h"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "autograder/proof/graderlab/hogs.h"
#include "kit/kernels/instruction_set.h"
#include "kit/measure/roofline.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kWeights = std::size_t{7} << 20U;  // the shipped model's
// Hogs first write to their memory.
constexpr std::chrono::milliseconds kUntilTheyRead(300);

std::vector<Hog> HogsFor(OtherWork work, double duty) {
  const std::vector<std::size_t> cores = AllowedCores();
  std::vector<Hog> hogs;
  const auto add = [&](std::size_t first, Hog::Kind kind) {
    for (std::size_t i = first; i < cores.size(); ++i) {
      hogs.push_back({.kind = kind, .core = cores[i], .duty = duty});
    }
  };
  switch (work) {
    case OtherWork::kNone:
      break;
    case OtherWork::kComputing:
      add(1, Hog::Kind::kComputing);
      break;
    case OtherWork::kReading:
    case OtherWork::kSlowMemory:
      add(1, Hog::Kind::kReading);
      break;
    case OtherWork::kEverywhere:
      add(0, Hog::Kind::kComputing);
      break;
  }
  return hogs;
}

}  // namespace

const std::vector<Condition>& AllConditions() {
  static const std::vector<Condition> all = {
      {.name = "idle"},
      {.name = "wide", .wide_baseline = true},
      {.name = "one-core", .one_core = true},
      {.name = "one-core-wide", .wide_baseline = true, .one_core = true},
      {.name = "computing", .one_core = true, .other = OtherWork::kComputing},
      {.name = "reading", .one_core = true, .other = OtherWork::kReading},
      {.name = "slow-memory",
       .one_core = true,
       .other = OtherWork::kSlowMemory},
      {.name = "slow-memory-wide",
       .wide_baseline = true,
       .one_core = true,
       .other = OtherWork::kSlowMemory},
      {.name = "crowded", .other = OtherWork::kEverywhere},
  };
  return all;
}

std::string Impossible(const Condition& condition, std::size_t cores) {
  if (condition.wide_baseline &&
      BestInstructionSet() != InstructionSet::kAvx512) {
    return "this processor has no AVX-512";
  }
  const bool on_other_cores = condition.other != OtherWork::kNone &&
                              condition.other != OtherWork::kEverywhere;
  if (on_other_cores && cores < 2) return "there is no other core";
  return "";
}

Emulated::Emulated(const Condition& condition) {
  // Before the cores are restricted: hogs take the others.
  std::vector<Hog> hogs = HogsFor(condition.other, 1);
  if (condition.one_core) {
    cores_ = std::make_unique<OnCores>(std::vector{AllowedCores().front()});
  }
  const bool reads = condition.other == OtherWork::kReading ||
                     condition.other == OtherWork::kSlowMemory;
  const double alone = reads ? MeasureReadBandwidth(kWeights) : 1;
  const auto left = [&](double duty) {
    hogs_.reset();
    for (Hog& hog : hogs) hog.duty = duty;
    hogs_ = std::make_unique<Hogs>(hogs);
    if (!reads) return bandwidth_left_;
    std::this_thread::sleep_for(kUntilTheyRead);
    bandwidth_left_ = MeasureReadBandwidth(kWeights) / alone;
    return bandwidth_left_;
  };
  left(condition.other == OtherWork::kSlowMemory ? DutyForHalf(left) : 1);
}

}  // namespace kvlab::grading
