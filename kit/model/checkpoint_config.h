// The sizes of a model, from the config.json beside its weights.
#ifndef KVLAB_KIT_MODEL_CHECKPOINT_CONFIG_H_
#define KVLAB_KIT_MODEL_CHECKPOINT_CONFIG_H_

#include <filesystem>

#include "kit/model/gpt2_weights.h"

namespace kvlab {

// Whether the head has its own weights.
enum class Head { kTied, kOwn };

struct CheckpointConfig {
  Gpt2Config model;
  Head head = Head::kTied;
};

// Reads a Hugging Face config.json of a GPT-2. The sizes are required; other
// keys default to those of GPT-2, as in Hugging Face's GPT2Config. Throws
// DataError, naming the file and the key, for a size that is missing, not
// positive or above 2^31 - 1, heads that do not divide n_embd, or a variant
// that kvlab does not support: another model_type, an activation other than
// GELU in its tanh form (under any of its five names), unscaled attention,
// attention scaled by layer, cross-attention, pruned heads, quantised weights.
// reorder_and_upcast_attn changes nothing: kvlab computes in float32.
CheckpointConfig ReadCheckpointConfig(const std::filesystem::path& path);

}  // namespace kvlab

#endif  // KVLAB_KIT_MODEL_CHECKPOINT_CONFIG_H_
