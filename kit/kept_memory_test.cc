#include "kit/kept_memory.h"

#include <sys/resource.h>

#include <cstddef>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab {
namespace {

// Pages that the system had to find while 32 blocks of 4 MB came and went.
long PagesOfBlocksThatComeAndGo() {
  constexpr std::size_t kBytes = std::size_t{4} << 20U;
  rusage before{};
  getrusage(RUSAGE_SELF, &before);
  for (int i = 0; i < 32; ++i) {
    std::vector<char> block(kBytes);
    for (std::size_t at = 0; at < kBytes; at += 4096) {
      static_cast<volatile char*>(block.data())[at] = 1;
    }
  }
  rusage after{};
  getrusage(RUSAGE_SELF, &after);
  return after.ru_minflt - before.ru_minflt;
}

// 1,024 pages once; without it, some of the 32 times.
TEST(KeepFreedMemoryTest, ABlockThatComesBackIsNotMappedAgain) {
  KeepFreedMemory();
  PagesOfBlocksThatComeAndGo();
  EXPECT_LT(PagesOfBlocksThatComeAndGo(), 512);
}

}  // namespace
}  // namespace kvlab
