// Every check of the rubric with false answers drawn at random. The entry ends
// the process if it finds a fault; the sanitizers do so too.
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace kvlab::grading {
namespace {

TEST(AnswersTest, NoAnswerDoesHarmToACheck) {
  constexpr std::uint32_t kSeed = 20240612;
  constexpr int kScripts = 4;  // for each check
  constexpr std::size_t kScriptBytes = 64;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 256 * kScripts; ++round) {
    // Half of the answers honest, so that checks get further.
    std::vector<std::uint8_t> input(1 + kScriptBytes);
    for (std::uint8_t& byte : input) {
      if (random() % 2 == 0) byte = static_cast<std::uint8_t>(random());
    }
    input[0] = static_cast<std::uint8_t>(round);
    ASSERT_EQ(LLVMFuzzerTestOneInput(input.data(), input.size()), 0);
  }
}

}  // namespace
}  // namespace kvlab::grading
