// Module 5, given: what a cache keeps, as a command line names it.
//
//   full         every token, reserved at once (module 3)
//   paged        every token, in blocks of 16 (task 5.3)
//   window:W     the newest W tokens (task 5.6)
//   sinks:K+W    the first K and the newest W tokens (task 5.6)
//   evict:B      B tokens for each head: the newest half, and those that were
//                attended to most (task 5.7)
//   int8         every token, in eight bits (task 5.8)
//   recompute    the layers' inputs, in place of keys and values (task 5.9)
//
// A policy is a plain description. policy_attention.h makes a cache of it.
#ifndef KVLAB_MODULES_05_BEYOND_CACHE_POLICY_H_
#define KVLAB_MODULES_05_BEYOND_CACHE_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "modules/05_beyond/evicting_cache.h"
#include "modules/05_beyond/rolling_cache.h"

namespace kvlab {

enum class CacheKind {
  kFull,
  kPaged,
  kWindow,
  kSinks,
  kEvict,
  kInt8,
  kRecompute,
};

// The tokens of a block of kPaged, and of a group of kInt8.
inline constexpr std::size_t kPolicyBlock = 16;
inline constexpr std::size_t kPolicyGroup = 32;

struct CachePolicy {
  CacheKind kind = CacheKind::kFull;
  Window window = {};          // of kWindow, without sinks, and of kSinks
  EvictionBudget budget = {};  // of kEvict
};

// All names, for a program's help: "full|paged|window:W|...".
std::string_view CachePolicyNames();

// The policy that `text` names. Numbers are decimal, from 1 on. Of a budget of
// B tokens the newest (B + 1) / 2 stay because they are new.
// Throws DataError, which quotes `text`, for anything else.
CachePolicy ParseCachePolicy(std::string_view text);

// The name that ParseCachePolicy reads as this policy.
std::string NameOf(const CachePolicy& policy);

// How many tokens each head of a row holds at most, if the policy forgets
// tokens; otherwise SIZE_MAX.
std::size_t TokensHeld(const CachePolicy& policy);

// Whether `tokens` tokens of a sequence give the logits of the full cache, up
// to rounding. A window or a budget does until it has to forget, eight bits
// never do.
bool IsExact(const CachePolicy& policy, std::size_t tokens);

// In one clause, why a policy that is not exact is not: "each token sees only
// the newest 64". Empty for a policy that is exact at any length.
std::string WhyNotExact(const CachePolicy& policy);

// Throws DataError if the policy would hold more tokens than a model can have,
// max_positions: it would then reserve slots that no token can take.
void CheckPolicyFits(const CachePolicy& policy, std::size_t max_positions);

}  // namespace kvlab

#endif  // KVLAB_MODULES_05_BEYOND_CACHE_POLICY_H_
