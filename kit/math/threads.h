// How many threads the products use. Each computes its own output features or
// heads, so the results are the same, bit by bit, for every number of threads.
#ifndef KVLAB_KIT_MATH_THREADS_H_
#define KVLAB_KIT_MATH_THREADS_H_

#include <cstddef>

namespace kvlab {

// 1 unless another number was chosen.
std::size_t Threads();

// From now on this process uses `threads`. Throws ContractError for 0 or more
// than kMostThreads.
inline constexpr std::size_t kMostThreads = 1024;
void SetThreads(std::size_t threads);

namespace internal {

using RangeFunction = void (*)(const void* context, std::size_t begin,
                               std::size_t end);
void ForRanges(std::size_t count, RangeFunction function, const void* context);

}  // namespace internal

// Calls function(begin, end) for ranges that make up [0, count), one for each
// thread, at the same time; returns when all have returned, and rethrows an
// exception if any threw. Nested calls do not split again. Allocates nothing
// itself.
template <typename Function>
void ForRanges(std::size_t count, const Function& function) {
  internal::ForRanges(
      count,
      [](const void* context, std::size_t begin, std::size_t end) {
        (*static_cast<const Function*>(context))(begin, end);
      },
      &function);
}

}  // namespace kvlab

#endif  // KVLAB_KIT_MATH_THREADS_H_
