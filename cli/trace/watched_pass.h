// One pass of a model, watched through the attention seam.
#ifndef KVLAB_CLI_TRACE_WATCHED_PASS_H_
#define KVLAB_CLI_TRACE_WATCHED_PASS_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/trace/finding.h"
#include "cli/trace/numbers.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/kv_cache.h"
#include "nlohmann/json.hpp"

namespace kvlab {

// The side that is right, and whose model it is.
struct Reference {
  std::shared_ptr<const Gpt2Weights> weights;
  RunNumbers run;
};

// A pass over the columns [begin, end) of the reference's tokens.
struct Pass {
  std::string name;
  std::size_t begin = 0;
  std::size_t end = 0;
  // Stops the pass, as an exception of the model would, after this layer.
  std::optional<std::size_t> break_after = {};
};

// What a run has shown so far.
// NOLINTNEXTLINE(bugprone-exception-escape): clang's error with nlohmann::json
struct Watched {
  std::string run;                    // its name
  std::size_t compared = 0;           // rows of numbers that agreed
  std::vector<Tensor3> outputs = {};  // of each layer, NaN where not reached
  std::optional<Finding> finding = {};
  nlohmann::json table = {};  // of the run, as it was at the finding
};

// Feeds the columns to the model, whatever attention it has, and compares what
// passes the seam, what its cache holds (if it has one) and the logits with
// the reference. Stops at the first difference, which `watched` then has.
// Returns whether there was none. The model has its attention back at the end.
// Throws NotImplemented as the model does.
bool RunPass(Gpt2& model, const Reference& reference, const Pass& pass,
             Watched& watched);

// Compares a cache, at rest between two passes, with the first `end` columns
// of the reference.
bool CheckCache(const KvCache& cache, const Reference& reference,
                std::size_t end, Watched& watched);

}  // namespace kvlab

#endif  // KVLAB_CLI_TRACE_WATCHED_PASS_H_
