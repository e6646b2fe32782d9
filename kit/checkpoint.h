// Reads GPT-2 checkpoints in Hugging Face layout.
#ifndef KVLAB_KIT_CHECKPOINT_H_
#define KVLAB_KIT_CHECKPOINT_H_

#include <filesystem>
#include <memory>

#include "kit/gpt2_weights.h"
#include "kit/tokenizer.h"

namespace kvlab {

// Loads `directory`/config.json and `directory`/model.safetensors: F32, F16 or
// BF16 tensors, names with or without "transformer.", Conv1D weights
// [in, out]. The head is wte, whatever else the file holds, unless config.json
// says "tie_word_embeddings": false; then it is lm_head.weight. Tensors that
// the model does not need, such as the masks that published files carry along
// (h.0.attn.bias), are ignored.
// The file is mapped, and stays mapped as long as the weights live. The tables
// wte, wpe and lm_head are read where they lie, unless that is no multiple of
// their element size; the matrices of the blocks are copied into panels (see
// WeightMatrix::InPanels), and a head of 2 MiB or more to huge pages, in the
// type they are stored in. What has been copied is released from the mapping:
// no weight is held twice for longer than its matrix takes to copy. Biases and
// layer norms are widened to float32.
//
// Throws DataError, naming the file and the tensor, for whatever does not
// hold: a missing or truncated file, a header longer than the file, offsets
// that overlap or leave the file, a wrong dtype or shape, a missing tensor.
Gpt2Weights LoadGpt2(const std::filesystem::path& directory);

// A model and the tokenizer that was trained with it.
struct Checkpoint {
  std::shared_ptr<const Gpt2Weights> weights;
  Tokenizer tokenizer;
};

// LoadGpt2 and Tokenizer::Load of the same directory. Throws DataError also if
// the vocabulary has another size than the model's.
Checkpoint LoadCheckpoint(const std::filesystem::path& directory);

}  // namespace kvlab

#endif  // KVLAB_KIT_CHECKPOINT_H_
