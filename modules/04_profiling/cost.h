// Module 4: what a generation costs, counted before it runs: multiply-
// accumulates (MACs), as the kit's kernels count them, and bytes moved.
// B batch, P tokens cached before a pass, T new ones, S = P + T, d = d_model,
// V = vocab_size, L layers.
// Sources: work, Hoffmann et al. 2022, arXiv:2203.15556, appendix F, in FLOPs,
// 2 for each MAC (Kaplan et al. 2020, arXiv:2001.08361, Table 1, has the same
// linear layers, but only one of attention's two products); traffic, Shazeer
// 2019, arXiv:1911.02150, section 2.4; both together, Pope et al. 2022,
// arXiv:2211.05102, section 2.
#ifndef KVLAB_MODULES_04_PROFILING_COST_H_
#define KVLAB_MODULES_04_PROFILING_COST_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "kit/math/work.h"
#include "kit/model/caching.h"
#include "kit/model/gpt2_weights.h"
#include "modules/04_profiling/exact.h"

namespace kvlab {

// One call of Gpt2::Forward, for the logits of the last position.
struct ForwardPass {
  std::size_t batch = 1;
  std::size_t past_len = 0;  // P: tokens per row already in the cache
  std::size_t new_len = 0;   // T: tokens per row that are computed
  Caching caching = Caching::kOff;

  friend bool operator==(const ForwardPass&, const ForwardPass&) = default;
};

struct GenerationShape {
  std::size_t batch = 1;
  std::size_t prompt_len = 0;  // tokens per row
  std::size_t new_tokens = 0;  // tokens per row
};

// Task 4.3. The passes, in order, that Generate (kOff) or GenerateCached (kOn)
// makes: as many as there are new tokens, since the last one is never fed back.
// This list is the whole difference between the two. Cost: O(new_tokens).
// Throws ContractError if prompt_len is 0, or if 64 bits cannot count the
// tokens of a row in the last pass, prompt_len + new_tokens - 1.
std::vector<ForwardPass> PassesOf(const GenerationShape& generation,
                                  Caching caching);

// Task 4.4. The MACs of one pass by category, exactly those that the kit's
// products count (kit/math/work.h) when modules 1 to 3 run. A product of [m, k]
// and [k, n] takes m k n. The first row is given; derive the others:
//   qkv         B L T 3 d^2: B T tokens, d features in, 3 d out, L layers
//   attention   two products for each head: scores, and the weighted sum; every
//               query against every key, also those that the mask then hides;
//               attention that leaves those out, as module 1 allows, counts
//               less than this
//   projection  from the merged heads, d wide, to d again
//   mlp         two products: to d_mlp and back
//   head        to the logits of all V tokens; of the last position alone, and
//               not of every layer
// Padding is computed like any other token. Cost: O(1). Throws ContractError if
// a category does not fit 64 bits, or if past_len is not 0 without a cache:
// without one, nothing keeps those tokens.
WorkCounts PassWork(const Gpt2Config& config, const ForwardPass& pass);

// Task 4.4. The MACs of all passes of a generation, in O(new_tokens).
// Throws ContractError as PassesOf and PassWork do.
WorkCounts GenerationWork(const Gpt2Config& config,
                          const GenerationShape& generation, Caching caching);

// Bytes moved between memory and the processor if each moves only once.
// Not counted: activations, and the few rows of the embedding tables.
struct Traffic {
  std::uint64_t weights = 0;        // read
  std::uint64_t cache_read = 0;     // keys and values that attention reads
  std::uint64_t cache_written = 0;  // keys and values that are stored

  // Throws ContractError if the sum does not fit 64 bits.
  std::uint64_t Total() const {
    return (Exact(weights) + Exact(cache_read) + Exact(cache_written)).Value();
  }
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

// Task 4.5. The bytes that one pass moves. The first row is given; derive the
// others:
//   weights        every matrix of the blocks (4 d^2 + 2 d d_mlp elements
//                  each) and the head (d V), bytes_per_weight per element; and
//                  the float32 vectors: biases (5 d + d_mlp a block) and norms
//                  (4 d a block, 2 d at the end). Once a pass, whatever B and T
//                  are.
//   cache_read     with a cache: the keys and values of all tokens that the
//                  queries of a row attend to, in float32, in every layer;
//                  without one 0
//   cache_written  with a cache: the keys and values that this pass adds;
//                  without one 0
// Cost: O(1).
// Throws ContractError if past_len is not 0 without a cache, or if the total
// does not fit 64 bits.
Traffic PassTraffic(const Gpt2Config& config, const ForwardPass& pass,
                    std::size_t bytes_per_weight);

// Task 4.5. The bytes that all passes of a generation move, in O(new_tokens).
// Throws ContractError as PassesOf and PassTraffic do.
Traffic GenerationTraffic(const Gpt2Config& config,
                          const GenerationShape& generation, Caching caching,
                          std::size_t bytes_per_weight);

}  // namespace kvlab

#endif  // KVLAB_MODULES_04_PROFILING_COST_H_
