// What a difference usually means: a sentence for each kind, which says where
// to think and not what to write.
#ifndef KVLAB_CLI_TRACE_EXPLAIN_H_
#define KVLAB_CLI_TRACE_EXPLAIN_H_

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "cli/trace/finding.h"
#include "cli/trace/watched_pass.h"
#include "kit/tensor/tensor.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab {

// The input of a layer differs although all before it agree.
std::string InputMeans(std::size_t layer);

struct UsedPosition {
  std::size_t used = 0;
  std::size_t right = 0;
  std::size_t in_pass = 0;  // of the token, counted from the pass's first
};
std::string PositionMeans(const UsedPosition& position);

struct TwoLengths {
  std::size_t seen = 0;
  std::size_t right = 0;
  std::size_t capacity = 0;
};
std::string LengthMeans(const TwoLengths& lengths);
std::string ViewMeans(const TwoLengths& lengths);

// "the layers hold 6, 6, 0, 0".
std::vector<std::string> LengthNotes(const KvCache& cache);

std::string UnwrittenMeans(const Place& place);
// owner: what OwnerOf says.
std::string RowMeans(const std::string& owner);

// The keys that a query sees, where it should see others. `begin` is the first
// position of the pass.
std::string SeenKeysMean(const PositionRange& seen, const PositionRange& right,
                         std::size_t begin);

// The output of attention that differs, although its input and the cache agree.
struct OutputPlace {
  const Reference& reference;
  Place place;
  // The columns of the pass.
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Which keys it saw, which heads differ, and what that usually means. `output`
// is the row [C] that the student's attention returned.
Finding ExplainOutput(const OutputPlace& where, std::span<const float> output);

}  // namespace kvlab

#endif  // KVLAB_CLI_TRACE_EXPLAIN_H_
