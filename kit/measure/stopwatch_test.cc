#include "kit/measure/stopwatch.h"

#include "gtest/gtest.h"

namespace kvlab {
namespace {

// Reads until the clock shows more than `seconds`.
double SecondsAfter(const Stopwatch& watch, double seconds) {
  double now_s = watch.Seconds();
  while (now_s <= seconds) now_s = watch.Seconds();
  return now_s;
}

TEST(StopwatchTest, GoesOn) {
  const Stopwatch watch;
  const double first_s = SecondsAfter(watch, 0);
  EXPECT_GT(SecondsAfter(watch, first_s), first_s);
}

TEST(StopwatchTest, RestartBeginsAgain) {
  const Stopwatch whole;
  Stopwatch part;
  SecondsAfter(part, 0);
  part.Restart();
  const double part_s = part.Seconds();
  EXPECT_LT(part_s, whole.Seconds());
}

}  // namespace
}  // namespace kvlab
