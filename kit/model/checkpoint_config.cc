#include "kit/model/checkpoint_config.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

#include "kit/error.h"
#include "kit/files/json_object.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

using nlohmann::json;

constexpr std::uint64_t kMaxSize = std::numeric_limits<std::int32_t>::max();

class ConfigReader {
 public:
  explicit ConfigReader(const std::filesystem::path& path)
      : path_(path.string()), object_(ReadJsonObject(path)) {}

  // A required size.
  std::size_t Size(const char* key) const {
    if (!Has(key)) Fail(key, "is missing", "the model's shape depends on it");
    return CheckedSize(key);
  }

  // A size that may be missing or null.
  std::size_t SizeOr(const char* key, std::size_t otherwise) const {
    return Has(key) ? CheckedSize(key) : otherwise;
  }

  bool FlagOr(const char* key, bool otherwise) const {
    if (!Has(key)) return otherwise;
    if (!object_[key].is_boolean()) {
      Fail(key, "is malformed", "it is neither true nor false");
    }
    return object_[key].get<bool>();
  }

  std::string TextOr(const char* key, const std::string& otherwise) const {
    if (!Has(key)) return otherwise;
    if (!object_[key].is_string()) {
      Fail(key, "is malformed", "it must be a string");
    }
    return object_[key].get<std::string>();
  }

  float EpsilonOr(const char* key, float otherwise) const {
    if (!Has(key)) return otherwise;
    const json& number = object_[key];
    const double value = number.is_number() ? number.get<double>() : 0;
    if (!(value >= std::numeric_limits<float>::min() && value < 1)) {
      Fail(key, "is out of range", "it must be a number above 0 and below 1");
    }
    return static_cast<float>(value);
  }

  // Whether the value is neither null nor empty ({}, []).
  bool HasContent(const char* key) const {
    return Has(key) && !object_[key].empty();
  }

  [[noreturn]] void Fail(const std::string& key, const std::string& what,
                         const std::string& why) const {
    throw DataError(path_ + ": '" + key + "' " + what, why,
                    "use the config.json that was published with the weights "
                    "of a GPT-2");
  }

 private:
  bool Has(const char* key) const {
    const auto found = object_.find(key);
    return found != object_.end() && !found->is_null();
  }

  std::size_t CheckedSize(const char* key) const {
    const json& number = object_[key];
    const std::uint64_t size =
        number.is_number_unsigned() ? number.get<std::uint64_t>() : 0;
    if (size == 0 || size > kMaxSize) {
      Fail(key, "is out of range",
           "it must be a whole number from 1 to " + std::to_string(kMaxSize));
    }
    return size;
  }

  std::string path_;
  json object_;
};

// The names of 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) in
// transformers' activations.py, which differ in how they are written. "gelu",
// "gelu_python" and "gelu_10" are the exact one with erf, "quick_gelu" is
// x sigmoid(1.702 x).
// Source: Hendrycks and Gimpel 2016, arXiv:1606.08415.
constexpr std::array<std::string_view, 5> kTanhGelu = {
    "gelu_new", "gelu_fast", "gelu_accurate", "gelu_pytorch_tanh",
    "gelu_python_tanh"};

// A model that kvlab would compute wrongly must not load.
void CheckVariant(const ConfigReader& config) {
  const std::string type = config.TextOr("model_type", "gpt2");
  if (type != "gpt2") {
    config.Fail("model_type", "is not supported",
                "it is " + Quoted(type) + ", kvlab computes 'gpt2'");
  }
  const std::string activation =
      config.TextOr("activation_function", "gelu_new");
  if (std::find(kTanhGelu.begin(), kTanhGelu.end(), activation) ==
      kTanhGelu.end()) {
    config.Fail("activation_function", "is not supported",
                "it is " + Quoted(activation) +
                    ", kvlab computes GELU in its tanh form, 'gelu_new'");
  }
  if (!config.FlagOr("scale_attn_weights", true)) {
    config.Fail("scale_attn_weights", "is not supported",
                "it is false, kvlab divides scores by sqrt(head_dim)");
  }
  for (const char* key :
       {"scale_attn_by_inverse_layer_idx", "add_cross_attention"}) {
    if (config.FlagOr(key, false)) {
      config.Fail(key, "is not supported",
                  "it is true, and kvlab would leave it out");
    }
  }
  // This option changes the order of a product and casts to float32, which
  // kvlab uses anyway: the function is the same.
  config.FlagOr("reorder_and_upcast_attn", false);
  for (const char* key : {"pruned_heads", "quantization_config"}) {
    if (config.HasContent(key)) {
      config.Fail(key, "is not supported",
                  "the weights are not those of whole matrices");
    }
  }
}

}  // namespace

CheckpointConfig ReadCheckpointConfig(const std::filesystem::path& path) {
  const ConfigReader config(path);
  CheckVariant(config);
  Gpt2Config model = {
      .num_layers = config.Size("n_layer"),
      .num_heads = config.Size("n_head"),
      .d_model = config.Size("n_embd"),
      .d_mlp = config.SizeOr("n_inner", 4 * config.Size("n_embd")),
      .max_positions = config.Size("n_positions"),
      .vocab_size = config.Size("vocab_size"),
      .layer_norm_epsilon = config.EpsilonOr("layer_norm_epsilon", 1e-5F)};
  if (model.d_model % model.num_heads != 0) {
    config.Fail("n_head", "does not divide n_embd",
                std::to_string(model.d_model) +
                    " features cannot be cut into " +
                    std::to_string(model.num_heads) + " equal heads");
  }
  const bool tied = config.FlagOr("tie_word_embeddings", true);
  return {.model = model, .head = tied ? Head::kTied : Head::kOwn};
}

}  // namespace kvlab
