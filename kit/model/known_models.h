// Published models: the sizes that determine their caches.
#ifndef KVLAB_KIT_MODEL_KNOWN_MODELS_H_
#define KVLAB_KIT_MODEL_KNOWN_MODELS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kvlab {

struct ModelShape {
  std::size_t num_layers = 0;
  std::size_t num_heads = 0;      // H: query heads
  std::size_t num_kv_heads = 0;   // G: with grouped heads fewer than H
  std::size_t head_dim = 0;       // D
  std::size_t max_positions = 0;  // the longest context
  // A layer keeps only the newest `window` tokens; 0: all of them.
  std::size_t window = 0;
};

struct KnownModel {
  std::string_view name;
  ModelShape shape;
  std::uint64_t parameters = 0;
  std::string_view source;
};

inline constexpr std::array<KnownModel, 6> kKnownModels = {{
    {.name = "DistilGPT2",
     .shape = {.num_layers = 6,
               .num_heads = 12,
               .num_kv_heads = 12,
               .head_dim = 64,
               .max_positions = 1024},
     .parameters = 81'912'576,
     .source = "Sanh 2019, arXiv:1910.01108; its config.json"},
    {.name = "GPT-2",
     .shape = {.num_layers = 12,
               .num_heads = 12,
               .num_kv_heads = 12,
               .head_dim = 64,
               .max_positions = 1024},
     .parameters = 124'439'808,
     .source = "Radford 2019"},
    {.name = "Llama-2-7B",
     .shape = {.num_layers = 32,
               .num_heads = 32,
               .num_kv_heads = 32,
               .head_dim = 128,
               .max_positions = 4096},
     .parameters = 6'738'415'616,
     .source = "Touvron 2023, arXiv:2307.09288"},
    {.name = "Llama-3-8B",
     .shape = {.num_layers = 32,
               .num_heads = 32,
               .num_kv_heads = 8,
               .head_dim = 128,
               .max_positions = 8192},
     .parameters = 8'030'261'248,
     .source = "Llama team 2024, arXiv:2407.21783"},
    {.name = "Mistral-7B v0.1",
     .shape = {.num_layers = 32,
               .num_heads = 32,
               .num_kv_heads = 8,
               .head_dim = 128,
               .max_positions = 32768,
               .window = 4096},
     .parameters = 7'241'732'096,
     .source = "Jiang 2023, arXiv:2310.06825"},
    {.name = "GPT-3 175B",
     .shape = {.num_layers = 96,
               .num_heads = 96,
               .num_kv_heads = 96,
               .head_dim = 128,
               .max_positions = 2048},
     .parameters = 174'604'259'328,
     .source = "Brown 2020, arXiv:2005.14165"},
}};

// Throws ContractError, listing the known names, for an unknown one.
const KnownModel& FindKnownModel(std::string_view name);

}  // namespace kvlab

#endif  // KVLAB_KIT_MODEL_KNOWN_MODELS_H_
