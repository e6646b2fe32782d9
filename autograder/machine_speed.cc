#include "autograder/machine_speed.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "cli/machine.h"
#include "compare/roofs.h"
#include "fmt/chrono.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "kit/files/temporary_folder.h"
#include "kit/kernels/instruction_set.h"
#include "kit/math/kept_memory.h"
#include "kit/math/median.h"
#include "kit/math/threads.h"
#include "kit/measure/choose_kernels.h"
#include "kit/measure/stopwatch.h"
#include "kit/model/checkpoint.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "kit/tensor/weight_matrix.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cached_attention.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// Sanh 2019, arXiv:1910.01108, and its config.json.
constexpr std::size_t kLayers = 6;
constexpr std::size_t kHeads = 12;
constexpr std::size_t kWidth = 768;
constexpr std::size_t kPositions = 1024;
constexpr std::size_t kVocabulary = 50257;

// As in compare/measures.py.
constexpr std::size_t kSteps = 16;
constexpr std::array<std::size_t, 4> kDecodeLengths = {50, 200, 500, 1000};
constexpr std::array<std::size_t, 2> kPrefillLengths = {128, 500};
constexpr double kLimitSeconds = 0.1;

struct NamedShape {
  std::string name;
  std::vector<std::size_t> shape;

  std::size_t Elements() const {
    std::size_t elements = 1;
    for (const std::size_t size : shape) elements *= size;
    return elements;
  }
};

std::vector<NamedShape> TensorShapes() {
  std::vector<NamedShape> shapes = {{"wte.weight", {kVocabulary, kWidth}},
                                    {"wpe.weight", {kPositions, kWidth}}};
  const auto add_norm = [&](const std::string& name) {
    shapes.push_back({name + ".weight", {kWidth}});
    shapes.push_back({name + ".bias", {kWidth}});
  };
  for (std::size_t layer = 0; layer < kLayers; ++layer) {
    const std::string block = fmt::format("h.{}.", layer);
    const auto add_linear = [&](const char* name, std::size_t in,
                                std::size_t out) {
      shapes.push_back({block + name + ".weight", {in, out}});
      shapes.push_back({block + name + ".bias", {out}});
    };
    add_norm(block + "ln_1");
    add_linear("attn.c_attn", kWidth, 3 * kWidth);
    add_linear("attn.c_proj", kWidth, kWidth);
    add_norm(block + "ln_2");
    add_linear("mlp.c_fc", kWidth, 4 * kWidth);
    add_linear("mlp.c_proj", 4 * kWidth, kWidth);
  }
  add_norm("ln_f");
  return shapes;
}

// A mebibyte of numbers between 1/64 and 1/32, with either sign: speed does not
// depend on the values of weights, unless they are subnormal.
std::string SomeNumbers(DType type) {
  constexpr std::size_t kBytes = std::size_t{1} << 20U;
  std::mt19937 random(1);
  std::string bytes;
  while (bytes.size() < kBytes) {
    const std::uint32_t bits = random();
    if (type == DType::kF32) {
      constexpr std::uint32_t kExponent = 121U << 23U;  // 2^-6
      const std::uint32_t number = (bits & 0x807FFFFFU) | kExponent;
      bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
    } else {
      constexpr std::uint16_t kExponent = 9U << 10U;  // 2^-6
      const auto number =
          static_cast<std::uint16_t>((bits & 0x83FFU) | kExponent);
      bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
    }
  }
  return bytes;
}

void WriteConfig(const fs::path& file) {
  std::ofstream(file) << Json{
      {"model_type", "gpt2"},       {"n_layer", kLayers},
      {"n_head", kHeads},           {"n_embd", kWidth},
      {"n_positions", kPositions},  {"vocab_size", kVocabulary},
      {"layer_norm_epsilon", 1e-5}, {"activation_function", "gelu_new"},
      {"tie_word_embeddings", true}};
}

// Header size, header, tensors: the format of safetensors.
void WriteTensors(const fs::path& file, DType type) {
  Json header;
  std::size_t end = 0;
  for (const NamedShape& tensor : TensorShapes()) {
    const std::size_t begin = end;
    end += tensor.Elements() * DTypeBytes(type);
    header[tensor.name] = {{"dtype", type == DType::kF32 ? "F32" : "F16"},
                           {"shape", tensor.shape},
                           {"data_offsets", {begin, end}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t header_bytes = text.size();
  std::ofstream out(file, std::ios::binary);
  out.write(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes);
  out << text;
  const std::string numbers = SomeNumbers(type);
  while (end > 0) {
    const std::size_t piece = std::min(end, numbers.size());
    out.write(numbers.data(), static_cast<std::streamsize>(piece));
    end -= piece;
  }
  if (!out.flush()) {
    throw DataError(file.string() + ": cannot be written",
                    "the machine is measured with 500 MB of random weights",
                    "make room there, or set TMPDIR");
  }
}

std::shared_ptr<const Gpt2Weights> WeightsOf(DType type) {
  const TemporaryFolder folder;
  WriteConfig(folder.Path() / "config.json");
  WriteTensors(folder.Path() / "model.safetensors", type);
  // The file stays mapped after it has been removed.
  return std::make_shared<Gpt2Weights>(LoadGpt2(folder.Path()));
}

// What a step at this length must read: docs/theory.md, and
// compare/measures.py, step_bytes.
std::size_t StepBytes(DType type, std::size_t tokens) {
  const std::size_t block = 12 * kWidth * kWidth + 13 * kWidth;
  const std::size_t weights =
      kVocabulary * kWidth + kLayers * block + 2 * kWidth;
  return weights * DTypeBytes(type) +
         2 * kLayers * kWidth * tokens * sizeof(float);
}

// FLOP that a prefill needs, without the masked half of the attention:
// compare/measures.py, prefill_flop.
double PrefillFlop(std::size_t tokens) {
  const std::size_t linear = 24 * kWidth * kWidth * tokens;
  const std::size_t attention = 2 * kWidth * tokens * (tokens + 1);
  return static_cast<double>(kLayers * (linear + attention) +
                             2 * kWidth * kVocabulary);
}

// The model with its cache, and memory of the same size to read.
class Subject {
 public:
  explicit Subject(DType type)
      : type_(type),
        weights_(WeightsOf(type)),
        model_(weights_),
        cache_(EnableKvCache(model_, {.batch = 1, .max_seq_len = kPositions})),
        memory_(StepBytes(type, kPositions)) {}

  const Gpt2Weights& Weights() const { return *weights_; }

  // Of the speed at which the bytes of a step are read.
  double DecodeShare(std::size_t tokens) {
    const std::size_t bytes = StepBytes(type_, tokens);
    Prefill(tokens - kSteps / 2);
    std::vector<double> steps_s;
    for (std::size_t step = 0; step < kSteps; ++step) {
      steps_s.push_back(Forward(1));
    }
    const double limit =
        MeasureReading(memory_.Values().first(bytes / sizeof(float)), Threads(),
                       kLimitSeconds);
    return static_cast<double>(bytes) / Median(steps_s) / limit;
  }

  // Of the multiply-add peak.
  double PrefillShare(std::size_t tokens) {
    const double seconds = Prefill(tokens);
    const double limit = MeasureMultiplyAdd(Threads(), kLimitSeconds);
    return PrefillFlop(tokens) / seconds / limit;
  }

 private:
  double Prefill(std::size_t tokens) {
    cache_.Cache().Reset();
    return Forward(tokens);
  }

  double Forward(std::size_t tokens) {
    std::vector<TokenId> ids;
    for (std::size_t i = 0; i < tokens; ++i) {
      next_ = (next_ * 48271 + 11) % kVocabulary;
      ids.push_back(static_cast<TokenId>(next_));
    }
    const Stopwatch watch;
    const Tensor3 logits =
        model_.Forward(SingleRow(ids), LogitsFor::kLastPosition);
    return watch.Seconds();
  }

  DType type_;
  std::shared_ptr<const Gpt2Weights> weights_;
  Gpt2 model_;
  KvCacheHandle cache_;
  ReadBuffer memory_;
  std::size_t next_ = 1;
};

// As a program does that has loaded both, for as many threads as are in use.
void ChooseKernelsOf(const Subject& one, const Subject& other) {
  const std::vector<ChosenKernels> choices = ChooseKernels(one.Weights());
  ChooseKernels(other.Weights());  // and forgets the others
  for (const ChosenKernels& choice : choices) {
    UseKernelsFor(choice.kind, choice.type, choice.kernels);
  }
}

// One more round of each length.
void AddRound(std::vector<ShareOfLimit>& shares,
              std::span<const std::size_t> lengths,
              const std::function<double(std::size_t tokens)>& share_at) {
  shares.resize(lengths.size());
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    shares[i].tokens = lengths[i];
    shares[i].rounds.push_back(share_at(lengths[i]));
  }
}

std::string FirstLine(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

// Of the first core, for data, by level, as the kernel knows them: where a
// virtual machine has a part of a cache, sysconf() may name all of it.
std::array<std::size_t, 3> CacheBytes() {
  std::array<std::size_t, 3> bytes{};
  const fs::path caches = "/sys/devices/system/cpu/cpu0/cache";
  if (!fs::exists(caches)) return bytes;
  for (const fs::directory_entry& cache : fs::directory_iterator(caches)) {
    const std::string level = FirstLine(cache.path() / "level");
    const std::string size = FirstLine(cache.path() / "size");  // "32768K"
    if (level.empty() || !size.ends_with('K')) continue;
    if (FirstLine(cache.path() / "type") == "Instruction") continue;
    const std::size_t index = std::stoul(level) - 1;
    if (index < bytes.size()) bytes[index] = std::stoul(size) << 10U;
  }
  return bytes;
}

}  // namespace

std::vector<SharesOfLimits> MeasureShares(std::size_t rounds) {
  KeepFreedMemory();
  std::vector<SharesOfLimits> all = {{.threads = 1}};
  if (std::thread::hardware_concurrency() > 1) all.push_back({.threads = 2});
  Subject f32(DType::kF32);
  Subject f16(DType::kF16);
  for (std::size_t round = 0; round < rounds; ++round) {
    for (SharesOfLimits& shares : all) {
      SetThreads(shares.threads);
      ChooseKernelsOf(f32, f16);
      AddRound(shares.decode_f32, kDecodeLengths,
               [&](std::size_t tokens) { return f32.DecodeShare(tokens); });
      AddRound(shares.decode_f16, kDecodeLengths,
               [&](std::size_t tokens) { return f16.DecodeShare(tokens); });
      AddRound(shares.prefill_f32, kPrefillLengths,
               [&](std::size_t tokens) { return f32.PrefillShare(tokens); });
    }
  }
  SetThreads(1);
  UseInstructionSet(InstructionSet::kAvx2);
  return all;
}

MachineFigures DescribeMachine() {
  MachineFigures figures;
  figures.processor = CpuModel();
  figures.cores = std::thread::hardware_concurrency();
  figures.cache_bytes = CacheBytes();
  figures.date = fmt::format("{:%F}", fmt::gmtime(std::time(nullptr)));
  if (::getloadavg(&figures.load, 1) != 1) figures.load = 0;
  return figures;
}

}  // namespace kvlab::grading
