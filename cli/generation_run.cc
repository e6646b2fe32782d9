#include "cli/generation_run.h"

#include <malloc.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <future>
#include <optional>
#include <span>
#include <utility>

#include "kit/measure/stopwatch.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/05_beyond/policy_attention.h"

namespace kvlab {
namespace {

std::optional<CacheShape> CacheInUse(const Gpt2& model) {
  const auto* attention =
      dynamic_cast<const CachedAttention*>(&model.CurrentAttention());
  if (attention == nullptr) return std::nullopt;
  return attention->Cache()->Shape();
}

// Bytes in use, whether from the arenas or mapped for one large block.
std::uint64_t HeapBytes() {
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
}

// The heap's growth by a cache, measured in a thread that has freed nothing.
std::uint64_t GrowthByCache(const CacheShape& shape) {
  // malloc sets up a thread's structures with its first block.
  constexpr std::size_t kAnyBytes = 65536;
  void* const volatile first = std::malloc(kAnyBytes);
  std::free(first);
  const std::uint64_t before = HeapBytes();
  const KvCache cache(shape);
  return HeapBytes() - before;
}

// Times `generate`, which gets the options with a watch on the first token and
// fills in the rest of the run.
template <typename GenerateInto>
GenerationRun Timed(const Gpt2& model, const GenerateOptions& options,
                    const GenerateInto& generate) {
  GenerationRun run;
  const WorkCounts before = CountedWork();
  const Stopwatch watch;

  GenerateOptions watched = options;
  watched.on_tokens = [&](std::span<const TokenId> tokens) {
    if (run.first_token_s == 0) {
      run.first_token_s = watch.Seconds();
      run.cache = CacheInUse(model);
    }
    if (options.on_tokens) options.on_tokens(tokens);
  };
  generate(watched, run);
  run.total_s = watch.Seconds();
  run.work = CountedWork() - before;
  return run;
}

}  // namespace

double GenerationRun::TokensPerSecond() const {
  return static_cast<double>(tokens.shape(1)) / total_s;
}

GenerationRun RunGeneration(Gpt2& model, const TokenBatch& prompt,
                            const GenerateOptions& options, Caching caching) {
  return Timed(model, options,
               [&](const GenerateOptions& watched, GenerationRun& run) {
                 run.tokens = caching == Caching::kOn
                                  ? GenerateCached(model, prompt, watched)
                                  : Generate(model, prompt, watched);
               });
}

GenerationRun RunGeneration(Gpt2& model, const TokenBatch& prompt,
                            const GenerateOptions& options,
                            const CachePolicy& policy) {
  return Timed(model, options,
               [&](const GenerateOptions& watched, GenerationRun& run) {
                 PolicyGeneration made =
                     GenerateWithPolicy(model, prompt, watched, policy);
                 run.tokens = std::move(made.tokens);
                 run.policy_bytes = made.cache_bytes;
               });
}

CacheMemory MeasureCache(const CacheShape& shape) {
  // mallinfo2 counts small blocks as used that a thread has freed and keeps for
  // itself, and a cache made of these would seem to take nothing. A new thread
  // has none; get() rethrows exceptions.
  std::future<std::uint64_t> growth =
      std::async(std::launch::async, GrowthByCache, shape);
  return {.formula_bytes = CacheBytes(shape, sizeof(float)),
          .measured_bytes = growth.get()};
}

}  // namespace kvlab
