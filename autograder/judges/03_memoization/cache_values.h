// A cache of module 3 as values.
#ifndef KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_CACHE_VALUES_H_
#define KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_CACHE_VALUES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/machine/protocol/value.h"
#include "modules/03_memoization/kv_cache.h"

namespace kvlab::grading {

// One argument: [batch, max_seq_len, num_layers, num_kv_heads, head_dim].
inline CacheShape NextCacheShape(Arguments& arguments) {
  const std::vector<std::size_t> sizes = arguments.NextSizes();
  return {.batch = sizes.at(0),
          .max_seq_len = sizes.at(1),
          .num_layers = sizes.at(2),
          .num_kv_heads = sizes.at(3),
          .head_dim = sizes.at(4)};
}

// keys, values, [past_len, max_seq_len, bytes]
inline Values ReadLayer(const LayerCache& layer) {
  return {ToArray(layer.Keys()), ToArray(layer.Values()),
          Integers{static_cast<std::int64_t>(layer.PastLen()),
                   static_cast<std::int64_t>(layer.MaxSeqLen()),
                   static_cast<std::int64_t>(layer.Bytes())}};
}

// Keys and values at places, three numbers each: row, head, position. Each is
// [places, head_dim]. Throws std::out_of_range for a place beyond those held.
inline Values ReadPlaces(const LayerCache& layer,
                         const std::vector<std::size_t>& places) {
  const std::size_t count = places.size() / 3;
  const auto read = [&](const ConstView4& view) {
    const std::size_t head_dim = view.shape(3);
    Array array = {.shape = {count, head_dim}, .values = {}};
    for (std::size_t i = 0; i < count; ++i) {
      for (std::size_t d = 0; d < head_dim; ++d) {
        array.values.push_back(
            view.at(places[3 * i], places[3 * i + 1], places[3 * i + 2], d));
      }
    }
    return array;
  };
  return {read(layer.Keys()), read(layer.Values())};
}

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_CACHE_VALUES_H_
