// Numbers of a right model without a cache, recorded for the shipped
// checkpoint, so that an error of modules 1 and 2 is found where it begins.
#ifndef KVLAB_CLI_TRACE_RECORDED_H_
#define KVLAB_CLI_TRACE_RECORDED_H_

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "cli/trace/numbers.h"
#include "cli/trace/watched_pass.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/token_batch.h"
#include "nlohmann/json.hpp"

namespace kvlab {

// A recording has no tensors, only a digest of each row of them: its first two
// numbers, and the sum of all with random signs, divided by the square root of
// their number. Any one wrong number changes the sum.
using Digest = std::vector<float>;
Digest DigestOf(std::span<const float> row);

// What RunUncached gave, as digests, and for which model and tokens.
struct RecordedRun {
  Digest model;       // of the checkpoint, see Fits
  TokenBatch tokens;  // two rows, one with padding
  nlohmann::json layers;
  nlohmann::json logits;

  // Whether this is the checkpoint that was recorded.
  bool Fits(const Gpt2Weights& weights) const;
};

// Records a run.
nlohmann::json RecordingOf(const Gpt2Weights& weights, const RunNumbers& run);

// Nothing if there is no such file. Throws DataError if it is not a recording.
std::optional<RecordedRun> ReadRecorded(const std::filesystem::path& file);

// Runs the model without a cache over the recorded tokens, and finds the first
// difference: in order of layers, and within one input, queries, keys, values,
// what each head attends to, output.
Watched CompareRecorded(const RecordedRun& recorded,
                        const std::shared_ptr<const Gpt2Weights>& weights);

}  // namespace kvlab

#endif  // KVLAB_CLI_TRACE_RECORDED_H_
