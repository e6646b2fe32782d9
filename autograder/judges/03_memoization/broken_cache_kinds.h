// The broken caches that a student's tests of task 3.11 must reject: planted
// bugs in kv_cache.cc, by kind. Each check draws one of its kind.
#ifndef KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_BROKEN_CACHE_KINDS_H_
#define KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_BROKEN_CACHE_KINDS_H_

#include <array>
#include <span>

namespace kvlab::grading {

struct BrokenCache {
  const char* bug;      // a specimen, see specimens.bzl
  const char* mistake;  // what the author of the tests may read about it
};

struct BrokenCacheKind {
  const char* name;  // of the check, after "cache_tests."
  std::span<const BrokenCache> caches;
};

inline constexpr std::array kBrokenAppend = {
    BrokenCache{"append_fills_8_heads", "it is right for small sizes only"},
    BrokenCache{"append_of_none_throws", "it refuses what the header allows"},
    BrokenCache{"prefill_is_never_stored",
                "it counts tokens that it does not hold"}};
inline constexpr std::array kBrokenViews = {
    BrokenCache{"views_hide_the_newest_token", "it shows too little"},
    BrokenCache{"views_show_the_whole_capacity", "it shows too much"},
    BrokenCache{"views_step_over_the_length",
                "it looks for some keys in the wrong place"}};
inline constexpr std::array kBrokenForgetting = {
    BrokenCache{"reset_forgets_a_layer", "it takes one layer for another"},
    BrokenCache{"truncate_beyond_the_shortest_is_refused",
                "it refuses what the header allows"},
    BrokenCache{"truncate_invents_tokens",
                "it accepts what the header refuses"}};
inline constexpr std::array kBrokenLayers = {
    BrokenCache{"layer_0_speaks_for_all", "it takes one layer for another"},
    BrokenCache{"layer_index_wraps_round",
                "it accepts what the header refuses"},
    BrokenCache{"past_len_of_the_last_layer",
                "it takes one layer for another"}};
inline constexpr std::array kBrokenBytes = {
    BrokenCache{"bytes_in_a_double",
                "a number passes through a type that cannot hold it"},
    BrokenCache{"bytes_of_keys_alone", "it leaves something out"},
    BrokenCache{"bytes_of_zero_overflow", "it refuses what the header allows"},
    BrokenCache{"bytes_overflow", "it accepts what the header refuses"}};

inline constexpr std::array kBrokenCacheKinds = {
    BrokenCacheKind{"append", kBrokenAppend},
    BrokenCacheKind{"views", kBrokenViews},
    BrokenCacheKind{"forgetting", kBrokenForgetting},
    BrokenCacheKind{"layers", kBrokenLayers},
    BrokenCacheKind{"bytes", kBrokenBytes}};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_BROKEN_CACHE_KINDS_H_
