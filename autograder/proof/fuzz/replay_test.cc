// A fuzzer's corpus with the course's own compiler, and damage done to it. The
// entry ends the process if it finds a fault; the sanitizers do so too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include "autograder/proof/fuzz/mutation.h"
#include "gtest/gtest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size);

namespace kvlab::grading {
namespace {

using Input = std::vector<std::uint8_t>;

// In the order of their names.
std::vector<Input> Corpus() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(KVLAB_CORPUS)) {
    files.push_back(entry.path());
  }
  std::ranges::sort(files);
  std::vector<Input> corpus;
  for (const auto& file : files) {
    std::ifstream stream(file, std::ios::binary);
    corpus.emplace_back(std::istreambuf_iterator<char>(stream),
                        std::istreambuf_iterator<char>());
  }
  return corpus;
}

TEST(ReplayTest, TheCorpusDoesNoHarm) {
  const std::vector<Input> corpus = Corpus();
  EXPECT_GE(corpus.size(), 5U);
  for (const Input& input : corpus) {
    EXPECT_EQ(LLVMFuzzerTestOneInput(input.data(), input.size()), 0);
  }
}

TEST(ReplayTest, ADamagedCorpusDoesNoHarm) {
  constexpr std::uint32_t kSeed = 20240611;
  constexpr int kRounds = 3000;
  std::mt19937 random(kSeed);
  const std::vector<Input> corpus = Corpus();
  for (int round = 0; round < kRounds; ++round) {
    Input input = corpus[static_cast<std::size_t>(round) % corpus.size()];
    Mutate(random, input);
    ASSERT_EQ(LLVMFuzzerTestOneInput(input.data(), input.size()), 0);
  }
}

}  // namespace
}  // namespace kvlab::grading
