// Numbers that a check measured, for the plots and leaderboards of reports.
#ifndef KVLAB_AUTOGRADER_EXAM_MEASUREMENT_H_
#define KVLAB_AUTOGRADER_EXAM_MEASUREMENT_H_

#include <cstddef>
#include <string>
#include <vector>

namespace kvlab::grading {

// What a speed check's share of points was given for: a multiple of the
// baseline's speed, from the course's table, or a share of the speed of the
// reference's own cache in the same pairs.
enum class SpeedRule {
  kNeither,  // no points
  kTable,    // it gives more than the other
  kReference,
  kBoth,  // the same from each
};

// "the table", "the reference", "both", "neither"
std::string SpeedRuleName(SpeedRule rule);

// Generations from one prompt, one after the other, in seconds.
struct TimedPair {
  double baseline = 0;  // the reference, recomputing everything
  double student = 0;
  double reference = 0;  // its own cache
};

// How many times faster `new_tokens` were generated than by recomputing
// everything.
struct SpeedupMeasurement {
  std::size_t new_tokens = 0;
  std::size_t pairs = 0;
  double median = 0;  // of the pairs; also least and most
  double least = 0;
  double most = 0;
  double reference = 0;  // the reference's own cache, in the same pairs
  // The median share of the reference's speed, pair by pair.
  double of_reference = 0;
  SpeedRule met = SpeedRule::kNeither;
  // The thresholds for full points and for the lowest tier, half of them.
  double full_from = 0;
  double half_from = 0;
  // All pairs that counted, in the order in which they were timed.
  std::vector<TimedPair> timed = {};
};

// Memory of a process beyond that before its cache was enabled.
struct CacheMemorySample {
  std::size_t tokens = 0;  // decoded so far
  double mib = 0;
};

struct CacheMemoryMeasurement {
  std::size_t batch = 0;
  double formula_mib = 0;
  std::vector<CacheMemorySample> samples = {};
};

struct Measurements {
  std::vector<SpeedupMeasurement> speedups = {};
  std::vector<CacheMemoryMeasurement> cache_memory = {};
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_MEASUREMENT_H_
