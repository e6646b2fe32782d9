// Counts work instead of timing it. Every kernel of kit/math/linear_algebra.h
// adds the multiply-accumulates (MACs) that it does to one of five categories,
// so that "the cache saves work" can be checked without a clock.
// 1 MAC is 2 FLOPs.
#ifndef KVLAB_KIT_MATH_WORK_H_
#define KVLAB_KIT_MATH_WORK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kvlab {

// The part of the transformer that a product belongs to.
enum class Work : std::size_t {
  kQkv,         // x -> queries, keys, values
  kAttention,   // queries x keys, probs x values
  kProjection,  // merged heads -> d_model
  kMlp,         // both layers of the MLP
  kHead,        // d_model -> logits
};

inline constexpr std::size_t kWorkCategories = 5;

// "qkv", "attention", "projection", "mlp", "head"
std::string_view WorkName(Work work);

// MACs by category, indexed by Work.
struct WorkCounts {
  std::array<std::uint64_t, kWorkCategories> macs{};

  std::uint64_t operator[](Work work) const {
    return macs[static_cast<std::size_t>(work)];
  }
  // Throws ContractError if the sum does not fit 64 bits.
  std::uint64_t Total() const;

  friend WorkCounts operator-(const WorkCounts& after,
                              const WorkCounts& before);
  // Throws ContractError if a sum does not fit 64 bits.
  friend WorkCounts operator+(const WorkCounts& a, const WorkCounts& b);
  friend bool operator==(const WorkCounts&, const WorkCounts&) = default;
};

// Everything counted by this process so far; subtract two readings for the work
// between them. Safe to call from any thread.
WorkCounts CountedWork();

// Called by the kernels, and by code that multiplies in its own loop. Throws
// ContractError, counting nothing, for 2^48 or more: no call does that much,
// but a negative number would look like it.
void CountMacs(Work work, std::uint64_t macs);

}  // namespace kvlab

#endif  // KVLAB_KIT_MATH_WORK_H_
