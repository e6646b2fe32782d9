#include "lab/lab_subject.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/checkpoint_folder.h"
#include "cli/machine.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "kit/model/held_out.h"
#include "kit/model/random.h"

namespace kvlab {
namespace {

// Radford 2019; Sanh 2019, arXiv:1910.01108; their config.json.
const std::map<std::string, Gpt2Config> kShapes = {{"distilgpt2",
                                                    {.num_layers = 6,
                                                     .num_heads = 12,
                                                     .d_model = 768,
                                                     .d_mlp = 3072,
                                                     .max_positions = 1024,
                                                     .vocab_size = 50257}},
                                                   {"gpt2",
                                                    {.num_layers = 12,
                                                     .num_heads = 12,
                                                     .d_model = 768,
                                                     .d_mlp = 3072,
                                                     .max_positions = 1024,
                                                     .vocab_size = 50257}}};

std::uint64_t Parameters(const Gpt2Config& config) {
  const std::uint64_t d = config.d_model;
  const std::uint64_t block =
      4 * d * d + 4 * d + 2 * d * config.d_mlp + config.d_mlp + d + 4 * d;
  return config.num_layers * block + 2 * d +
         d * (config.vocab_size + config.max_positions);
}

std::string Kernel() {
  utsname name{};
  return ::uname(&name) == 0 ? fmt::format("{} {}, {}", name.sysname,
                                           name.release, name.machine)
                             : "unknown";
}

}  // namespace

std::vector<std::string> KnownShapes() {
  std::vector<std::string> names;
  names.reserve(kShapes.size());
  for (const auto& [name, config] : kShapes) names.push_back(name);
  return names;
}

LabSubject SubjectOfShape(const std::string& shape, std::uint64_t seed) {
  const auto found = kShapes.find(shape);
  if (found == kShapes.end()) {
    throw ContractError("there is no shape '" + shape + "'",
                        "random weights are made for published shapes",
                        "use distilgpt2 or gpt2");
  }
  Random random(seed);
  return {.weights = std::make_shared<Gpt2Weights>(
              RandomGpt2Weights(random, found->second)),
          .name = shape,
          .machine = {},
          .held_out = {},
          .why_no_text = {}};
}

LabSubject SubjectOfFolder(const std::filesystem::path& folder,
                           const std::filesystem::path& text) {
  const CheckpointFolder checkpoint = LoadCheckpointFolder(folder);
  LabSubject subject = {
      .weights = checkpoint.weights,
      .name = std::filesystem::canonical(folder).filename().string(),
      .machine = {},
      .held_out = {},
      .why_no_text = {}};
  try {
    subject.held_out = HeldOutTokens(text, checkpoint.tokenizer);
  } catch (const DataError& error) {
    subject.why_no_text = error.what();
  }
  return subject;
}

MachineRoofs RoofsOfThisMachine() {
  constexpr std::size_t kKibibyte = 1024;
  std::vector<std::size_t> sets;
  for (std::size_t size = 64 * kKibibyte; size <= 256 * kKibibyte * kKibibyte;
       size *= 2) {
    sets.push_back(size);
  }
  return MeasureRoofs(sets);
}

nlohmann::ordered_json MachineJson(const MachineRoofs& roofs) {
  nlohmann::ordered_json bandwidth = nlohmann::ordered_json::array();
  for (const BandwidthAt& at : roofs.bandwidths) {
    bandwidth.push_back({{"working_set_bytes", at.working_set_bytes},
                         {"bytes_per_s", at.bytes_per_s}});
  }
  return {{"processor", CpuModel()},
          {"cores", std::thread::hardware_concurrency()},
          {"memory_bytes",
           static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES)) *
               static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE))},
          {"system", Kernel()},
          {"compiler", "g++ " __VERSION__},
          {"flop_per_s", roofs.flop_per_s},
          {"bandwidth", bandwidth}};
}

nlohmann::ordered_json ModelJson(const LabSubject& subject, bool random) {
  const Gpt2Config& config = subject.weights->config;
  return {{"name", subject.name},
          {"weights", random ? "random" : "checkpoint"},
          {"num_layers", config.num_layers},
          {"num_heads", config.num_heads},
          {"head_dim", config.HeadDim()},
          {"d_model", config.d_model},
          {"vocab_size", config.vocab_size},
          {"max_positions", config.max_positions},
          {"parameters", Parameters(config)},
          {"weights_bytes", subject.weights->Bytes()}};
}

}  // namespace kvlab
