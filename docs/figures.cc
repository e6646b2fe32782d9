// Every number that docs/theory.md and docs/errata.md quote, computed by module
// 4: a name and a value per line. bazel run //docs:figures
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "fmt/format.h"
#include "kit/math/work.h"
#include "kit/model/caching.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/known_models.h"
#include "modules/04_profiling/cost.h"
#include "modules/04_profiling/memory.h"

namespace kvlab {
namespace {

constexpr std::size_t kFloat32 = 4;
constexpr std::size_t kFloat16 = 2;

// Radford 2019: the smallest GPT-2.
const Gpt2Config kGpt2 = {.num_layers = 12,
                          .num_heads = 12,
                          .d_model = 768,
                          .d_mlp = 3072,
                          .max_positions = 1024,
                          .vocab_size = 50257};

// 75497472 -> "75,497,472"
std::string Grouped(std::uint64_t number) {
  constexpr std::size_t kGroup = 3;
  std::string text = std::to_string(number);
  for (std::size_t end = text.size(); end > kGroup; end -= kGroup) {
    text.insert(end - kGroup, 1, ',');
  }
  return text;
}

void Print(std::string_view name, std::string_view value) {
  std::cout << name << ' ' << value << '\n';
}

const KnownModel& Model(std::string_view name) {
  for (const KnownModel& model : kKnownModels) {
    if (model.name == name) return model;
  }
  throw std::logic_error("no known model " + std::string(name));
}

std::uint64_t Bytes(std::string_view model, std::size_t seq_len,
                    std::size_t bytes_per_element) {
  return KvCacheBytes(
      Model(model).shape,
      {.seq_len = seq_len, .bytes_per_element = bytes_per_element});
}

void PrintMemory() {
  Print("gpt2_fp32", Grouped(Bytes("GPT-2", 1024, kFloat32)));
  Print("gpt2_fp16", Grouped(Bytes("GPT-2", 1024, kFloat16)));
  Print("gpt3_fp32", Grouped(Bytes("GPT-3 175B", 2048, kFloat32)));
  Print("llama2_2048_fp32", Grouped(Bytes("Llama-2-7B", 2048, kFloat32)));
  Print("llama2_2048_fp16", Grouped(Bytes("Llama-2-7B", 2048, kFloat16)));
  Print("gpt2_token_fp32", Grouped(Bytes("GPT-2", 1, kFloat32)));
  Print("llama2_token_fp16", Grouped(Bytes("Llama-2-7B", 1, kFloat16)));
  Print("llama3_token_fp16", Grouped(Bytes("Llama-3-8B", 1, kFloat16)));
  for (const std::string_view name : {"GPT-2", "GPT-3 175B"}) {
    const KnownModel& model = Model(name);
    const auto cache =
        static_cast<double>(Bytes(name, model.shape.max_positions, kFloat32));
    const double weights =
        double{kFloat32} * static_cast<double>(model.parameters);
    Print(name == "GPT-2" ? "gpt2_share" : "gpt3_share",
          fmt::format("{:.1f} %", 100 * cache / weights));
  }
  // The whole cache is written again for each token.
  constexpr std::uint64_t kTokens = 1024;
  Print("gpt2_concatenated",
        Grouped(Bytes("GPT-2", 1, kFloat32) * kTokens * (kTokens + 1) / 2));
}

// Tokens at which reading the cache takes as long as reading the weights.
void PrintCacheEqualsWeights() {
  const auto tokens = [](std::string_view name, std::size_t bytes) {
    return Grouped(Model(name).parameters * bytes / Bytes(name, 1, bytes));
  };
  Print("gpt2_cache_equals_weights", tokens("GPT-2", kFloat32));
  Print("llama2_cache_equals_weights", tokens("Llama-2-7B", kFloat16));
  Print("llama3_cache_equals_weights", tokens("Llama-3-8B", kFloat16));
}

std::uint64_t Linear(const WorkCounts& work) {
  return work[Work::kQkv] + work[Work::kProjection] + work[Work::kMlp];
}

// n tokens, the first of them given.
WorkCounts All(std::size_t tokens, Caching caching) {
  return GenerationWork(kGpt2, {.prompt_len = 1, .new_tokens = tokens},
                        caching);
}

double Ratio(std::uint64_t without, std::uint64_t with) {
  return static_cast<double>(without) / static_cast<double>(with);
}

std::string Gflop(std::uint64_t macs) {
  constexpr double kGigaFlopPerMac = 2e-9;
  constexpr double kFewDigits = 1000;
  const double gflop = kGigaFlopPerMac * static_cast<double>(macs);
  return gflop < kFewDigits ? fmt::format("{:.1f}", gflop)
                            : Grouped(std::llround(gflop));
}

void PrintWork() {
  for (const std::size_t tokens : {10, 100, 1024}) {
    const WorkCounts without = All(tokens, Caching::kOff);
    const WorkCounts with = All(tokens, Caching::kOn);
    const std::string at = fmt::format("_{}", tokens);
    Print("linear_ratio" + at,
          fmt::format("{:.1f}", Ratio(Linear(without), Linear(with))));
    Print("attention_ratio" + at,
          fmt::format("{:.1f}", Ratio(without[Work::kAttention],
                                      with[Work::kAttention])));
    Print("gpt2_ratio" + at,
          fmt::format("{:.1f}", Ratio(without.Total(), with.Total())));
    Print("gpt2_gflop_without" + at, Gflop(without.Total()));
    Print("gpt2_gflop_with" + at, Gflop(with.Total()));
  }
  // Entries of the memo table, per layer.
  std::uint64_t computed = 0;
  constexpr std::uint64_t kTokens = 100;
  for (const ForwardPass& pass :
       PassesOf({.prompt_len = 1, .new_tokens = kTokens}, Caching::kOff)) {
    computed += pass.new_len;
  }
  Print("entries_without_100", Grouped(computed));
  Print("entries_redundant_100", Grouped(computed - kTokens));
}

// The step at which attention does as much work as all linear layers.
void PrintAttentionEqualsLinear() {
  for (std::size_t past = 0;; ++past) {
    const WorkCounts work = PassWork(
        kGpt2, {.past_len = past, .new_len = 1, .caching = Caching::kOn});
    if (work[Work::kAttention] < Linear(work)) continue;
    Print("gpt2_attention_equals_linear", Grouped(past + 1));
    return;
  }
}

// FLOP of the blocks per token, per byte of its keys and values.
void PrintRecomputeRidge() {
  const WorkCounts work =
      PassWork(kGpt2, {.new_len = 1, .caching = Caching::kOn});
  Print("gpt2_recompute_ridge",
        Grouped(2 * Linear(work) / Bytes("GPT-2", 1, kFloat32)));
}

}  // namespace
}  // namespace kvlab

int main() {
  try {
    kvlab::PrintMemory();
    kvlab::PrintCacheEqualsWeights();
    kvlab::PrintWork();
    kvlab::PrintAttentionEqualsLinear();
    kvlab::PrintRecomputeRidge();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "figures: " << error.what() << '\n';
    return 1;
  }
}
