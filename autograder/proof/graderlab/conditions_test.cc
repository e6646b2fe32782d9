#include "autograder/proof/graderlab/conditions.h"

#include <cstddef>
#include <set>
#include <string>

#include "autograder/proof/graderlab/hogs.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

TEST(ConditionsTest, EachHasANameOfItsOwn) {
  std::set<std::string> names;
  for (const Condition& condition : AllConditions()) {
    names.insert(condition.name);
  }
  EXPECT_EQ(names.size(), AllConditions().size());
}

TEST(ConditionsTest, TheyVaryEverythingThatAMarkMustNotDependOn) {
  std::set<bool> wide;
  std::set<bool> one_core;
  std::set<OtherWork> other;
  for (const Condition& condition : AllConditions()) {
    wide.insert(condition.wide_baseline);
    one_core.insert(condition.one_core);
    other.insert(condition.other);
  }
  EXPECT_EQ(wide.size(), 2U);
  EXPECT_EQ(one_core.size(), 2U);
  EXPECT_EQ(other.size(), 5U);
}

TEST(ConditionsTest, AnotherCoreIsNeededOnlyByWhatRunsOnIt) {
  EXPECT_EQ(Impossible({.other = OtherWork::kComputing}, 1),
            "there is no other core");
  EXPECT_EQ(Impossible({.other = OtherWork::kComputing}, 2), "");
  EXPECT_EQ(Impossible({.other = OtherWork::kEverywhere}, 1), "");
  EXPECT_EQ(Impossible({.one_core = true}, 1), "");
}

TEST(ConditionsTest, HalfOfTheBandwidthIsFound) {
  // Others that read all of the time leave a quarter.
  EXPECT_NEAR(DutyForHalf([](double duty) { return 1 - 0.75 * duty; }), 2.0 / 3,
              1.0 / 32);
  // Whatever they do, they leave more than half.
  EXPECT_EQ(DutyForHalf([](double duty) { return 1 - 0.2 * duty; }), 1);
}

TEST(ConditionsTest, TheGraderMayUseAllCoresAgainAfterwards) {
  const auto before = AllowedCores();
  {
    const Emulated condition({.name = "test", .one_core = true});
    EXPECT_EQ(AllowedCores().size(), 1U);
    EXPECT_EQ(condition.BandwidthLeft(), 1);
  }
  EXPECT_EQ(AllowedCores(), before);
}

}  // namespace
}  // namespace kvlab::grading
