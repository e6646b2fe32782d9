#include "kit/checkpoint.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "kit/checkpoint_config.h"
#include "kit/error.h"
#include "kit/gpt2_weights.h"
#include "kit/json_object.h"
#include "kit/safetensors.h"
#include "kit/tensor.h"
#include "kit/tokenizer.h"
#include "kit/weight_matrix.h"
#include "kit/weight_memory.h"

namespace kvlab {
namespace {

constexpr const char* kPrefix = "transformer.";

std::optional<DType> FindDType(const std::string& name) {
  if (name == "F32") return DType::kF32;
  if (name == "F16") return DType::kF16;
  if (name == "BF16") return DType::kBF16;
  return std::nullopt;
}

// Takes tensors out of a file, checked against the shape that the model needs.
class TensorReader {
 public:
  explicit TensorReader(SafeTensorsFile file) : file_(std::move(file)) {}

  // A matrix stored as [in, out].
  WeightMatrix Conv1D(const std::string& name, std::size_t in,
                      std::size_t out) const {
    return Matrix(name, {in, out}, WeightLayout::kInOut, in, out);
  }

  // A matrix stored as [rows, d_model], as the map from d_model to rows.
  WeightMatrix Embedding(const std::string& name, std::size_t rows,
                         std::size_t d_model) const {
    return Matrix(name, {rows, d_model}, WeightLayout::kOutIn, d_model, rows);
  }

  // The same for one that a step reads as a whole, as the head: if it is large,
  // copied from the file's small pages to huge ones.
  WeightMatrix Head(const std::string& name, std::size_t rows,
                    std::size_t d_model) const {
    WeightMatrix head = Embedding(name, rows, d_model);
    if (head.Bytes() < kHugePageBytes) return head;
    const std::shared_ptr<std::byte> copy = AllocateWeights(head.Bytes());
    for (std::size_t begin = 0; begin < head.Bytes(); begin += kHugePageBytes) {
      const std::span<const std::byte> part(
          head.Data() + begin, std::min(kHugePageBytes, head.Bytes() - begin));
      std::memcpy(copy.get() + begin, part.data(), part.size());
      Release(part);
    }
    return WeightMatrix(copy, {copy.get(), head.Bytes()}, head.Type(),
                        head.Layout(), d_model, rows);
  }

  // One axis, widened to float32.
  Tensor1 Vector(const std::string& name, std::size_t size) const {
    const WeightMatrix column =
        Matrix(name, {size}, WeightLayout::kOutIn, size, 1);
    Tensor1 values = Tensor1::from_shape({size});
    column.CopyOutputRow(0, {values.data(), size});
    return values;
  }

  LinearWeights Linear(const std::string& name, std::size_t in,
                       std::size_t out) const {
    const WeightMatrix stored = Conv1D(name + ".weight", in, out);
    WeightMatrix panels = stored.InPanels();
    Release({stored.Data(), stored.Bytes()});
    return {.weight = std::move(panels), .bias = Vector(name + ".bias", out)};
  }

  LayerNormWeights LayerNorm(const std::string& name,
                             std::size_t d_model) const {
    return {.weight = Vector(name + ".weight", d_model),
            .bias = Vector(name + ".bias", d_model)};
  }

  // Reading a page brings in its neighbours, too: gives back what is left over
  // from loading. What is still read in the file comes back when it is.
  void ReleaseAll() const {
    file_.Mapping()->Release(file_.Mapping()->Bytes());
  }

 private:
  // The file's pages that have been copied are not needed any more: no byte is
  // held twice for longer than its matrix takes to copy. Bytes that are not the
  // file's (see Matrix) stay.
  void Release(std::span<const std::byte> bytes) const {
    const std::span<const std::byte> file = file_.Mapping()->Bytes();
    const bool inside = std::less_equal<>()(file.data(), bytes.data()) &&
                        std::less<>()(bytes.data(), file.data() + file.size());
    if (inside) file_.Mapping()->Release(bytes);
  }

  std::string Where(const std::string& name) const {
    return file_.Path().string() + ": tensor '" + name + "'";
  }

  const SafeTensor& Find(const std::string& name) const {
    const SafeTensor* plain = file_.Find(name);
    const SafeTensor* prefixed = file_.Find(kPrefix + name);
    if (plain != nullptr && prefixed != nullptr) {
      throw DataError(Where(name) + " is there twice",
                      "once with and once without '" + std::string(kPrefix) +
                          "' before its name",
                      "remove one of them");
    }
    if (plain == nullptr && prefixed == nullptr) {
      throw DataError(Where(name) + " is missing",
                      "config.json describes a model that has it, with or "
                      "without '" +
                          std::string(kPrefix) + "' before its name",
                      "use config.json and model.safetensors of one model");
    }
    return plain != nullptr ? *plain : *prefixed;
  }

  DType CheckedDType(const std::string& name, const SafeTensor& tensor) const {
    const std::optional<DType> dtype = FindDType(tensor.dtype);
    if (!dtype) {
      throw DataError(
          Where(name) + " has a wrong dtype",
          "it is " + tensor.dtype + "; parameters must be F32, F16 or BF16",
          "convert the checkpoint to one of these");
    }
    return *dtype;
  }

  void CheckTensorShape(const std::string& name, const SafeTensor& tensor,
                        const std::vector<std::uint64_t>& shape) const {
    if (tensor.shape != shape) {
      throw DataError(Where(name) + " has a wrong shape",
                      "it is " + ShapeText(tensor.shape) +
                          "; config.json asks "
                          "for " +
                          ShapeText(shape),
                      "use config.json and model.safetensors of one model");
    }
  }

  WeightMatrix Matrix(const std::string& name,
                      const std::vector<std::uint64_t>& shape,
                      WeightLayout layout, std::size_t in,
                      std::size_t out) const {
    const SafeTensor& tensor = Find(name);
    const DType dtype = CheckedDType(name, tensor);
    CheckTensorShape(name, tensor, shape);
    const auto address = reinterpret_cast<std::uintptr_t>(tensor.bytes.data());
    if (address % DTypeBytes(dtype) == 0) {
      return WeightMatrix(file_.Mapping(), tensor.bytes, dtype, layout, in,
                          out);
    }
    const auto copy = std::make_shared<const std::vector<std::byte>>(
        tensor.bytes.begin(), tensor.bytes.end());
    return WeightMatrix(copy, *copy, dtype, layout, in, out);
  }

  SafeTensorsFile file_;
};

BlockWeights ReadBlock(const TensorReader& reader, std::size_t layer,
                       const Gpt2Config& config) {
  const std::string h = "h." + std::to_string(layer) + ".";
  const std::size_t d_model = config.d_model;
  return {
      .ln_1 = reader.LayerNorm(h + "ln_1", d_model),
      .attn = {.c_attn = reader.Linear(h + "attn.c_attn", d_model, 3 * d_model),
               .c_proj = reader.Linear(h + "attn.c_proj", d_model, d_model)},
      .ln_2 = reader.LayerNorm(h + "ln_2", d_model),
      .mlp = {.c_fc = reader.Linear(h + "mlp.c_fc", d_model, config.d_mlp),
              .c_proj = reader.Linear(h + "mlp.c_proj", config.d_mlp, d_model)},
  };
}

}  // namespace

Gpt2Weights LoadGpt2(const std::filesystem::path& directory) {
  const CheckpointConfig config =
      ReadCheckpointConfig(directory / "config.json");
  const Gpt2Config& model = config.model;
  const TensorReader reader(
      SafeTensorsFile::Open(directory / "model.safetensors"));

  Gpt2Weights weights;
  weights.config = model;
  weights.wte =
      config.head == Head::kTied
          ? reader.Head("wte.weight", model.vocab_size, model.d_model)
          : reader.Embedding("wte.weight", model.vocab_size, model.d_model);
  weights.wpe =
      reader.Embedding("wpe.weight", model.max_positions, model.d_model);
  // Grows with the layers that are really in the file: nothing is reserved for
  // a number that only config.json vouches for.
  for (std::size_t layer = 0; layer < model.num_layers; ++layer) {
    weights.blocks.push_back(ReadBlock(reader, layer, model));
  }
  weights.ln_f = reader.LayerNorm("ln_f", model.d_model);
  weights.lm_head =
      config.head == Head::kTied
          ? weights.wte
          : reader.Head("lm_head.weight", model.vocab_size, model.d_model);
  reader.ReleaseAll();
  return weights;
}

Checkpoint LoadCheckpoint(const std::filesystem::path& directory) {
  auto weights = std::make_shared<const Gpt2Weights>(LoadGpt2(directory));
  Tokenizer tokenizer = Tokenizer::Load(directory);
  if (tokenizer.VocabSize() != weights->config.vocab_size) {
    throw DataError((directory / "vocab.json").string() +
                        ": the vocabulary does not match the model",
                    std::to_string(tokenizer.VocabSize()) + " tokens, but " +
                        (directory / "config.json").string() +
                        " and wte.weight have " +
                        std::to_string(weights->config.vocab_size),
                    "use vocab.json and merges.txt of the model itself");
  }
  return {.weights = std::move(weights), .tokenizer = std::move(tokenizer)};
}

}  // namespace kvlab
