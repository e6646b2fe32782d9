// Experiment that needs no measurement: published models and their caches.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "kit/model/known_models.h"
#include "lab/experiments.h"
#include "modules/04_profiling/memory.h"

namespace kvlab {
namespace {

using nlohmann::ordered_json;

constexpr std::size_t kFloat16 = 2;
constexpr std::uint64_t kGibibyte = std::uint64_t{1} << 30U;
constexpr std::array<std::uint64_t, 4> kMemories = {
    8 * kGibibyte, 24 * kGibibyte, 80 * kGibibyte, 640 * kGibibyte};

ordered_json Fits(const KnownModel& model, std::uint64_t weights_bytes) {
  const CacheUse use = {.seq_len = model.shape.max_positions,
                        .bytes_per_element = kFloat16};
  ordered_json fits = ordered_json::array();
  for (const std::uint64_t memory : kMemories) {
    const std::size_t users =
        memory > weights_bytes
            ? LargestBatch(model.shape, use, memory - weights_bytes)
            : 0;
    fits.push_back({{"memory_bytes", memory}, {"users", users}});
  }
  return fits;
}

void Measure(const LabSubject& /*subject*/, LabRun& run) {
  ordered_json models = ordered_json::array();
  for (const KnownModel& model : kKnownModels) {
    const std::uint64_t weights_bytes = model.parameters * kFloat16;
    models.push_back(
        {{"name", model.name},
         {"parameters", model.parameters},
         {"context", model.shape.max_positions},
         {"bytes_per_element", kFloat16},
         {"weights_bytes", weights_bytes},
         {"bytes_per_token",
          KvCacheBytes(model.shape,
                       {.seq_len = 1, .bytes_per_element = kFloat16})},
         {"cache_bytes",
          KvCacheBytes(model.shape, {.seq_len = model.shape.max_positions,
                                     .bytes_per_element = kFloat16})},
         {"fits", Fits(model, weights_bytes)}});
  }
  run.Keep("known_models", std::move(models));
}

}  // namespace

Experiment KnownModelsTable() {
  return {.section = "known_models",
          .title = "Known models",
          .work = [](const LabSubject&, bool) { return 0.0; },
          .measure = Measure};
}

}  // namespace kvlab
