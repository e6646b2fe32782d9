#include "modules/05_beyond/cache_policy.h"

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "kit/error.h"

namespace kvlab {
namespace {

constexpr std::string_view kWindowPrefix = "window:";
constexpr std::string_view kSinksPrefix = "sinks:";
constexpr std::string_view kEvictPrefix = "evict:";

// A whole number from 1 on; none for any other text.
std::optional<std::size_t> CountIn(std::string_view text) {
  std::size_t count = 0;
  const char* const end = text.data() + text.size();
  const std::from_chars_result parsed =
      std::from_chars(text.data(), end, count);
  if (parsed.ec != std::errc() || parsed.ptr != end || count == 0) {
    return std::nullopt;
  }
  return count;
}

[[noreturn]] void Refuse(std::string_view text, const std::string& why,
                         const std::string& fix) {
  throw DataError("there is no cache '" + std::string(text) + "'", why, fix);
}

std::size_t CountOf(std::string_view text, std::string_view count,
                    const std::string& fix) {
  const std::optional<std::size_t> found = CountIn(count);
  if (!found) {
    Refuse(text,
           "'" + std::string(count) + "' is not a whole number of tokens, " +
               "from 1 to the model's context",
           fix);
  }
  return *found;
}

CachePolicy WindowIn(std::string_view text) {
  const std::size_t newest = CountOf(text, text.substr(kWindowPrefix.size()),
                                     "for example, window:256");
  return {.kind = CacheKind::kWindow, .window = {.newest = newest}};
}

CachePolicy SinksIn(std::string_view text) {
  const std::string fix =
      "for example, sinks:4+252: the first 4 tokens and the newest 252";
  const std::string_view counts = text.substr(kSinksPrefix.size());
  const std::size_t plus = counts.find('+');
  if (plus == std::string_view::npos) {
    Refuse(text, "it needs two numbers, the sinks and the newest tokens", fix);
  }
  const std::size_t sinks = CountOf(text, counts.substr(0, plus), fix);
  const std::size_t newest = CountOf(text, counts.substr(plus + 1), fix);
  return {.kind = CacheKind::kSinks,
          .window = {.newest = newest, .sinks = sinks}};
}

CachePolicy EvictIn(std::string_view text) {
  const std::size_t tokens =
      CountOf(text, text.substr(kEvictPrefix.size()), "for example, evict:256");
  return {.kind = CacheKind::kEvict,
          .budget = {.tokens = tokens, .newest = tokens / 2 + tokens % 2}};
}

// a + b, or the largest number if that is larger.
std::size_t SumOrLargest(std::size_t a, std::size_t b) {
  return a > SIZE_MAX - b ? SIZE_MAX : a + b;
}

}  // namespace

std::string_view CachePolicyNames() {
  return "full|paged|window:W|sinks:K+W|evict:B|int8|recompute";
}

CachePolicy ParseCachePolicy(std::string_view text) {
  if (text == "full") return {.kind = CacheKind::kFull};
  if (text == "paged") return {.kind = CacheKind::kPaged};
  if (text == "int8") return {.kind = CacheKind::kInt8};
  if (text == "recompute") return {.kind = CacheKind::kRecompute};
  if (text.starts_with(kWindowPrefix)) return WindowIn(text);
  if (text.starts_with(kSinksPrefix)) return SinksIn(text);
  if (text.starts_with(kEvictPrefix)) return EvictIn(text);
  Refuse(text, "a cache is named by what it keeps",
         "one of " + std::string(CachePolicyNames()));
}

std::string NameOf(const CachePolicy& policy) {
  switch (policy.kind) {
    case CacheKind::kFull:
      return "full";
    case CacheKind::kPaged:
      return "paged";
    case CacheKind::kWindow:
      return "window:" + std::to_string(policy.window.newest);
    case CacheKind::kSinks:
      return "sinks:" + std::to_string(policy.window.sinks) + "+" +
             std::to_string(policy.window.newest);
    case CacheKind::kEvict:
      return "evict:" + std::to_string(policy.budget.tokens);
    case CacheKind::kInt8:
      return "int8";
    case CacheKind::kRecompute:
      return "recompute";
  }
  return "";
}

std::size_t TokensHeld(const CachePolicy& policy) {
  switch (policy.kind) {
    case CacheKind::kWindow:
    case CacheKind::kSinks:
      return SumOrLargest(policy.window.sinks, policy.window.newest);
    case CacheKind::kEvict:
      return policy.budget.tokens;
    default:
      return SIZE_MAX;
  }
}

bool IsExact(const CachePolicy& policy, std::size_t tokens) {
  return policy.kind != CacheKind::kInt8 && tokens <= TokensHeld(policy);
}

std::string WhyNotExact(const CachePolicy& policy) {
  switch (policy.kind) {
    case CacheKind::kWindow:
      return "each token sees only the newest " +
             std::to_string(policy.window.newest);
    case CacheKind::kSinks:
      return "each token sees only the first " +
             std::to_string(policy.window.sinks) + " and the newest " +
             std::to_string(policy.window.newest);
    case CacheKind::kEvict:
      return "each head keeps only " + std::to_string(policy.budget.tokens) +
             " tokens";
    case CacheKind::kInt8:
      return "keys and values are rounded to eight bits";
    default:
      return "";
  }
}

void CheckPolicyFits(const CachePolicy& policy, std::size_t max_positions) {
  const bool forgets = policy.kind == CacheKind::kWindow ||
                       policy.kind == CacheKind::kSinks ||
                       policy.kind == CacheKind::kEvict;
  if (!forgets || TokensHeld(policy) <= max_positions) return;
  throw DataError("the cache '" + NameOf(policy) + "' is too large",
                  "this model's limit is " + std::to_string(max_positions) +
                      " tokens, so some of its slots could hold none",
                  "name at most " + std::to_string(max_positions) +
                      " tokens in all, or use full, which keeps every token");
}

}  // namespace kvlab
