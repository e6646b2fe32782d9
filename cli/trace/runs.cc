#include "cli/trace/runs.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/trace/uncached.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "kit/model/random.h"
#include "kit/model/token_batch.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"

namespace kvlab {
namespace {

// Everything that a run needs. `prefill` columns are the prompt.
struct Subject {
  Reference one_row;
  Reference padded;  // a second row that begins later
  std::size_t prefill = 0;
  std::size_t padded_prefill = 0;

  const Gpt2Config& Config() const { return one_row.weights->config; }
};

std::size_t Length(const Reference& reference) {
  return reference.run.tokens.ids.shape(1);
}

CacheCapacity CapacityFor(const Reference& reference) {
  return {.batch = reference.run.tokens.ids.shape(0),
          .max_seq_len = Length(reference)};
}

// A cache without EnableKvCache, so that 3.6 is seen before 3.7.
std::unique_ptr<Attention> NewCachedAttention(const Reference& reference) {
  const Gpt2Config& config = reference.weights->config;
  const CacheCapacity capacity = CapacityFor(reference);
  return std::make_unique<CachedAttention>(
      config.num_heads,
      std::make_shared<KvCache>(CacheShape{.batch = capacity.batch,
                                           .max_seq_len = capacity.max_seq_len,
                                           .num_layers = config.num_layers,
                                           .num_kv_heads = config.num_heads,
                                           .head_dim = config.HeadDim()}));
}

std::string ColumnsText(std::size_t begin, std::size_t end) {
  return end - begin == 1 ? fmt::format("position {}", begin)
                          : fmt::format("positions {} to {}", begin, end - 1);
}

// Passes that end at these columns.
bool RunPasses(Gpt2& model, const Reference& reference,
               const std::vector<std::size_t>& ends, Watched& watched) {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    std::string name = "prefill";
    if (begin > 0) {
      const char* kind = ends[i] - begin == 1 ? "step" : "chunk";
      name = fmt::format("{} {}", kind, i);
    }
    if (!RunPass(model, reference,
                 {.name = name + ", " + ColumnsText(begin, ends[i]),
                  .begin = begin,
                  .end = ends[i]},
                 watched)) {
      return false;
    }
    begin = ends[i];
  }
  return true;
}

std::vector<std::size_t> PrefillThenSteps(std::size_t prefill,
                                          std::size_t total) {
  std::vector<std::size_t> ends;
  for (std::size_t end = prefill; end <= total; ++end) ends.push_back(end);
  return ends;
}

// Reports what only words can say.
bool Report(Watched& watched, Finding finding) {
  finding.run = watched.run;
  watched.finding = std::move(finding);
  return false;
}

bool StepsAgree(const Subject& subject, Watched& watched) {
  Gpt2 model(subject.one_row.weights);
  model.ReplaceAttention(NewCachedAttention(subject.one_row));
  return RunPasses(model, subject.one_row,
                   PrefillThenSteps(subject.prefill, Length(subject.one_row)),
                   watched);
}

// The prompt in two parts, then all that follows in one.
bool ChunksAgree(const Subject& subject, Watched& watched) {
  Gpt2 model(subject.one_row.weights);
  model.ReplaceAttention(NewCachedAttention(subject.one_row));
  std::vector<std::size_t> ends;
  if (subject.prefill > 1) ends.push_back((subject.prefill + 1) / 2);
  ends.push_back(subject.prefill);
  if (Length(subject.one_row) > subject.prefill) {
    ends.push_back(Length(subject.one_row));
  }
  return RunPasses(model, subject.one_row, ends, watched);
}

bool PaddedAgrees(const Subject& subject, Watched& watched) {
  Gpt2 model(subject.padded.weights);
  model.ReplaceAttention(NewCachedAttention(subject.padded));
  return RunPasses(
      model, subject.padded,
      PrefillThenSteps(subject.padded_prefill, Length(subject.padded)),
      watched);
}

// A pass that an exception ends after the first layer, then the same again.
bool BrokenOffAgrees(const Subject& subject, Watched& watched) {
  if (subject.Config().num_layers < 2) return true;
  const Reference& reference = subject.one_row;
  Gpt2 model(reference.weights);
  model.ReplaceAttention(NewCachedAttention(reference));
  const std::size_t begin = subject.prefill;
  const std::size_t end = begin + 1;
  return RunPasses(model, reference, {begin}, watched) &&
         RunPass(model, reference,
                 {.name = "a step that breaks off after layer 0",
                  .begin = begin,
                  .end = end,
                  .break_after = 0},
                 watched) &&
         RunPass(model, reference,
                 {.name = "the same step again", .begin = begin, .end = end},
                 watched);
}

// The second prompt is the first one's end.
bool SecondPromptAgrees(const Subject& subject, Watched& watched) {
  const Reference& reference = subject.one_row;
  Gpt2 model(reference.weights);
  model.ReplaceAttention(NewCachedAttention(reference));
  auto& attention = dynamic_cast<CachedAttention&>(model.CurrentAttention());
  if (!RunPasses(model, reference, {subject.prefill}, watched)) return false;
  attention.Cache()->Reset();
  if (!CheckCache(*attention.Cache(), reference, 0, watched)) return false;

  const Tokens& ids = reference.run.tokens.ids;
  const std::size_t begin = Length(reference) / 2;
  const Reference second = {
      reference.weights,
      RunUncached(reference.weights,
                  SingleRow({ids.data() + begin, ids.data() + ids.size()}))};
  watched.outputs.clear();
  return RunPasses(model, second, PrefillThenSteps(1, Length(second)), watched);
}

bool EnabledTwiceAgrees(const Subject& subject, Watched& watched) {
  const Reference& reference = subject.one_row;
  const std::size_t end = subject.prefill + 1;
  Gpt2 model(reference.weights);
  KvCacheHandle handle = EnableKvCache(model, CapacityFor(reference));
  if (!RunPasses(model, reference, {subject.prefill}, watched)) return false;
  const KvCacheHandle second = EnableKvCache(model, CapacityFor(reference));
  if (!CheckCache(second.Cache(), reference, subject.prefill, watched) ||
      !RunPass(model, reference,
               {.name = "a step after enabling again",
                .begin = subject.prefill,
                .end = end},
               watched)) {
    return false;
  }
  return CheckCache(second.Cache(), reference, end, watched) &&
         CheckCache(handle.Cache(), reference, end, watched);
}

bool DisabledAgrees(const Subject& subject, Watched& watched) {
  const Reference& reference = subject.one_row;
  Gpt2 model(reference.weights);
  KvCacheHandle handle = EnableKvCache(model, CapacityFor(reference));
  if (!RunPasses(model, reference, {subject.prefill}, watched)) return false;
  handle.Disable();
  if (!CheckCache(handle.Cache(), reference, subject.prefill, watched)) {
    return false;
  }
  return RunPass(model, reference,
                 {.name = "the prompt again, after Disable()",
                  .begin = 0,
                  .end = subject.prefill},
                 watched);
}

bool OldHandleAgrees(const Subject& subject, Watched& watched) {
  const Reference& reference = subject.one_row;
  Gpt2 model(reference.weights);
  KvCacheHandle old = EnableKvCache(model, CapacityFor(reference));
  old.Disable();
  const KvCacheHandle handle = EnableKvCache(model, CapacityFor(reference));
  if (!RunPasses(model, reference, {subject.prefill}, watched)) return false;
  old.Disable();
  return RunPass(model, reference,
                 {.name = "a step after Disable() of a handle to an earlier "
                          "cache",
                  .begin = subject.prefill,
                  .end = subject.prefill + 1},
                 watched);
}

// Two models by turns. The second reads the sequence from its second token on.
bool TwoModelsAgree(const Subject& subject, Watched& watched) {
  const Reference& reference = subject.one_row;
  const Tokens& ids = reference.run.tokens.ids;
  const Reference other = {
      reference.weights,
      RunUncached(reference.weights,
                  SingleRow({ids.data() + 1, ids.data() + ids.size()}))};
  Gpt2 model(reference.weights);
  Gpt2 other_model(reference.weights);
  const KvCacheHandle handle = EnableKvCache(model, CapacityFor(reference));
  if (!RunPasses(model, reference, {subject.prefill}, watched)) return false;
  const KvCacheHandle other_handle =
      EnableKvCache(other_model, CapacityFor(reference));
  watched.outputs.clear();
  if (!RunPasses(other_model, other, {subject.prefill}, watched)) return false;
  watched.outputs.clear();
  const KvCacheHandle again = EnableKvCache(model, CapacityFor(reference));
  return CheckCache(again.Cache(), reference, subject.prefill, watched) &&
         RunPass(model, reference,
                 {.name = "a step of the first model",
                  .begin = subject.prefill,
                  .end = subject.prefill + 1},
                 watched) &&
         CheckCache(other_handle.Cache(), other, subject.prefill, watched);
}

// GenerateCached against Generate. The seed needs more than 32 bits.
bool GeneratedAgrees(const Subject& subject, Watched& watched) {
  const Reference& reference = subject.one_row;
  constexpr std::uint64_t kSeed = (std::uint64_t{1} << 40U) + 1;
  TokenBatch prompt = {Tokens::from_shape({1, subject.prefill}), {}};
  std::copy_n(reference.run.tokens.ids.data(), subject.prefill,
              prompt.ids.data());
  for (const SamplingOptions& sampling :
       {SamplingOptions{}, SamplingOptions{.temperature = 1, .top_k = 40}}) {
    const GenerateOptions options = {
        .new_tokens = Length(reference) - subject.prefill,
        .sampling = sampling,
        .seed = kSeed};
    Gpt2 model(reference.weights);
    const Tokens right = Generate(model, prompt, options);
    const Tokens seen = GenerateCached(model, prompt, options);
    for (std::size_t step = 0; step < options.new_tokens; ++step) {
      if (seen(0, step) == right(0, step)) {
        ++watched.compared;
        continue;
      }
      return Report(
          watched,
          {.kind = FindingKind::kTokens,
           .tensor =
               fmt::format("token {} of GenerateCached, {}", step,
                           sampling.temperature == 0 ? "greedy" : "sampled"),
           .place = {.row = 0, .position = subject.prefill + step},
           .seen_text = fmt::format("token id {}", seen(0, step)),
           .right_text = fmt::format("token id {}", right(0, step)),
           .notes = {fmt::format("temperature {}, top_k {}, seed {}",
                                 sampling.temperature, sampling.top_k,
                                 options.seed)},
           .usually =
               "every pass with a cache agrees, so the choice differs: "
               "which row of logits, which random numbers, which token is "
               "fed next."});
    }
  }
  // The cache may be the caller's, who gets it back empty.
  const std::size_t new_tokens = Length(reference) - subject.prefill;
  Gpt2 model(reference.weights);
  const KvCacheHandle handle = EnableKvCache(
      model, {.batch = 1, .max_seq_len = subject.prefill + new_tokens - 1});
  GenerateCached(model, prompt, {.new_tokens = new_tokens});
  return CheckCache(handle.Cache(), reference, 0, watched);
}

struct Run {
  std::string name;
  std::function<bool(const Subject&, Watched&)> agrees;
};

const std::vector<Run>& PassRuns() {
  static const std::vector<Run> runs = {
      {"one row: prefill, then steps", StepsAgree},
      {"one row: two chunks, then the rest in one", ChunksAgree},
      {"two rows, one with padding: prefill, then steps", PaddedAgrees},
  };
  return runs;
}

const std::vector<Run>& MoreRuns() {
  static const std::vector<Run> runs = {
      {"a step that breaks off, then again", BrokenOffAgrees},
      {"a second prompt after Reset()", SecondPromptAgrees},
      {"EnableKvCache twice", EnabledTwiceAgrees},
      {"Disable()", DisabledAgrees},
      {"a handle to an earlier cache", OldHandleAgrees},
      {"two models by turns", TwoModelsAgree},
      {"GenerateCached against Generate", GeneratedAgrees},
  };
  return runs;
}

// The second row is the first, `pad` columns later. The padding is another
// token than the one after it: equal keys would hide which of them are seen.
TokenBatch Padded(const std::vector<TokenId>& ids, std::size_t pad) {
  const TokenId padding = ids[0] == 0 ? 1 : 0;
  TokenBatch tokens = {Tokens::from_shape({2, ids.size()}), {0, pad}};
  for (std::size_t t = 0; t < ids.size(); ++t) {
    tokens.ids(0, t) = ids[t];
    tokens.ids(1, t) = t < pad ? padding : ids[t - pad];
  }
  return tokens;
}

// What padding the second row has, and where the prompt ends.
struct Layout {
  std::size_t prefill = 0;
  std::size_t pad = 0;
  std::size_t padded_prefill = 0;
};

Subject MakeSubject(const std::shared_ptr<const Gpt2Weights>& weights,
                    const std::vector<TokenId>& ids, const Layout& layout) {
  return {.one_row = {weights, RunUncached(weights, SingleRow(ids))},
          .padded = {weights, RunUncached(weights, Padded(ids, layout.pad))},
          .prefill = layout.prefill,
          .padded_prefill = layout.padded_prefill};
}

// Whether all runs agree; else `result` has the first that does not.
bool AllAgree(const std::vector<Run>& runs, const Subject& subject,
              TraceResult& result) {
  for (const Run& run : runs) {
    Watched watched;
    watched.run = run.name;
    if (!result.model.empty()) watched.run += ", " + result.model;
    bool agrees = false;
    try {
      agrees = run.agrees(subject, watched);
    } catch (const NotImplemented&) {
      throw;
    } catch (const std::exception& error) {
      agrees = Report(watched,
                      {.kind = FindingKind::kThrew,
                       .tensor = "a call of this run",
                       .seen_text = error.what(),
                       .right_text = "a result",
                       .usually = "a call that the headers allow is refused."});
    }
    if (!agrees) {
      result.differed = std::move(watched);
      return false;
    }
    result.agreed.push_back({watched.run, watched.compared});
  }
  return true;
}

// The prompt and the likeliest new tokens after it.
std::vector<TokenId> Continued(const TraceInput& input) {
  std::vector<TokenId> ids = input.prompt;
  Gpt2 model(input.weights);
  for (std::size_t i = 0; i < input.new_tokens; ++i) {
    const Tensor3 logits =
        model.Forward(SingleRow(ids), LogitsFor::kLastPosition);
    ids.push_back(static_cast<TokenId>(
        std::max_element(logits.begin(), logits.end()) - logits.begin()));
  }
  return ids;
}

// A model with random numbers, for sizes that the checkpoint does not have.
struct OtherSize {
  std::string name;
  Gpt2Config config;
  std::size_t length = 0;
  Layout layout = {};
};

std::vector<OtherSize> OtherSizes() {
  return {{.name = "a random model of 12 layers and 12 heads",
           .config = {.num_layers = 12,
                      .num_heads = 12,
                      .d_model = 48,
                      .d_mlp = 96,
                      .max_positions = 32,
                      .vocab_size = 64},
           .length = 9,
           .layout = {.prefill = 5, .pad = 2, .padded_prefill = 5}},
          {.name = "a random model at 530 tokens",
           .config = {.num_layers = 2,
                      .num_heads = 2,
                      .d_model = 8,
                      .d_mlp = 16,
                      .max_positions = 600,
                      .vocab_size = 64},
           .length = 530,
           .layout = {.prefill = 526, .pad = 300, .padded_prefill = 526}}};
}

}  // namespace

TraceResult TraceRuns(const TraceInput& input) {
  TraceResult result;
  result.ids = Continued(input);
  const std::size_t prefill = input.prompt.size();
  const std::size_t pad = std::max<std::size_t>(prefill / 2, 1);
  const Subject subject =
      MakeSubject(input.weights, result.ids,
                  {.prefill = prefill,
                   .pad = pad,
                   .padded_prefill = std::max(prefill, pad + 1)});
  if (!AllAgree(PassRuns(), subject, result) ||
      !AllAgree(MoreRuns(), subject, result)) {
    return result;
  }
  for (const OtherSize& size : OtherSizes()) {
    Random random(1);
    const auto weights = std::make_shared<const Gpt2Weights>(
        RandomGpt2Weights(random, size.config));
    const Subject other = MakeSubject(
        weights, RandomTokens(random, size.length, size.config.vocab_size),
        size.layout);
    result.model = size.name;
    if (!AllAgree(PassRuns(), other, result)) return result;
  }
  result.model.clear();
  return result;
}

}  // namespace kvlab
