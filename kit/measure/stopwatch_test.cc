#include "kit/measure/stopwatch.h"

#include <chrono>
#include <thread>

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

TEST(ThreadSecondsTest, CountsWhatTheThreadComputes) {
  const double before_s = ThreadSeconds();
  double now_s = before_s;
  while (now_s <= before_s) now_s = ThreadSeconds();
  EXPECT_GT(now_s, before_s);
}

TEST(ThreadSecondsTest, DoesNotCountASleep) {
  const Stopwatch watch;
  const double before_s = ThreadSeconds();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  // Falling asleep and waking up cost microseconds.
  EXPECT_LT(ThreadSeconds() - before_s, watch.Seconds() / 2);
}

}  // namespace
}  // namespace kvlab
