// The distribution that Sample draws from, computed by the checker. Checks use
// it to avoid numbers at which rounding decides.
#ifndef KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_SAMPLING_TRIAL_H_
#define KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_SAMPLING_TRIAL_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
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

// Explains wrong draws to their author: the parameters that they would be right
// for, and which are right: "these are the draws of temperature 1; 2 of 9 are
// right".
//   uniforms: one for each of `drawn`
std::string WordsForDraws(std::span<const float> logits,
                          const Sampling& sampling,
                          std::span<const double> uniforms,
                          std::span<const std::int64_t> drawn);

// The same for one token of each row of `logits`, a list of [vocab].
std::string WordsForRows(std::span<const std::vector<float>> logits,
                         const Sampling& sampling,
                         std::span<const double> uniforms,
                         std::span<const std::int64_t> drawn);

// Whether the choice stays the same if every logit moves by up to `margin`.
// Then code that rounds differently must draw the same token.
bool Clear(std::span<const float> logits, const Sampling& sampling,
           double uniform, double margin);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_02_TRANSFORMER_SAMPLING_TRIAL_H_
