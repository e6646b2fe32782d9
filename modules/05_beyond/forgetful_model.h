// For tests: attention that forgets, on plain lists and in double. All tokens
// are there, and a rule says which of them a token may still see.
#ifndef KVLAB_MODULES_05_BEYOND_FORGETFUL_MODEL_H_
#define KVLAB_MODULES_05_BEYOND_FORGETFUL_MODEL_H_

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

namespace kvlab {

// A whole sequence of each row, row-major.
struct PlainTokens {
  std::size_t batch = 0;
  std::size_t heads = 0;
  std::size_t kv_heads = 0;
  std::size_t tokens = 0;
  std::size_t head_dim = 0;
  std::span<const float> queries;         // [batch, heads, tokens, head_dim]
  std::span<const float> keys;            // [batch, kv_heads, tokens, head_dim]
  std::span<const float> values;          // [batch, kv_heads, tokens, head_dim]
  std::span<const std::size_t> left_pad;  // [batch] or empty
};

// A token that one head still has.
struct PlainHeld {
  std::size_t position = 0;  // among the tokens of its row, without padding
  double probability = 0;    // so far, from all queries of the group
};

// Takes away what is forgotten before the token at `position` comes.
using ForgetRule =
    std::function<void(std::vector<PlainHeld>& held, std::size_t position)>;

struct PlainRun {
  std::vector<float> attended;  // [batch, heads, tokens, head_dim]
  // By row * kv_heads + key/value head: what is held after the last token, by
  // position.
  std::vector<std::vector<PlainHeld>> held;
};

PlainRun RunForgetful(const PlainTokens& tokens, const ForgetRule& forget);

// Positions below `sinks` and the newest ones stay.
struct PlainWindow {
  std::size_t newest = 0;
  std::size_t sinks = 0;
};
ForgetRule WindowRule(const PlainWindow& window);

// A head that holds `tokens` of them gives one up: none of the newest - 1
// latest; of the others the one with the smallest probability, the latest of
// equal ones. If smallest_gap is given, it becomes the smallest difference
// between that probability and the next that this rule has met, where there
// were two: below it, rounding decides.
struct PlainBudget {
  std::size_t tokens = 0;
  std::size_t newest = 0;
};
ForgetRule EvictionRule(const PlainBudget& budget,
                        double* smallest_gap = nullptr);

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_FORGETFUL_MODEL_H_
