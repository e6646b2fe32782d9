// What ./kvlab trace reports: the first place where two runs differ.
#ifndef KVLAB_CLI_TRACE_FINDING_H_
#define KVLAB_CLI_TRACE_FINDING_H_

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"

namespace kvlab {

enum class FindingKind {
  kPosition,   // the tokens are embedded at other positions
  kInput,      // the numbers that reach a layer's attention
  kProjected,  // queries, keys or values of the same input
  kLength,     // how many tokens a cache says that it holds
  kView,       // the shape of Keys() or Values()
  kUnwritten,  // a row of the cache that was never written
  kRow,        // a row of the cache has other numbers
  kScores,     // attention sees other keys than it should
  kOutput,     // the result of attention, and no set of keys explains it
  kThrew,      // an exception where there should be a result
  kLogits,     // the end of the model
  kTokens,     // the tokens that were chosen
  kAttention,  // the model uses a cache that it should not, or none
};

// "position", "unwritten": the name in trace.json.
std::string_view NameOf(FindingKind kind);

// A place in the table of a run; what does not apply is left out. `position`
// counts all tokens of the row, padding too, as the rows of a cache do.
struct Place {
  std::optional<std::size_t> layer = {};
  std::optional<std::size_t> row = {};
  std::optional<std::size_t> position = {};
  std::optional<std::size_t> head = {};
};

// A range of positions: [begin, end).
struct PositionRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  friend bool operator==(const PositionRange&, const PositionRange&) = default;
};

struct Finding {
  FindingKind kind = FindingKind::kOutput;
  std::string tensor;  // "x", "queries", "keys", "values", "output", ...
  Place place = {};
  std::string run = {};   // which run: "one row: prefill, then steps"
  std::string pass = {};  // which of its passes: "step 2"
  // The numbers of both sides: a row of the tensor, or empty.
  std::vector<float> seen = {};
  std::vector<float> right = {};
  // Both sides in words, where they are not rows: "holds 5 tokens".
  std::string seen_text = {};
  std::string right_text = {};
  std::vector<std::string> notes = {};  // what else the numbers show
  std::string usually = {};             // what this usually means
};

// "layer 0, row 1, position 6, head 2".
std::string TextOf(const Place& place);

// "[0.12, -1.5, 0.33, nan, ...]": the first four.
std::string NumbersText(const std::vector<float>& numbers);

// The finding in a few lines.
std::string TextOf(const Finding& finding);

// For the page and for programs. NaN becomes null.
nlohmann::json JsonOf(const Finding& finding);

}  // namespace kvlab

#endif  // KVLAB_CLI_TRACE_FINDING_H_
