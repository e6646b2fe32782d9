// The loss of a model on held-out text through a policy, and through the caches
// of module 5 at the same bytes.
#ifndef KVLAB_CLI_CONTEST_SCORING_H_
#define KVLAB_CLI_CONTEST_SCORING_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"

namespace kvlab::contest {

// What all are measured on: windows of text, each from an empty cache on.
struct Course {
  std::shared_ptr<const Gpt2Weights> weights;
  std::span<const TokenId> held_out;
  std::size_t window = 0;   // tokens that are read
  std::size_t windows = 0;  // at least 2; a token more than they have is there
};

// At most `windows` windows of at most `window` tokens, as far as the model's
// context and the text go. Throws DataError if that is fewer than 2.
Course CourseOf(std::shared_ptr<const Gpt2Weights> weights,
                std::span<const TokenId> held_out, std::size_t window,
                std::size_t windows);

struct Measured {
  std::string name;
  std::uint64_t bytes = 0;       // held at most
  std::uint64_t of_nothing = 0;  // of a policy: what its process has anyway
  std::vector<double> losses;    // nats per token, of each window
};

// Told before each window, for a line of progress.
using OnWindow = std::function<void(std::string_view name, std::size_t window)>;

// The bytes of a full cache of a window: 2 * layers * window * d_model * 4.
std::uint64_t FullBytes(const Course& course);

// The full cache, and module 5's caches that hold at most `bytes` bytes of keys
// and values by their formulas: the largest window, the same with sinks in it,
// and the largest budget of eviction. Eight bits of all tokens, too, also if
// they are more. What a task that is not done would measure is left out, but
// the full cache: NotImplemented.
std::vector<Measured> MeasureBars(const Course& course, std::uint64_t bytes,
                                  const OnWindow& on_window);

struct PolicyPrograms {
  std::filesystem::path policy;
  // The same program around a policy that keeps nothing.
  std::filesystem::path nothing;
};

struct Budget {
  std::uint64_t bytes = 0;
  double answer_seconds = 10;
};

// A process for each window. Its pages of data are limited to those of
// `nothing`, the budget, and kAllowance, rounded up to a page. `bytes` of the
// result: the most that it held beyond `nothing` at the end of a window.
// Throws PolicyFault, also if the process holds more than that limit, and
// DataError if the kernel does not enforce it.
Measured MeasurePolicy(const Course& course, const PolicyPrograms& programs,
                       const Budget& budget, const OnWindow& on_window);

// For malloc's headers and the ends of pages.
inline constexpr std::uint64_t kAllowance = 16384;

}  // namespace kvlab::contest

#endif  // KVLAB_CLI_CONTEST_SCORING_H_
