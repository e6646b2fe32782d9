#include "cli/trace/table.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>

namespace kvlab {
namespace {

constexpr std::size_t kShownNumbers = 4;

nlohmann::json First(std::span<const float> numbers) {
  nlohmann::json json = nlohmann::json::array();
  for (std::size_t i = 0; i < numbers.size() && i < kShownNumbers; ++i) {
    if (std::isfinite(numbers[i])) {
      json.push_back(numbers[i]);
    } else {
      json.push_back(nullptr);
    }
  }
  return json;
}

struct Columns {
  std::size_t begin = 0;
  std::size_t end = 0;
};

Columns Around(std::size_t position, std::size_t length) {
  if (length <= kTablePositions) return {0, length};
  const std::size_t before = kTablePositions / 2;
  const std::size_t begin = std::min(position > before ? position - before : 0,
                                     length - kTablePositions);
  return {begin, begin + kTablePositions};
}

// Where a row of numbers is; an empty seen row is not there yet.
struct TwoRows {
  std::span<const float> seen;
  std::span<const float> right;
};
using RowsAt = std::function<TwoRows(std::size_t layer, std::size_t head,
                                     std::size_t position)>;

struct TensorShape {
  std::string name;
  std::size_t layers = 0;
  std::size_t heads = 0;
  Columns columns = {};
};

nlohmann::json CellsOf(const TensorShape& shape, std::size_t left_pad,
                       const RowsAt& rows_at) {
  nlohmann::json layers = nlohmann::json::array();
  for (std::size_t l = 0; l < shape.layers; ++l) {
    float scale = 0;
    for (std::size_t h = 0; h < shape.heads; ++h) {
      for (std::size_t s = left_pad; s < shape.columns.end; ++s) {
        scale = std::max(scale, Largest(rows_at(l, h, s).right));
      }
    }
    nlohmann::json heads = nlohmann::json::array();
    for (std::size_t h = 0; h < shape.heads; ++h) {
      nlohmann::json cells = nlohmann::json::array();
      for (std::size_t s = shape.columns.begin; s < shape.columns.end; ++s) {
        const TwoRows rows = rows_at(l, h, s);
        std::string state = "differs";
        if (s < left_pad) {
          state = "padding";
        } else if (rows.seen.empty()) {
          state = "later";
        } else if (AllNan(rows.seen)) {
          state = "unwritten";
        } else if (Agree(rows.seen, rows.right, scale)) {
          state = "agrees";
        }
        cells.push_back({{"state", state},
                         {"seen", First(rows.seen)},
                         {"right", First(rows.right)}});
      }
      heads.push_back(std::move(cells));
    }
    layers.push_back(std::move(heads));
  }
  return {{"name", shape.name}, {"heads", shape.heads}, {"cells", layers}};
}

}  // namespace

nlohmann::json TableOf(const TableSource& source) {
  const RunNumbers& right = source.right;
  const std::size_t row = source.finding.place.row.value_or(0);
  const std::size_t length = right.tokens.ids.shape(1);
  const std::size_t layers = right.layers.size();
  const std::size_t left_pad = right.LeftPad(row);
  const Columns columns =
      Around(source.finding.place.position.value_or(0), length);
  nlohmann::json ids = nlohmann::json::array();
  for (std::size_t s = columns.begin; s < columns.end; ++s) {
    ids.push_back(right.tokens.ids(row, s));
  }
  nlohmann::json tensors = nlohmann::json::array();
  if (source.cache != nullptr) {
    const KvCache& cache = *source.cache;
    const auto add = [&](const char* name, Tensor4 LayerNumbers::*right_member,
                         ConstView4 (LayerCache::*view)() const) {
      // A wrong view may be too long or too short, so only rows that are in it
      // and within the capacity are read.
      const auto rows_at = [&, right_member, view](std::size_t l, std::size_t h,
                                                   std::size_t s) -> TwoRows {
        const Tensor4& wanted = right.layers[l].*right_member;
        TwoRows rows = {.seen = {}, .right = RowOf(wanted, row, h, s)};
        const ConstView4 seen = (cache.Layer(l).*view)();
        if (row < seen.shape(0) && h < seen.shape(1) && s < seen.shape(2) &&
            s < cache.Layer(l).MaxSeqLen() && s < cache.Layer(l).PastLen()) {
          rows.seen = HeadMatrix(seen, row, h).Row(s);
        }
        return rows;
      };
      tensors.push_back(CellsOf({.name = name,
                                 .layers = layers,
                                 .heads = cache.Shape().num_kv_heads,
                                 .columns = columns},
                                left_pad, rows_at));
    };
    add("keys", &LayerNumbers::keys, &LayerCache::Keys);
    add("values", &LayerNumbers::values, &LayerCache::Values);
  }
  if (!source.outputs.empty()) {
    tensors.push_back(CellsOf(
        {.name = "output of attention",
         .layers = layers,
         .heads = 1,
         .columns = columns},
        left_pad,
        [&](std::size_t l, std::size_t /*h*/, std::size_t s) -> TwoRows {
          TwoRows rows = {.seen = RowOf(source.outputs[l], row, s),
                          .right = RowOf(right.layers[l].output, row, s)};
          if (AllNan(rows.seen)) rows.seen = {};
          return rows;
        }));
  }
  return {
      {"row", row},         {"left_pad", left_pad}, {"first", columns.begin},
      {"ids", ids},         {"layers", layers},     {"tensors", tensors},
      {"positions", length}};
}

}  // namespace kvlab
