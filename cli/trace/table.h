// The memo table of a run, for the page: one entry for each layer, position and
// head, with its state and the first numbers of both sides.
#ifndef KVLAB_CLI_TRACE_TABLE_H_
#define KVLAB_CLI_TRACE_TABLE_H_

#include <vector>

#include "cli/trace/finding.h"
#include "cli/trace/numbers.h"
#include "kit/tensor/tensor.h"
#include "modules/03_memoization/kv_cache.h"
#include "nlohmann/json.hpp"

namespace kvlab {

struct TableSource {
  const RunNumbers& right;
  const KvCache* cache = nullptr;  // null: the table has no keys and values
  const std::vector<Tensor3>& outputs;  // NaN where not reached; or empty
  const Finding& finding;
};

// {"row", "left_pad", "first", "ids", "layers", "tensors": [{"name", "heads",
//   "cells": [layer][head][position] = {"state", "seen", "right"}}]}
// of the finding's row, for up to kTablePositions positions around it. "state"
// is "agrees", "differs", "unwritten" (NaN), "later" (not there yet) or
// "padding".
nlohmann::json TableOf(const TableSource& source);

inline constexpr std::size_t kTablePositions = 48;

}  // namespace kvlab

#endif  // KVLAB_CLI_TRACE_TABLE_H_
