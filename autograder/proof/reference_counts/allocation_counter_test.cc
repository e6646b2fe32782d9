// The instrument behind "does not allocate": every form of new counts, and what
// one form allocated may be freed. Sanitizers see the latter.
#include "modules/03_memoization/allocation_counter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <new>
#include <numeric>
#include <tuple>
#include <vector>

namespace kvlab {
namespace {

struct alignas(64) Line {
  std::array<std::byte, 64> bytes;
};

struct Counted {
  std::uint64_t calls;
  std::uint64_t bytes;
};

Counted CountOf(const std::function<void()>& work) {
  const std::uint64_t calls = AllocationCount();
  const std::uint64_t bytes = AllocatedBytes();
  work();
  return {AllocationCount() - calls, AllocatedBytes() - bytes};
}

TEST(AllocationCounterTest, CountsEveryFormOfNew) {
  // Held in volatile pointers, or the compiler leaves out the pairs.
  const auto plain = CountOf([] {
    char* volatile one = new char;
    delete one;
    char* volatile many = new char[100];
    delete[] many;
  });
  EXPECT_EQ(plain.calls, 2U);
  EXPECT_EQ(plain.bytes, 101U);

  const auto without_exceptions = CountOf([] {
    char* volatile one = new (std::nothrow) char;
    delete one;
    char* volatile many = new (std::nothrow) char[100];
    delete[] many;
  });
  EXPECT_EQ(without_exceptions.calls, 2U);
  EXPECT_EQ(without_exceptions.bytes, 101U);

  const auto aligned = CountOf([] {
    Line* volatile one = new Line;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(one) % 64, 0U);
    delete one;
    Line* volatile many = new Line[3];
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(many) % 64, 0U);
    delete[] many;
  });
  EXPECT_EQ(aligned.calls, 2U);
  EXPECT_EQ(aligned.bytes, 256U);

  const auto aligned_without_exceptions = CountOf([] {
    Line* volatile one = new (std::nothrow) Line;
    delete one;
    Line* volatile many = new (std::nothrow) Line[3];
    delete[] many;
  });
  EXPECT_EQ(aligned_without_exceptions.calls, 2U);
  EXPECT_EQ(aligned_without_exceptions.bytes, 256U);
}

// Its buffer comes from new without exceptions.
TEST(AllocationCounterTest, CountsTheBufferOfAStableSort) {
  std::vector<int> values(1000);
  std::iota(values.rbegin(), values.rend(), 0);
  const auto sorting =
      CountOf([&values] { std::stable_sort(values.begin(), values.end()); });
  EXPECT_GE(sorting.calls, 1U);
  EXPECT_TRUE(std::is_sorted(values.begin(), values.end()));
}

TEST(AllocationCounterTest, RefusesAsTheLibraryDoes) {
  // Volatile, since the compiler knows that there cannot be so much.
  volatile std::size_t too_much = std::numeric_limits<std::size_t>::max() - 8;
  // The functions themselves: a new expression checks the size before.
  EXPECT_THROW(std::ignore = operator new(too_much), std::bad_alloc);
  EXPECT_THROW(std::ignore = operator new (too_much, std::align_val_t{64}),
               std::bad_alloc);
  EXPECT_EQ(operator new(too_much, std::nothrow), nullptr);
  EXPECT_EQ(operator new (too_much, std::align_val_t{64}, std::nothrow),
            nullptr);
}

}  // namespace
}  // namespace kvlab
