// Whatever may be a model.safetensors.index.json, beside one sound shard.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "autograder/proof/fuzz/require.h"
#include "autograder/proof/fuzz/scratch_folder.h"
#include "kit/error.h"
#include "kit/model/checkpoint_tensors.h"

namespace kvlab::grading {
namespace {

std::vector<std::uint8_t> Shard() {
  const std::string header =
      R"({"a": {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]},)"
      R"( "b": {"dtype": "U8", "shape": [1], "data_offsets": [2, 3]}})";
  const std::uint64_t length = header.size();
  std::vector<std::uint8_t> bytes(sizeof(length));
  std::memcpy(bytes.data(), &length, sizeof(length));
  bytes.insert(bytes.end(), header.begin(), header.end());
  bytes.insert(bytes.end(), {1, 2, 3});
  return bytes;
}

const ScratchFolder& Folder() {
  static const ScratchFolder folder;
  static const auto shard = folder.Write("one.safetensors", Shard());
  return folder;
}

void Open(std::span<const std::uint8_t> input) {
  const ScratchFolder& folder = Folder();
  folder.Write("model.safetensors.index.json", input);
  try {
    const CheckpointTensors tensors = CheckpointTensors::Open(folder.Path());
    for (const char* name : {"a", "b", "c"}) {
      const auto found = tensors.Find(name);
      if (!found) continue;
      Require(found->file->Path().parent_path() == folder.Path(),
              "tensors come from the folder alone");
      Require(found->tensor->bytes.size() == found->tensor->shape.at(0),
              "a tensor has its bytes");
    }
  } catch (const DataError&) {
    // refused, with a reason
  }
}

}  // namespace
}  // namespace kvlab::grading

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  kvlab::grading::Open({data, size});
  return 0;
}
