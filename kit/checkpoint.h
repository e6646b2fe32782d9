// Reads GPT-2 checkpoints in Hugging Face layout.
#ifndef KVLAB_KIT_CHECKPOINT_H_
#define KVLAB_KIT_CHECKPOINT_H_

#include <filesystem>

#include "kit/gpt2_weights.h"

namespace kvlab {

// Loads `directory`/config.json and `directory`/model.safetensors: F32, F16 or
// BF16 tensors, names with or without "transformer.", Conv1D weights
// [in, out], a head tied to wte unless lm_head.weight is there. The file is
// mapped, not copied, and stays mapped as long as the weights live.
//
// Throws DataError, naming the file and the tensor, for whatever does not
// hold: a missing or truncated file, a header longer than the file, offsets
// that overlap or leave the file, a wrong dtype or shape, a missing tensor.
Gpt2Weights LoadGpt2(const std::filesystem::path& directory);

}  // namespace kvlab

#endif  // KVLAB_KIT_CHECKPOINT_H_
