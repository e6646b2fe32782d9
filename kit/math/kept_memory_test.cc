#include "kit/math/kept_memory.h"

#include <sys/resource.h>

#include <cstddef>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab {
namespace {

// Page faults while four blocks of 40 MB are allocated and freed. By default,
// malloc returns every block above 32 MB to the system.
long PagesOfBlocksThatComeAndGo() {
  constexpr std::size_t kBytes = std::size_t{40} << 20U;
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  for (int i = 0; i < 4; ++i) {
    std::vector<char> block(kBytes);
    for (std::size_t at = 0; at < kBytes; at += 4096) {
      static_cast<volatile char*>(block.data())[at] = 1;
    }
  }
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  return after.ru_minflt - before.ru_minflt;
}

// A block has 10,240 pages; by default they are mapped again each time.
TEST(KeepFreedMemoryTest, ABlockThatComesBackIsNotMappedAgain) {
  KeepFreedMemory();
  PagesOfBlocksThatComeAndGo();
  EXPECT_LT(PagesOfBlocksThatComeAndGo(), 512);
}

}  // namespace
}  // namespace kvlab
