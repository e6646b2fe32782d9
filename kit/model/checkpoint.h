// Reads GPT-2 checkpoints in Hugging Face layout.
#ifndef KVLAB_KIT_MODEL_CHECKPOINT_H_
#define KVLAB_KIT_MODEL_CHECKPOINT_H_

#include <cstddef>
#include <filesystem>
#include <memory>

#include "kit/model/gpt2_weights.h"
#include "kit/tokenizer/tokenizer.h"

namespace kvlab {

// Loads `directory`/config.json and `directory`/model.safetensors, or the
// shards that model.safetensors.index.json names: F32, F16 or BF16 tensors,
// names with or without "transformer.", Conv1D weights [in, out]. A tensor
// stored once for several names (see SafeTensorsFile::Metadata) is found under
// each. The head is wte, unless config.json says "tie_word_embeddings": false;
// then it is lm_head.weight. A tied matrix may have either name; under both
// names it must be the same one. Tensors that the model does not need, such as
// the masks in published files (h.0.attn.bias), are ignored. The file is
// mapped, and stays mapped while the weights exist. The tables wte, wpe and
// lm_head are read in place, unless their address is not a multiple of their
// element size; the matrices of the blocks are copied into panels (see
// WeightMatrix::InPanels), and a head of 2 MiB or more to huge pages, in the
// type they are stored in. Copied pages are released from the mapping: no
// weight is held twice for longer than its matrix takes to copy. Biases and
// layer norms are widened to float32.
//
// Throws DataError, naming the file and the tensor, for any defect: a missing
// or truncated file, a header longer than the file, offsets that overlap or
// exceed the file, a wrong dtype or shape, a missing tensor.
Gpt2Weights LoadGpt2(const std::filesystem::path& directory);

// A model and the tokenizer that was trained with it.
struct Checkpoint {
  std::shared_ptr<const Gpt2Weights> weights;
  Tokenizer tokenizer;
  // Rows of the stored embedding without a token: vocabularies are padded to
  // multiples of 64 or more, for speed. These rows are left out of wte and the
  // head, so weights->config.vocab_size is tokenizer.VocabSize(), and sampling
  // cannot choose an id that is not a token.
  std::size_t rows_without_token = 0;
};

// LoadGpt2 and Tokenizer::Load of the same directory. Added tokens beyond the
// model's rows are dropped: the model was not trained on them. Also throws
// DataError if another token is beyond these rows, or if fewer than half of the
// rows have a token: that vocabulary belongs to another model.
Checkpoint LoadCheckpoint(const std::filesystem::path& directory);

}  // namespace kvlab

#endif  // KVLAB_KIT_MODEL_CHECKPOINT_H_
