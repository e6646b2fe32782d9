// Whatever may lie in a checkpoint folder. The input is the length of
// config.json as u32, little-endian, then config.json, then the rest is
// model.safetensors.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "autograder/proof/fuzz/scratch_folder.h"
#include "kit/error.h"
#include "kit/model/checkpoint.h"
#include "kit/model/gpt2_weights.h"
#include "kit/testing/weights_testing.h"

namespace kvlab::grading {
namespace {

struct Files {
  std::span<const std::uint8_t> config;
  std::span<const std::uint8_t> model;
};

Files Split(std::span<const std::uint8_t> input) {
  std::uint32_t length = 0;
  if (input.size() < sizeof(length)) return {};
  std::memcpy(&length, input.data(), sizeof(length));
  const auto rest = input.subspan(sizeof(length));
  const std::size_t cut = std::min<std::size_t>(length, rest.size());
  return {.config = rest.first(cut), .model = rest.subspan(cut)};
}

void Load(const Files& files) {
  static const ScratchFolder folder;
  folder.Write("config.json", files.config);
  folder.Write("model.safetensors", files.model);
  try {
    TouchEverything(LoadGpt2(folder.Path()));
  } catch (const DataError&) {
    // refused, with a reason
  }
}

}  // namespace
}  // namespace kvlab::grading

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  kvlab::grading::Load(kvlab::grading::Split({data, size}));
  return 0;
}
