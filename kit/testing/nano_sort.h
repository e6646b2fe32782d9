// A trained minGPT that sorts six letters, and what it computes on the way:
// real weights and published activations to compare with.
// Source: https://github.com/bbycroft/llm-viz (MIT), which shows this model.
#ifndef KVLAB_KIT_TESTING_NANO_SORT_H_
#define KVLAB_KIT_TESTING_NANO_SORT_H_

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

// testdata/gpt-nano-sort/model.json as GPT-2's weights: 3 layers, 3 heads,
// width 48, vocabulary 3 (A, B, C), context 11, and a separate head. Linear
// weights are [out, in]; the masks that the file carries along are left out.
//
// It was trained on sequences of 11: six letters, then five of the six sorted
// ones; from position 5 on its greedy tokens are the letters in order.
Gpt2Weights LoadNanoSort();

// testdata/gpt-nano-sort/partials.json: the activations of a batch of 3 x 11
// tokens. Except for block1 and block2 those of a block are block 0's.
//
//   tok_emb [3,11,48]  pos_emb [1,11,48]  x [3,11,48], their sum
//   ln1 [3,11,48]  qkv [3,11,144]  q, k, v [3,3,11,16]
//   att [3,3,11,11], scaled scores, -infinity where masked; attSm, its softmax
//   y [3,11,48], merged heads  yProj [3,11,48]  attnResid [3,11,48], x + yProj
//   ln2 [3,11,48]  fc, gelu [3,11,192]  mlp [3,11,48]
//   mlpResid = block0 [3,11,48]  block1  block2
//   ln_f [3,11,48]  lm_head [3,11,3], the logits  probs [3,11,3]
class NanoSortActivations {
 public:
  static NanoSortActivations Load();

  // The token ids, [3, 11].
  Tokens Idx() const;
  // One of the tensors above by name. Throws ContractError if there is none of
  // that name and number of axes.
  Tensor3 Get3(const std::string& name) const;
  Tensor4 Get4(const std::string& name) const;

 private:
  struct Array {
    std::vector<std::size_t> shape;
    std::vector<float> values;
  };
  const Array& Find(const std::string& name, std::size_t axes) const;

  std::map<std::string, Array> arrays_;
};

}  // namespace kvlab

#endif  // KVLAB_KIT_TESTING_NANO_SORT_H_
