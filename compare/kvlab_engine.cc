// kvlab as an engine of the comparison: the model of the course, with the cache
// that module 3 plugs in, or recomputing the whole text for each token.
//
// Speaks the protocol of compare/README.md. In addition,
//   {"prompt": [...], "greedy": n}   chooses the n tokens to feed itself;
//                                    "margin": best logit minus second best
//   {"kernels": true}                what was chosen for each kind of product
//   {"read": {"bytes": n, "seconds": s}}
//   {"multiply_add": {"seconds": s}} the machine's speed at the moment
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "compare/prefill_in_blocks.h"
#include "compare/roofs.h"
#include "kit/kernels/instruction_set.h"
#include "kit/math/kept_memory.h"
#include "kit/math/threads.h"
#include "kit/measure/choose_kernels.h"
#include "kit/measure/stopwatch.h"
#include "kit/model/checkpoint.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/token_batch.h"
#include "kit/tensor/tensor.h"
#include "kit/tokenizer/tokenizer.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/cache_shape.h"
#include "modules/03_memoization/cached_attention.h"
#include "modules/03_memoization/kv_cache.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

using Json = nlohmann::json;

struct Options {
  std::string model;
  std::size_t threads = 1;
  // "chosen": those that are fastest for this model on this machine.
  std::string instructions = "chosen";
  bool recompute = false;
  // Queries of a prefill that attend at a time; 0 for all, as in the course.
  // Whole tiles of every instruction set.
  std::size_t prefill_block = 120;
};

// The lead of the best logit. Since engines may round differently, they must
// agree on a token only if this margin is clear.
float Margin(std::span<const float> logits, TokenId best) {
  float second = -std::numeric_limits<float>::infinity();
  for (std::size_t id = 0; id < logits.size(); ++id) {
    if (id != static_cast<std::size_t>(best)) {
      second = std::max(second, logits[id]);
    }
  }
  return logits[static_cast<std::size_t>(best)] - second;
}

// How many of the model's `rows` ids have a token, if the folder has a
// tokenizer: only these are chosen. The other rows of a padded vocabulary are
// still computed, as in every engine.
std::size_t TokensOf(const std::filesystem::path& folder, std::size_t rows) {
  const bool has_tokenizer = std::filesystem::exists(folder / "vocab.json") ||
                             std::filesystem::exists(folder / "tokenizer.json");
  return has_tokenizer ? std::min(rows, Tokenizer::Load(folder).VocabSize())
                       : rows;
}

class Engine {
 public:
  explicit Engine(const Options& options)
      : model_(std::make_shared<Gpt2Weights>(LoadGpt2(options.model))),
        tokens_(TokensOf(options.model, model_.Config().vocab_size)) {
    KeepFreedMemory();
    SetThreads(options.threads);
    if (options.instructions == "chosen") {
      for (const ChosenKernels& choice : ChooseKernels(model_.Weights())) {
        kernels_.push_back(ChosenKernelsText(choice));
      }
    } else {
      UseInstructionSet(options.instructions == "avx2"
                            ? InstructionSet::kAvx2
                            : InstructionSet::kAvx512);
    }
    if (!options.recompute) PlugInCache(options.prefill_block);
  }

  Json Answer(const Json& request) {
    if (request.contains("read")) return Read(request["read"]);
    if (request.contains("kernels")) return {{"kernels", kernels_}};
    if (request.contains("multiply_add")) {
      return {{"flop_per_s",
               MeasureMultiplyAdd(Threads(),
                                  request["multiply_add"].at("seconds"))}};
    }
    return Decode(request);
  }

 private:
  void PlugInCache(std::size_t prefill_block) {
    const Gpt2Config& config = model_.Config();
    cache_ = std::make_shared<KvCache>(
        CacheShape{.batch = 1,
                   .max_seq_len = config.max_positions,
                   .num_layers = config.num_layers,
                   .num_kv_heads = config.num_heads,
                   .head_dim = config.HeadDim()});
    if (prefill_block == 0) {
      model_.ReplaceAttention(
          std::make_unique<CachedAttention>(config.num_heads, cache_));
    } else {
      model_.ReplaceAttention(std::make_unique<PrefillInBlocks>(
          config.num_heads, cache_, prefill_block));
    }
  }

  Json Decode(const Json& request) {
    if (cache_) cache_->Reset();
    auto text = request.at("prompt").get<std::vector<TokenId>>();
    const bool greedy = request.contains("greedy");
    const auto forced =
        greedy ? std::vector<TokenId>(request["greedy"].get<std::size_t>())
               : request.at("forced").get<std::vector<TokenId>>();
    Json reply = {{"step_s", Json::array()},
                  {"argmax", Json::array()},
                  {"margin", Json::array()}};
    const std::size_t ids = greedy ? tokens_ : model_.Config().vocab_size;
    reply["prefill_s"] = Forward(text, ids, reply);
    for (const TokenId token : forced) {
      text.push_back(greedy ? reply["argmax"].back().get<TokenId>() : token);
      reply["step_s"].push_back(
          Forward(cache_ ? std::vector{text.back()} : text, ids, reply));
    }
    return reply;
  }

  // Seconds until the logits of the last of these tokens can be read; the best
  // of the first `ids` is found afterwards.
  double Forward(const std::vector<TokenId>& tokens, std::size_t ids,
                 Json& reply) {
    const Stopwatch watch;
    const Tensor3 logits =
        model_.Forward(SingleRow(tokens), LogitsFor::kLastPosition);
    const double seconds = watch.Seconds();
    const std::span<const float> row(logits.data(), ids);
    const TokenId best = Greedy(row);
    reply["argmax"].push_back(best);
    reply["margin"].push_back(Margin(row, best));
    return seconds;
  }

  Json Read(const Json& request) {
    const auto bytes = request.at("bytes").get<std::size_t>();
    if (!buffer_ || buffer_->Values().size() != bytes / sizeof(float)) {
      buffer_ = std::make_unique<ReadBuffer>(bytes);
    }
    return {{"bytes_per_s", MeasureReading(buffer_->Values(), Threads(),
                                           request.at("seconds"))}};
  }

  Gpt2 model_;
  std::size_t tokens_;
  std::vector<std::string> kernels_;  // as chosen
  std::shared_ptr<KvCache> cache_;    // null: recomputes
  std::unique_ptr<ReadBuffer> buffer_;
};

Options ParseOptions(int argc, char** argv) {
  Options options;
  CLI::App app("kvlab as an engine of ./kvlab compare");
  app.add_option("--model", options.model)->required();
  app.add_option("--threads", options.threads)->check(CLI::Range(1, 64));
  app.add_option("--instructions", options.instructions)
      ->check(CLI::IsMember({"chosen", "avx2", "avx512"}));
  app.add_flag("--recompute", options.recompute);
  app.add_option("--prefill-block", options.prefill_block);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error));
  }
  return options;
}

}  // namespace
}  // namespace kvlab

int main(int argc, char** argv) {
  try {
    kvlab::Engine engine(kvlab::ParseOptions(argc, argv));
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << engine.Answer(nlohmann::json::parse(line)) << std::endl;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvlab_engine: %s\n", error.what());
    return 1;
  }
}
