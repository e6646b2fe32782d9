// What loading a checkpoint costs in memory: its weights, once.
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "kit/model/checkpoint.h"
#include "kit/model/gpt2_weights.h"
#include "kit/testing/checkpoint_testing.h"

namespace kvlab {
namespace {

constexpr std::size_t kLayers = 3;
constexpr std::size_t kModel = 512;
constexpr std::size_t kVocabulary = 16384;
constexpr std::size_t kPositions = 64;

// 72 MB: large enough for huge pages, and far more than the test needs
// otherwise.
TinyCheckpoint LargeCheckpoint() {
  TinyCheckpoint checkpoint;
  checkpoint.config["n_layer"] = kLayers;
  checkpoint.config["n_embd"] = kModel;
  checkpoint.config["n_positions"] = kPositions;
  checkpoint.config["vocab_size"] = kVocabulary;
  checkpoint.config.erase("n_inner");
  checkpoint.config.erase("n_ctx");
  checkpoint.header.clear();
  checkpoint.data.clear();
  checkpoint.next_element = 0;
  checkpoint.AddTensor("wte.weight", "F32", {kVocabulary, kModel});
  checkpoint.AddTensor("wpe.weight", "F32", {kPositions, kModel});
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    const std::string h = "h." + std::to_string(layer) + ".";
    const auto linear = [&](const std::string& name, std::size_t in,
                            std::size_t out) {
      checkpoint.AddTensor(h + name + ".weight", "F32", {in, out});
      checkpoint.AddTensor(h + name + ".bias", "F32", {out});
    };
    for (const char* norm : {"ln_1", "ln_2"}) {
      checkpoint.AddTensor(h + norm + ".weight", "F32", {kModel});
      checkpoint.AddTensor(h + norm + ".bias", "F32", {kModel});
    }
    linear("attn.c_attn", kModel, 3 * kModel);
    linear("attn.c_proj", kModel, kModel);
    linear("mlp.c_fc", kModel, 4 * kModel);
    linear("mlp.c_proj", 4 * kModel, kModel);
  }
  checkpoint.AddTensor("ln_f.weight", "F32", {kModel});
  checkpoint.AddTensor("ln_f.bias", "F32", {kModel});
  return checkpoint;
}

// A line of /proc/self/status, in bytes.
std::uint64_t StatusBytes(const std::string& name) {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != name + ":") continue;
    std::uint64_t kibibytes = 0;
    status >> kibibytes;
    return kibibytes * 1024;
  }
  return 0;
}

TEST(LoadGpt2MemoryTest, HoldsTheWeightsOnceAlsoWhileItCopiesThem) {
  // Given a checkpoint in a file, and the peak of memory reset
  std::filesystem::path folder;
  float first_of_wte = 0;
  float first_of_c_fc = 0;
  {
    const TinyCheckpoint checkpoint = LargeCheckpoint();
    folder = checkpoint.Write();
    first_of_wte = checkpoint.FirstElement("wte.weight");
    first_of_c_fc = checkpoint.FirstElement("h.1.mlp.c_fc.weight");
  }
  std::ofstream("/proc/self/clear_refs") << "5" << std::flush;
  const std::uint64_t before = StatusBytes("VmRSS");
  ASSERT_GT(before, 0U);

  // When it is loaded
  const Gpt2Weights weights = LoadGpt2(folder);

  // Then the right numbers are there, and the peak is the weights and less
  // than a quarter of them besides: the largest matrix of a block, 4 MB, is
  // held twice while it is copied.
  EXPECT_EQ(weights.wte.At(0, 0), first_of_wte);
  EXPECT_EQ(weights.blocks[1].mlp.c_fc.weight.At(0, 0), first_of_c_fc);
  const std::uint64_t peak = StatusBytes("VmHWM") - before;
  EXPECT_GT(peak, weights.Bytes() / 2) << "the peak was not measured";
  EXPECT_LT(peak, weights.Bytes() + weights.Bytes() / 4);
}

}  // namespace
}  // namespace kvlab
