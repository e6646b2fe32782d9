#include "kit/model/checkpoint.h"

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

#include "kit/error.h"
#include "kit/files/json_object.h"
#include "kit/files/safetensors.h"
#include "kit/model/checkpoint_config.h"
#include "kit/model/checkpoint_tensors.h"
#include "kit/model/gpt2_weights.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"
#include "kit/tensor/weight_memory.h"
#include "kit/tokenizer/tokenizer.h"

namespace kvlab {
namespace {

constexpr const char* kPrefix = "transformer.";

std::optional<DType> FindDType(const std::string& name) {
  if (name == "F32") return DType::kF32;
  if (name == "F16") return DType::kF16;
  if (name == "BF16") return DType::kBF16;
  return std::nullopt;
}

// The rows of wte or lm_head: those in the file, and how many of them, from the
// first on, belong to a token.
struct VocabularyRows {
  std::size_t stored = 0;
  std::size_t kept = 0;
};

// Reads tensors from the files and checks them against the shape that the model
// needs.
class TensorReader {
 public:
  explicit TensorReader(CheckpointTensors tensors)
      : tensors_(std::move(tensors)) {}

  // A matrix stored as [in, out].
  WeightMatrix Conv1D(const std::string& name, std::size_t in,
                      std::size_t out) const {
    return Matrix(name, {in, out}, WeightLayout::kInOut, in, out);
  }

  // A matrix stored as [rows, d_model], as the map from d_model to its first
  // rows.
  WeightMatrix Embedding(const std::string& name, VocabularyRows rows,
                         std::size_t d_model) const {
    const Located located = Find(name);
    CheckTensorShape(located, {rows.stored, d_model});
    return View(
        located,
        {.layout = WeightLayout::kOutIn, .in = d_model, .out = rows.kept});
  }

  // The same for a matrix that a step reads as a whole, such as the head: a
  // large one is copied from the file's small pages to huge ones.
  WeightMatrix Head(const std::string& name, VocabularyRows rows,
                    std::size_t d_model) const {
    WeightMatrix head = Embedding(name, rows, d_model);
    if (head.Bytes() < kHugePageBytes) return head;
    const std::shared_ptr<std::byte> copy = AllocateWeights(head.Bytes());
    const Located located = Find(name);
    for (std::size_t begin = 0; begin < head.Bytes(); begin += kHugePageBytes) {
      const std::span<const std::byte> part(
          head.Data() + begin, std::min(kHugePageBytes, head.Bytes() - begin));
      std::memcpy(copy.get() + begin, part.data(), part.size());
      Release(located, part);
    }
    return WeightMatrix(copy, {copy.get(), head.Bytes()}, head.Type(),
                        head.Layout(), head.In(), head.Out());
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
    Release(Find(name + ".weight"), {stored.Data(), stored.Bytes()});
    return {.weight = std::move(panels), .bias = Vector(name + ".bias", out)};
  }

  LayerNormWeights LayerNorm(const std::string& name,
                             std::size_t d_model) const {
    return {.weight = Vector(name + ".weight", d_model),
            .bias = Vector(name + ".bias", d_model)};
  }

  bool Has(const std::string& name) const {
    return tensors_.Find(name) || tensors_.Find(kPrefix + name);
  }

  // Throws DataError unless the two tensors hold the same bytes.
  void CheckSame(const std::string& one, const std::string& other) const {
    const Located first = Find(one);
    const Located second = Find(other);
    const std::span<const std::byte> a = first.tensor->bytes;
    const std::span<const std::byte> b = second.tensor->bytes;
    bool same = first.tensor->dtype == second.tensor->dtype &&
                first.tensor->shape == second.tensor->shape;
    for (std::size_t begin = 0;
         same && a.data() != b.data() && begin < a.size();
         begin += kHugePageBytes) {
      const std::size_t size = std::min(kHugePageBytes, a.size() - begin);
      same = std::memcmp(a.data() + begin, b.data() + begin, size) == 0;
      Release(first, a.subspan(begin, size));
      Release(second, b.subspan(begin, size));
    }
    if (same) return;
    throw DataError(
        Where(second) + " is not the same as '" + one + "'",
        "config.json says (this is the default) that the head is tied to the "
        "embedding, but the weights hold two matrices",
        "set \"tie_word_embeddings\": false in config.json if the model was "
        "trained so; otherwise remove " +
            other + " from the file");
  }

  void ReleaseAll() const { tensors_.ReleaseAll(); }

 private:
  // A tensor, the name under which it was requested, and its file.
  struct Located {
    std::string name;
    const SafeTensor* tensor;
    const SafeTensorsFile* file;
  };

  // How its bytes are read.
  struct Reading {
    WeightLayout layout = WeightLayout::kInOut;
    std::size_t in = 0;
    std::size_t out = 0;
  };

  // Releases the file's pages that have been copied: no byte is held twice for
  // longer than its matrix takes to copy. Bytes outside the file (see View)
  // stay.
  static void Release(const Located& located,
                      std::span<const std::byte> bytes) {
    const std::span<const std::byte> file = located.file->Mapping()->Bytes();
    const bool inside = std::less_equal<>()(file.data(), bytes.data()) &&
                        std::less<>()(bytes.data(), file.data() + file.size());
    if (inside) located.file->Mapping()->Release(bytes);
  }

  static std::string Where(const Located& located) {
    return located.file->Path().string() + ": tensor '" + located.name + "'";
  }

  Located Find(const std::string& name) const {
    const auto plain = tensors_.Find(name);
    const auto prefixed = tensors_.Find(kPrefix + name);
    if (!plain && !prefixed) FailMissing(name);
    if (plain && prefixed && plain->tensor != prefixed->tensor) {
      throw DataError(
          tensors_.Path().string() + ": tensor '" + name + "' appears twice",
          "once with and once without '" + std::string(kPrefix) +
              "' before its name",
          "remove one of them");
    }
    const CheckpointTensors::Found& found = plain ? *plain : *prefixed;
    return {.name = name, .tensor = found.tensor, .file = found.file};
  }

  [[noreturn]] void FailMissing(const std::string& name) const {
    const std::string similar = tensors_.NameEndingWith(name);
    if (!similar.empty()) {
      throw DataError(
          tensors_.Path().string() + ": tensor '" + name + "' is missing",
          "there is " + Quoted(similar) + "; names may begin with '" +
              std::string(kPrefix) + "' or with nothing, as GPT-2's do",
          "save the inner model, whose names lack the outer prefix");
    }
    throw DataError(
        tensors_.Path().string() + ": tensor '" + name + "' is missing",
        "config.json describes a model that has it, with or without '" +
            std::string(kPrefix) + "' before its name",
        "use config.json and model.safetensors of one model");
  }

  static DType CheckedDType(const Located& located) {
    const std::optional<DType> dtype = FindDType(located.tensor->dtype);
    if (!dtype) {
      throw DataError(Where(located) + " has a wrong dtype",
                      "it is " + located.tensor->dtype +
                          "; parameters must be F32, F16 or BF16",
                      "convert the checkpoint to one of these");
    }
    return *dtype;
  }

  static void CheckTensorShape(const Located& located,
                               const std::vector<std::uint64_t>& shape) {
    const std::vector<std::uint64_t>& found = located.tensor->shape;
    if (found == shape) return;
    const std::string what = Where(located) + " has a wrong shape";
    const std::string why = "it is " + ShapeText(found) +
                            "; config.json requires " + ShapeText(shape);
    if (shape.size() == 2 && found.size() == 2 && found[0] == shape[1] &&
        found[1] == shape[0]) {
      throw DataError(what,
                      why +
                          ", the other way round: GPT-2's layers are stored "
                          "as [in, out], those of nn.Linear as [out, in]",
                      "transpose c_attn, c_proj and c_fc, in every layer");
    }
    throw DataError(what, why,
                    "use config.json and model.safetensors of one model");
  }

  WeightMatrix Matrix(const std::string& name,
                      const std::vector<std::uint64_t>& shape,
                      WeightLayout layout, std::size_t in,
                      std::size_t out) const {
    const Located located = Find(name);
    CheckTensorShape(located, shape);
    return View(located, {.layout = layout, .in = in, .out = out});
  }

  // The first in * out elements in place, or a copy if they are not aligned.
  static WeightMatrix View(const Located& located, const Reading& reading) {
    const DType dtype = CheckedDType(located);
    const std::span<const std::byte> bytes = located.tensor->bytes.first(
        reading.in * reading.out * DTypeBytes(dtype));
    const auto address = reinterpret_cast<std::uintptr_t>(bytes.data());
    if (address % DTypeBytes(dtype) == 0) {
      return WeightMatrix(located.file->Mapping(), bytes, dtype, reading.layout,
                          reading.in, reading.out);
    }
    const auto copy = std::make_shared<const std::vector<std::byte>>(
        bytes.begin(), bytes.end());
    return WeightMatrix(copy, *copy, dtype, reading.layout, reading.in,
                        reading.out);
  }

  CheckpointTensors tensors_;
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

// The embedding and the head.
void ReadEnds(const TensorReader& reader, const CheckpointConfig& config,
              VocabularyRows rows, Gpt2Weights& weights) {
  const std::size_t d_model = config.model.d_model;
  const std::string wte = "wte.weight";
  const std::string lm_head = "lm_head.weight";
  if (config.head == Head::kOwn) {
    weights.wte = reader.Embedding(wte, rows, d_model);
    weights.lm_head = reader.Head(lm_head, rows, d_model);
    return;
  }
  // Tied: one matrix under either name, or the same one under both.
  const bool only_head = !reader.Has(wte) && reader.Has(lm_head);
  weights.wte = reader.Head(only_head ? lm_head : wte, rows, d_model);
  if (!only_head && reader.Has(lm_head)) reader.CheckSame(wte, lm_head);
  weights.lm_head = weights.wte;
}

Gpt2Weights LoadWeights(const std::filesystem::path& directory,
                        const CheckpointConfig& config, std::size_t tokens) {
  const Gpt2Config& model = config.model;
  const TensorReader reader(CheckpointTensors::Open(directory));

  Gpt2Weights weights;
  weights.config = model;
  weights.config.vocab_size = tokens;
  ReadEnds(reader, config, {.stored = model.vocab_size, .kept = tokens},
           weights);
  weights.wpe = reader.Embedding(
      "wpe.weight",
      {.stored = model.max_positions, .kept = model.max_positions},
      model.d_model);
  // Grows with the layers that are really in the file: memory is not reserved
  // for the number in config.json, which may be wrong.
  for (std::size_t layer = 0; layer < model.num_layers; ++layer) {
    weights.blocks.push_back(ReadBlock(reader, layer, model));
  }
  weights.ln_f = reader.LayerNorm("ln_f", model.d_model);
  reader.ReleaseAll();
  return weights;
}

[[noreturn]] void FailVocabulary(const std::filesystem::path& directory,
                                 const Tokenizer& tokenizer,
                                 std::size_t vocab_size) {
  throw DataError(
      tokenizer.Source() + ": the vocabulary does not match the model",
      std::to_string(tokenizer.VocabSize()) + " tokens, but " +
          (directory / "config.json").string() + " and wte.weight have " +
          std::to_string(vocab_size),
      "use the vocabulary that was published with the model");
}

}  // namespace

Gpt2Weights LoadGpt2(const std::filesystem::path& directory) {
  const CheckpointConfig config =
      ReadCheckpointConfig(directory / "config.json");
  return LoadWeights(directory, config, config.model.vocab_size);
}

Checkpoint LoadCheckpoint(const std::filesystem::path& directory) {
  const CheckpointConfig config =
      ReadCheckpointConfig(directory / "config.json");
  const std::size_t rows = config.model.vocab_size;
  Tokenizer tokenizer = Tokenizer::Load(directory);
  // Padding never doubles a vocabulary, and text may need any token except the
  // added ones.
  if (tokenizer.VocabSize() < rows - rows / 2 ||
      tokenizer.TextVocabSize() > rows) {
    FailVocabulary(directory, tokenizer, rows);
  }
  tokenizer.DropAddedTokensFrom(rows);
  const std::size_t tokens = tokenizer.VocabSize();
  auto weights = std::make_shared<const Gpt2Weights>(
      LoadWeights(directory, config, tokens));
  return {.weights = std::move(weights),
          .tokenizer = std::move(tokenizer),
          .rows_without_token = rows - tokens};
}

}  // namespace kvlab
