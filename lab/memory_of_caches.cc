// Experiment: the memory of a cache, by formula and measured, and the cost of
// growing it by concatenation.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "cli/generation_run.h"
#include "fmt/format.h"
#include "kit/model/known_models.h"
#include "kit/model/random.h"
#include "kit/tensor/tensor.h"
#include "lab/experiments.h"
#include "modules/03_memoization/growing_cache.h"
#include "modules/03_memoization/kv_cache.h"
#include "modules/04_profiling/memory.h"

namespace kvlab {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kLongest = 2048;
constexpr double kMeasureWork = 0.1;
constexpr double kGrowthWork = 1000;  // to the longest

ModelShape ShapeOf(const Gpt2Config& config) {
  return {.num_layers = config.num_layers,
          .num_heads = config.num_heads,
          .num_kv_heads = config.num_heads,
          .head_dim = config.HeadDim(),
          .max_positions = config.max_positions};
}

std::vector<std::size_t> Doublings(std::size_t first, std::size_t last) {
  std::vector<std::size_t> sizes;
  for (std::size_t size = first; size <= last; size *= 2) sizes.push_back(size);
  return sizes;
}

void AddFormula(const std::string& name, const ModelShape& shape,
                ordered_json& formula) {
  constexpr std::size_t kFloat16 = 2;
  for (const std::size_t batch : {1, 8}) {
    for (const std::size_t seq_len : Doublings(1, kLongest)) {
      if (seq_len > shape.max_positions) continue;
      const CacheUse use = {
          .batch = batch, .seq_len = seq_len, .bytes_per_element = kFloat16};
      formula.push_back({{"model", name},
                         {"batch", batch},
                         {"seq_len", seq_len},
                         {"bytes_per_element", kFloat16},
                         {"bytes", KvCacheBytes(shape, use)}});
    }
  }
}

ordered_json Formula(const LabSubject& subject) {
  ordered_json formula = ordered_json::array();
  AddFormula(subject.name, ShapeOf(subject.weights->config), formula);
  for (const KnownModel& known : kKnownModels) {
    if (known.name == subject.name) continue;
    AddFormula(std::string(known.name), known.shape, formula);
  }
  return formula;
}

struct Measured {
  std::string model;
  CacheShape cache;
};

void AddMeasured(const std::string& model, const ModelShape& shape, bool quick,
                 std::vector<Measured>& all) {
  for (const std::size_t batch : {1, 4}) {
    for (const std::size_t seq_len : Doublings(quick ? 512 : 64, kLongest)) {
      const CacheShape cache = {.batch = batch,
                                .max_seq_len = seq_len,
                                .num_layers = shape.num_layers,
                                .num_kv_heads = shape.num_kv_heads,
                                .head_dim = shape.head_dim};
      // Llama's would not fit beside the rest of a small machine.
      constexpr std::uint64_t kMost = std::uint64_t{512} << 20U;
      if (CacheBytes(cache, sizeof(float)) <= kMost) {
        all.push_back({.model = model, .cache = cache});
      }
    }
  }
}

std::vector<Measured> WhatIsMeasured(const LabSubject& subject, bool quick) {
  std::vector<Measured> all;
  AddMeasured(subject.name, ShapeOf(subject.weights->config), quick, all);
  for (const KnownModel& known : kKnownModels) {
    if (known.name == subject.name) continue;
    AddMeasured(std::string(known.name), known.shape, quick, all);
  }
  return all;
}

ordered_json MeasuredBytes(const LabSubject& subject, LabRun& run) {
  ordered_json measured = ordered_json::array();
  for (const auto& [model, cache] : WhatIsMeasured(subject, run.Quick())) {
    run.Step(fmt::format("a cache of {} tokens for {} rows of {}",
                         cache.max_seq_len, cache.batch, model),
             kMeasureWork);
    const auto memory = MeasureCache(cache);
    measured.push_back({{"model", model},
                        {"batch", cache.batch},
                        {"seq_len", cache.max_seq_len},
                        {"formula_bytes", memory.formula_bytes},
                        {"measured_bytes", memory.measured_bytes}});
  }
  return measured;
}

ordered_json Layers(const LabSubject& subject) {
  const Gpt2Config& config = subject.weights->config;
  ordered_json layers = ordered_json::array();
  const std::vector<LayerBytes> breakdown =
      KvCacheBreakdown(ShapeOf(config), {.seq_len = config.max_positions});
  for (std::size_t layer = 0; layer < breakdown.size(); ++layer) {
    layers.push_back({{"layer", layer},
                      {"keys", breakdown[layer].keys},
                      {"values", breakdown[layer].values}});
  }
  return layers;
}

// Concatenation takes time quadratic in the length.
std::vector<std::size_t> GrowthLengths(bool quick) {
  return Doublings(128, quick ? 512 : kLongest);
}

double GrowthWork(std::size_t tokens) {
  const double share =
      static_cast<double>(tokens) / static_cast<double>(kLongest);
  return kGrowthWork * share * share;
}

// One layer's cache, filled token by token.
class Growth {
 public:
  Growth(const Gpt2Config& config, LabRun& run)
      : heads_(config.num_heads), head_dim_(config.HeadDim()), run_(run) {
    Random random(run.Seed());
    const std::array<std::size_t, 4> token = {1, heads_, 1, head_dim_};
    keys_ = RandomTensor4(random, token);
    values_ = RandomTensor4(random, token);
  }

  ordered_json Concatenation(std::size_t tokens) {
    GrowingCache cache(1, heads_, head_dim_);
    const double start = run_.Clock().now_s();
    for (std::size_t i = 0; i < tokens; ++i) cache.Append(keys_, values_);
    const double seconds = run_.Clock().now_s() - start;
    // While it grows by a token, old and new storage both exist.
    const std::uint64_t peak = Bytes(tokens) + Bytes(tokens - 1);
    return Json("concatenation", tokens, cache.BytesWritten(), seconds, peak);
  }

  // The same copies, made by memcpy: this time is that of moving the bytes.
  ordered_json Copying(std::size_t tokens) {
    std::vector<std::vector<float>> held(2 * heads_);
    std::uint64_t written = 0;
    const double start = run_.Clock().now_s();
    for (std::size_t i = 0; i < tokens; ++i) {
      for (std::size_t h = 0; h < held.size(); ++h) {
        const Tensor4& fresh = h < heads_ ? keys_ : values_;
        std::vector<float> longer(held[h].size() + head_dim_);
        std::ranges::copy(held[h], longer.begin());
        std::copy_n(fresh.data() + (h % heads_) * head_dim_, head_dim_,
                    longer.end() - static_cast<std::ptrdiff_t>(head_dim_));
        held[h] = std::move(longer);
        written += held[h].size() * sizeof(float);
      }
    }
    const double seconds = run_.Clock().now_s() - start;
    // One head at a time is held twice.
    const std::uint64_t peak = Bytes(tokens) + Bytes(tokens - 1) / held.size();
    return Json("concatenation by memcpy", tokens, written, seconds, peak);
  }

  ordered_json Preallocation(std::size_t tokens) {
    LayerCache cache({.batch = 1,
                      .max_seq_len = tokens,
                      .num_layers = 1,
                      .num_kv_heads = heads_,
                      .head_dim = head_dim_});
    const double start = run_.Clock().now_s();
    for (std::size_t i = 0; i < tokens; ++i) cache.Append(keys_, values_);
    const double seconds = run_.Clock().now_s() - start;
    return Json("preallocation", tokens, Bytes(tokens), seconds, cache.Bytes());
  }

 private:
  std::uint64_t Bytes(std::size_t tokens) const {
    return CacheBytes({.batch = 1,
                       .max_seq_len = tokens,
                       .num_layers = 1,
                       .num_kv_heads = heads_,
                       .head_dim = head_dim_},
                      sizeof(float));
  }

  static ordered_json Json(const char* way, std::size_t tokens,
                           std::uint64_t bytes_written, double seconds,
                           std::uint64_t peak_bytes) {
    return {{"way", way},
            {"tokens", tokens},
            {"bytes_written", bytes_written},
            {"seconds", seconds},
            {"peak_bytes", peak_bytes}};
  }

  std::size_t heads_;
  std::size_t head_dim_;
  LabRun& run_;
  Tensor4 keys_;
  Tensor4 values_;
};

void Measure(const LabSubject& subject, LabRun& run) {
  ordered_json section = {{"formula", Formula(subject)},
                          {"measured", MeasuredBytes(subject, run)},
                          {"layers", Layers(subject)},
                          {"growth", ordered_json::array()}};
  run.Keep("memory", section);
  Growth growth(subject.weights->config, run);
  for (const std::size_t tokens : GrowthLengths(run.Quick())) {
    run.Step(fmt::format("growing to {} tokens", tokens), GrowthWork(tokens));
    section["growth"].push_back(growth.Concatenation(tokens));
    section["growth"].push_back(growth.Copying(tokens));
    section["growth"].push_back(growth.Preallocation(tokens));
    run.Keep("memory", section);
  }
}

double WorkOf(const LabSubject& subject, bool quick) {
  double work =
      kMeasureWork * static_cast<double>(WhatIsMeasured(subject, quick).size());
  for (const std::size_t tokens : GrowthLengths(quick)) {
    work += GrowthWork(tokens);
  }
  return work;
}

}  // namespace

Experiment MemoryOfCaches() {
  return {.section = "memory",
          .title = "Memory",
          .work = WorkOf,
          .measure = Measure};
}

}  // namespace kvlab
