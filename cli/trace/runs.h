// The runs in which ./kvlab trace compares a cache with a model that has none.
#ifndef KVLAB_CLI_TRACE_RUNS_H_
#define KVLAB_CLI_TRACE_RUNS_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "cli/trace/watched_pass.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"

namespace kvlab {

struct TraceInput {
  std::shared_ptr<const Gpt2Weights> weights;
  std::vector<TokenId> prompt;
  std::size_t new_tokens = 0;
};

struct RunSummary {
  std::string name;
  std::size_t compared = 0;  // rows of numbers that agreed
};

// NOLINTNEXTLINE(bugprone-exception-escape): as Watched
struct TraceResult {
  std::vector<RunSummary> agreed;  // the runs without a difference, in order
  // Of the first run with a difference, if there is one.
  Watched differed = {};
  std::string model = {};  // whose numbers they are, if not the checkpoint's
  std::vector<TokenId> ids = {};  // the prompt and what follows it
};

// Runs the model in every way in which an error of a cache shows, from the
// simplest on, and stops at the first difference. The new tokens are those that
// the model without a cache finds likeliest, and both sides are fed them.
// Throws NotImplemented as the modules do, and ContractError if prompt and new
// tokens exceed the model's positions.
TraceResult TraceRuns(const TraceInput& input);

}  // namespace kvlab

#endif  // KVLAB_CLI_TRACE_RUNS_H_
