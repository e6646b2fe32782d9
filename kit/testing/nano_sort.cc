#include "kit/testing/nano_sort.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/files/json_object.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"
#include "kit/testing/testing.h"
#include "nlohmann/json.hpp"
#include "xtl/xbase64.hpp"

namespace kvlab {
namespace {

using nlohmann::json;

json ReadFile(const std::string& name) {
  return ReadJsonObject(TestData("kit/testdata/gpt-nano-sort/" + name));
}

// {"shape": [..], "dtype": "torch.float32", "data": "base64"}
std::vector<float> Values(const json& entry) {
  const std::string bytes =
      xtl::base64decode(entry.at("data").get<std::string>());
  std::vector<float> values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(float));
  return values;
}

// Converts model.json's entries to weights.
class WeightReader {
 public:
  explicit WeightReader(json model) : model_(std::move(model)) {}

  // A matrix stored as [out, in].
  WeightMatrix OutIn(const std::string& name) const {
    const json& entry = model_.at(name);
    const auto shape = entry.at("shape").get<std::vector<std::size_t>>();
    return WeightMatrix::FromFloats(Values(entry), WeightLayout::kOutIn,
                                    shape.at(1), shape.at(0));
  }

  Tensor1 Vector(const std::string& name) const {
    const std::vector<float> values = Values(model_.at(name));
    Tensor1 tensor = Tensor1::from_shape({values.size()});
    std::copy(values.begin(), values.end(), tensor.begin());
    return tensor;
  }

  LinearWeights Linear(const std::string& name) const {
    return {.weight = OutIn(name + ".weight"), .bias = Vector(name + ".bias")};
  }

  LayerNormWeights LayerNorm(const std::string& name) const {
    return {.weight = Vector(name + ".weight"), .bias = Vector(name + ".bias")};
  }

  BlockWeights Block(std::size_t layer) const {
    const std::string h = "transformer.h." + std::to_string(layer) + ".";
    return {.ln_1 = LayerNorm(h + "ln_1"),
            .attn = {.c_attn = Linear(h + "attn.c_attn"),
                     .c_proj = Linear(h + "attn.c_proj")},
            .ln_2 = LayerNorm(h + "ln_2"),
            .mlp = {.c_fc = Linear(h + "mlp.c_fc"),
                    .c_proj = Linear(h + "mlp.c_proj")}};
  }

  Gpt2Config Config() const {
    const json& config = model_.at("config");
    const auto d_model = config.at("n_embd").get<std::size_t>();
    return {.num_layers = config.at("n_layer").get<std::size_t>(),
            .num_heads = config.at("n_head").get<std::size_t>(),
            .d_model = d_model,
            .d_mlp = 4 * d_model,
            .max_positions = config.at("block_size").get<std::size_t>(),
            .vocab_size = config.at("vocab_size").get<std::size_t>()};
  }

 private:
  json model_;
};

}  // namespace

Gpt2Weights LoadNanoSort() {
  const WeightReader reader(ReadFile("model.json"));
  Gpt2Weights weights;
  weights.config = reader.Config();
  weights.wte = reader.OutIn("transformer.wte.weight");
  weights.wpe = reader.OutIn("transformer.wpe.weight");
  for (std::size_t layer = 0; layer < weights.config.num_layers; ++layer) {
    weights.blocks.push_back(reader.Block(layer));
  }
  weights.ln_f = reader.LayerNorm("transformer.ln_f");
  weights.lm_head = reader.OutIn("lm_head.weight");
  return weights;
}

NanoSortActivations NanoSortActivations::Load() {
  const json partials = ReadFile("partials.json");
  NanoSortActivations activations;
  for (const auto& [name, entry] : partials.items()) {
    if (name == "config") continue;
    activations.arrays_[name] = {
        .shape = entry.at("shape").get<std::vector<std::size_t>>(),
        .values = Values(entry)};
  }
  return activations;
}

const NanoSortActivations::Array& NanoSortActivations::Find(
    const std::string& name, std::size_t axes) const {
  const auto found = arrays_.find(name);
  if (found == arrays_.end() || found->second.shape.size() != axes) {
    throw ContractError(
        "NanoSortActivations: no tensor '" + name + "' of " +
            std::to_string(axes) + " axes",
        "partials.json does not have it",
        "use one of the names and shapes in kit/testing/nano_sort.h");
  }
  return found->second;
}

Tokens NanoSortActivations::Idx() const {
  const Array& array = Find("idx", 2);
  Tokens tokens = Tokens::from_shape({array.shape[0], array.shape[1]});
  std::transform(array.values.begin(), array.values.end(), tokens.begin(),
                 [](float value) { return static_cast<TokenId>(value); });
  return tokens;
}

Tensor3 NanoSortActivations::Get3(const std::string& name) const {
  const Array& array = Find(name, 3);
  Tensor3 tensor =
      Tensor3::from_shape({array.shape[0], array.shape[1], array.shape[2]});
  std::copy(array.values.begin(), array.values.end(), tensor.begin());
  return tensor;
}

Tensor4 NanoSortActivations::Get4(const std::string& name) const {
  const Array& array = Find(name, 4);
  Tensor4 tensor = Tensor4::from_shape(
      {array.shape[0], array.shape[1], array.shape[2], array.shape[3]});
  std::copy(array.values.begin(), array.values.end(), tensor.begin());
  return tensor;
}

}  // namespace kvlab
