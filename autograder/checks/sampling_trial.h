// The distribution that Sample draws from, worked out by the checker, so that
// a check can stay away from numbers at which rounding decides.
#ifndef KVLAB_AUTOGRADER_CHECKS_SAMPLING_TRIAL_H_
#define KVLAB_AUTOGRADER_CHECKS_SAMPLING_TRIAL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kvlab::grading {

struct Sampling {
  double temperature = 0;
  std::size_t top_k = 0;
};

// One token and the uniform numbers for which it is drawn: [begin, end).
struct Slot {
  std::int64_t id = 0;
  double begin = 0;
  double end = 0;
};

// The slots of the tokens kept, by falling probability; the only one of a
// greedy choice is [0, 1).
std::vector<Slot> Slots(std::span<const float> logits,
                        const Sampling& sampling);

// The token drawn for `uniform`.
std::int64_t Drawn(const std::vector<Slot>& slots, double uniform);

// Whether the choice stays the same if every logit moves by up to `margin`:
// then code that rounds otherwise must draw the same token.
bool Clear(std::span<const float> logits, const Sampling& sampling,
           double uniform, double margin);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CHECKS_SAMPLING_TRIAL_H_
