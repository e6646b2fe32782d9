#include "lab/requests_over_pages.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "modules/05_beyond/cache_policy.h"
#include "modules/05_beyond/paged_cache.h"

namespace kvlab {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kRequests = 32;
constexpr std::size_t kCommonPrompts = 4;

// Only blocks are counted, so a slot may hold a single number.
PagedCache CountedPages(std::size_t context) {
  return PagedCache({.num_blocks = kRequests * (context / kPolicyBlock + 1),
                     .block_size = kPolicyBlock,
                     .num_layers = 1,
                     .num_kv_heads = 1,
                     .head_dim = 1});
}

struct Request {
  std::vector<TokenId> asked;  // a common prompt and a question
  std::size_t answer_len = 0;
};

// A prompt takes a quarter of the context, a question at most an eighth, and
// an answer at most a quarter.
std::vector<Request> RandomRequests(const Gpt2Config& config,
                                    std::uint64_t seed) {
  constexpr std::size_t kPrompt = 4;
  constexpr std::size_t kQuestion = 8;
  constexpr std::size_t kAnswer = 4;
  const std::size_t context = config.max_positions;
  Random random(seed);
  const auto any = [&](std::size_t most) {  // 1 .. most
    const auto drawn = static_cast<std::size_t>(random.NextUniform() *
                                                static_cast<float>(most));
    return 1 + std::min(drawn, most - 1);
  };
  const auto text = [&](std::size_t length) {
    return RandomTokens(random, length, config.vocab_size);
  };
  std::vector<std::vector<TokenId>> prompts;
  for (std::size_t i = 0; i < kCommonPrompts; ++i) {
    prompts.push_back(text(context / kPrompt));
  }
  std::vector<Request> requests;
  for (std::size_t i = 0; i < kRequests; ++i) {
    std::vector<TokenId> asked = prompts[any(kCommonPrompts) - 1];
    const std::vector<TokenId> question = text(any(context / kQuestion));
    asked.insert(asked.end(), question.begin(), question.end());
    requests.push_back(
        {.asked = std::move(asked), .answer_len = any(context / kAnswer)});
  }
  return requests;
}

void Hold(PagedCache& cache, const Request& request) {
  const SequenceId id = cache.Start();
  cache.Extend(std::vector<Extension>{
      {.sequence = id, .new_len = request.asked.size() + request.answer_len}});
}

void HoldSharing(PagedCache& cache, const Request& request) {
  const SequenceId id = cache.StartWith(request.asked);
  cache.Extend(std::vector<Extension>{
      {.sequence = id, .new_len = request.asked.size() - cache.Len(id)}});
  cache.Keep(id, request.asked);
  cache.Extend(
      std::vector<Extension>{{.sequence = id, .new_len = request.answer_len}});
}

std::size_t SlotsIn(const PagedCache& cache) {
  return cache.Counts().blocks_in_use * kPolicyBlock;
}

}  // namespace

ordered_json RequestsOverPages(const Gpt2Config& config, std::uint64_t seed) {
  PagedCache alone = CountedPages(config.max_positions);
  PagedCache sharing = CountedPages(config.max_positions);
  ordered_json trace = ordered_json::array();
  std::size_t held = 0;
  std::size_t tokens = 0;
  for (const Request& request : RandomRequests(config, seed)) {
    Hold(alone, request);
    HoldSharing(sharing, request);
    ++held;
    tokens += request.asked.size() + request.answer_len;
    trace.push_back({{"requests", held},
                     {"tokens", tokens},
                     {"reserved_slots", held * config.max_positions},
                     {"paged_slots", SlotsIn(alone)},
                     {"shared_slots", SlotsIn(sharing)}});
  }
  return {{"block_tokens", kPolicyBlock},
          {"common_prompts", kCommonPrompts},
          {"bytes_per_slot",
           2 * config.num_layers * config.d_model * sizeof(float)},
          {"trace", std::move(trace)}};
}

}  // namespace kvlab
