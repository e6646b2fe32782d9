#include "kit/measure/instruments.h"

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab {
namespace {

TEST(ProcessInstrumentsTest, TheClockGoesOn) {
  const Instruments instruments = ProcessInstruments();
  const double begin_s = instruments.now_s();
  double now_s = begin_s;
  for (std::size_t i = 0; i < 100'000'000 && now_s == begin_s; ++i) {
    now_s = instruments.now_s();
  }
  EXPECT_GT(now_s, begin_s);
}

TEST(ProcessInstrumentsTest, MemoryIsInUseOnceItIsWrittenTo) {
  const Instruments instruments = ProcessInstruments();
  constexpr std::size_t kBytes = 64U << 20U;
  const std::uint64_t before = instruments.memory_bytes();
  const std::vector<char> written(kBytes, 1);
  const std::uint64_t after = instruments.memory_bytes();
  // Or a compiler may leave out a vector that is never read.
  volatile std::size_t any = kBytes / 2;
  EXPECT_EQ(written[any], 1);
  // Other parts of the process may have shrunk by a little meanwhile.
  EXPECT_GT(after + (1U << 20U), before + written.size());
}

}  // namespace
}  // namespace kvlab
