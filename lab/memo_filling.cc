// Experiment: generation as a memo table, entry by entry, and what an edit in
// the middle of a prompt invalidates.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "lab/experiments.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/kv_cache.h"
#include "modules/03_memoization/memo_table.h"

namespace kvlab {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kTokens = 12;
constexpr std::size_t kChanged = 5;
constexpr double kWork = 1;

// What step t adds to the counts of module 3.
ordered_json Steps(std::size_t num_layers) {
  ordered_json steps = ordered_json::array();
  EntryCounts without_before;
  EntryCounts with_before;
  for (std::size_t t = 1; t <= kTokens; ++t) {
    const EntryCounts without = CountEntries(num_layers, t, Memoization::kOff);
    const EntryCounts with = CountEntries(num_layers, t, Memoization::kOn);
    steps.push_back(
        {{"step", t},
         {"computed_without", without.computed - without_before.computed},
         {"computed_with", with.computed - with_before.computed},
         {"hits", with.reused - with_before.reused}});
    without_before = without;
    with_before = with;
  }
  return steps;
}

bool SameToken(const ConstView4& a, const ConstView4& b, std::size_t position) {
  for (std::size_t h = 0; h < a.shape(1); ++h) {
    const std::span<const float> left = HeadMatrix(a, 0, h).Row(position);
    const std::span<const float> right = HeadMatrix(b, 0, h).Row(position);
    if (!std::ranges::equal(left, right)) return false;
  }
  return true;
}

// The keys and values of two prompts that differ in one token.
ordered_json Edit(const LabSubject& subject, const LabRun& run) {
  Random random(run.Seed());
  std::vector<TokenId> ids =
      RandomTokens(random, kTokens, subject.weights->config.vocab_size);
  Gpt2 before(subject.weights);
  Gpt2 after(subject.weights);
  KvCacheHandle cache_before = EnableKvCache(before, 1, kTokens);
  KvCacheHandle cache_after = EnableKvCache(after, 1, kTokens);
  before.Forward(SingleRow(ids), LogitsFor::kLastPosition);
  ids[kChanged] = ids[kChanged] == 0 ? 1 : 0;
  after.Forward(SingleRow(ids), LogitsFor::kLastPosition);

  ordered_json same = ordered_json::array();
  std::size_t changed = 0;
  for (std::size_t l = 0; l < subject.weights->config.num_layers; ++l) {
    const LayerCache& one = cache_before.Cache().Layer(l);
    const LayerCache& other = cache_after.Cache().Layer(l);
    ordered_json row = ordered_json::array();
    for (std::size_t position = 0; position < kTokens; ++position) {
      const bool equal = SameToken(one.Keys(), other.Keys(), position) &&
                         SameToken(one.Values(), other.Values(), position);
      row.push_back(equal);
      changed += equal ? 0 : 1;
    }
    same.push_back(std::move(row));
  }
  return {{"tokens", kTokens},
          {"changed", kChanged},
          {"same_entries", std::move(same)},
          {"changed_entries", changed}};
}

void Measure(const LabSubject& subject, LabRun& run) {
  run.Step("the memo table", kWork);
  const std::size_t num_layers = subject.weights->config.num_layers;
  run.Keep("memo", {{"num_layers", num_layers},
                    {"tokens", kTokens},
                    {"steps", Steps(num_layers)},
                    {"edit", Edit(subject, run)}});
}

}  // namespace

Experiment MemoFilling() {
  return {.section = "memo",
          .title = "Dynamic programming",
          .work = [](const LabSubject&, bool) { return kWork; },
          .measure = Measure};
}

}  // namespace kvlab
