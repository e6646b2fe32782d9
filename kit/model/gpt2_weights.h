// GPT-2's parameters, named as the checkpoint names them.
// Source: Radford et al. 2019, "Language Models are Unsupervised Multitask
// Learners", section 2.3; names from the Hugging Face checkpoint.
#ifndef KVLAB_KIT_MODEL_GPT2_WEIGHTS_H_
#define KVLAB_KIT_MODEL_GPT2_WEIGHTS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"

namespace kvlab {

struct Gpt2Config {
  std::size_t num_layers = 0;     // n_layer
  std::size_t num_heads = 0;      // n_head
  std::size_t d_model = 0;        // n_embd = num_heads * head_dim
  std::size_t d_mlp = 0;          // n_inner, 4 * n_embd unless given
  std::size_t max_positions = 0;  // n_positions
  std::size_t vocab_size = 0;
  float layer_norm_epsilon = 1e-5F;

  std::size_t HeadDim() const { return d_model / num_heads; }
};

// x -> x * weight + bias. An empty bias means none.
struct LinearWeights {
  WeightMatrix weight;
  Tensor1 bias;
};

struct LayerNormWeights {
  Tensor1 weight;  // [d_model]
  Tensor1 bias;    // [d_model]
};

struct AttentionWeights {
  LinearWeights c_attn;  // d_model -> 3 * d_model: queries, keys, values
  LinearWeights c_proj;  // d_model -> d_model
};

struct MlpWeights {
  LinearWeights c_fc;    // d_model -> d_mlp
  LinearWeights c_proj;  // d_mlp -> d_model
};

struct BlockWeights {
  LayerNormWeights ln_1;
  AttentionWeights attn;
  LayerNormWeights ln_2;
  MlpWeights mlp;
};

struct Gpt2Weights {
  Gpt2Config config;
  // As a map d_model -> vocab_size; CopyOutputRow(id) is the embedding of id.
  WeightMatrix wte;
  // As a map d_model -> max_positions; CopyOutputRow(p) is position p.
  WeightMatrix wpe;
  std::vector<BlockWeights> blocks;
  LayerNormWeights ln_f;
  // The head, d_model -> vocab_size. Shares wte's bytes when tied.
  WeightMatrix lm_head;

  // Bytes of all parameters in their stored types; a tied head counts once.
  std::uint64_t Bytes() const;
};

}  // namespace kvlab

#endif  // KVLAB_KIT_MODEL_GPT2_WEIGHTS_H_
