// ./kvlab generate PROMPT: streams text from a GPT-2 checkpoint and reports the
// speed. Exit status 0; 1 if the linked modules are not finished or break their
// contract; 2 for wrong options or files.
#include "modules/02_transformer/generate.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <vector>

#include "cli/checkpoint_folder.h"
#include "cli/generation_run.h"
#include "cli/program.h"
#include "cli/utf8_stream.h"
#include "fmt/format.h"
#include "kit/kernels/instruction_set.h"
#include "kit/math/kept_memory.h"
#include "kit/math/threads.h"
#include "kit/measure/choose_kernels.h"
#include "kit/model/gpt2_weights.h"
#include "kit/model/token_batch.h"
#include "modules/02_transformer/gpt2.h"
#include "modules/03_memoization/kv_cache.h"
#include "modules/05_beyond/cache_policy.h"

namespace kvlab {
namespace {

constexpr const char* kProgram = "kvlab generate";

struct Options {
  std::string prompt;
  std::filesystem::path model = "models/shakespeare-gpt2";
  std::size_t new_tokens = 200;
  Caching caching = Caching::kOn;
  std::string cache = "full";
  SamplingOptions sampling = {.temperature = 0.8F, .top_k = 40};
  std::uint64_t seed = 1;
  std::size_t threads = 1;
  // Absent: for each kind of product what is fastest for this model.
  std::optional<InstructionSet> instructions;
};

// CLI11's own number checks print the whole range of a double.
CLI::Validator WholeNumber(std::uint64_t least) {
  return CLI::Validator(
      [least](const std::string& text) -> std::string {
        std::uint64_t number = 0;
        const char* end = text.data() + text.size();
        const auto parsed = std::from_chars(text.data(), end, number);
        if (parsed.ec == std::errc() && parsed.ptr == end && number >= least) {
          return {};
        }
        return fmt::format("'{}' is not a whole number from {} on", text,
                           least);
      },
      "");
}

CLI::Validator Temperature() {
  return CLI::Validator(
      [](const std::string& text) -> std::string {
        float number = 0;
        if (CLI::detail::lexical_cast(text, number) && number >= 0 &&
            std::isfinite(number)) {
          return {};
        }
        return fmt::format("'{}' is not a number from 0 on", text);
      },
      "");
}

void Declare(CLI::App& app, Options& options) {
  app.add_option("PROMPT", options.prompt, "text to continue; may be empty")
      ->required();
  app.add_option("--model", options.model,
                 "folder of a GPT-2 from Hugging Face: config.json, "
                 "model.safetensors or its shards, vocab.json and merges.txt "
                 "or tokenizer.json")
      ->type_name("DIR")
      ->take_last();
  app.add_option("--tokens", options.new_tokens, "how many tokens to write")
      ->type_name("N")
      ->check(WholeNumber(1))
      ->capture_default_str();
  CLI::Option* const cache =
      app.add_option(
             "--cache", options.cache,
             "what the cache keeps: " + std::string(CachePolicyNames()) +
                 ". The newest W tokens, the first K too, or B tokens "
                 "for each head. The last line says what it held, and "
                 "whether the text is that of the full cache")
          ->type_name("KIND")
          ->capture_default_str();
  app.add_flag_callback(
         "--no-cache", [&] { options.caching = Caching::kOff; },
         "recompute the whole text for each token: the same text, unless two "
         "tokens are so close that rounding decides")
      ->excludes(cache);
  app.add_option("--temperature", options.sampling.temperature,
                 "0 always takes the likeliest token, more adds variety")
      ->type_name("T")
      ->check(Temperature())
      ->capture_default_str();
  app.add_option("--top-k", options.sampling.top_k,
                 "choose among the K likeliest; 0 is all")
      ->type_name("K")
      ->check(WholeNumber(0))
      ->capture_default_str();
  app.add_option("--threads", options.threads, "number of threads")
      ->type_name("N")
      ->check(WholeNumber(1))
      ->capture_default_str();
  app.add_flag_callback(
      "--avx2", [&] { options.instructions = InstructionSet::kAvx2; },
      "the instructions used for measuring and marking: the same sums in "
      "every run, while the fastest kernels may change a sum's last bits");
  app.add_option("--seed", options.seed, "of the random choices")
      ->type_name("S")
      ->check(WholeNumber(0))
      ->capture_default_str();
}

void Show(const std::string& text) {
  fmt::print("{}", text);
  std::fflush(stdout);
}

void ShowSpeed(const GenerationRun& run, std::size_t prompt_tokens) {
  fmt::print(
      "\n\n{} tokens after a prompt of {}: {:.0f} tokens/s, "
      "time to first token {:.1f} ms, in all {:.1f} ms\n",
      run.tokens.shape(1), prompt_tokens, run.TokensPerSecond(),
      1e3 * run.first_token_s, 1e3 * run.total_s);
}

// Module 3's cache, and what it takes of this process's memory.
void ShowFullCache(const CacheShape& shape) {
  const CacheMemory memory = MeasureCache(shape);
  fmt::print(
      "cache: {} bytes = 2 * {} layers * {} heads * {} * {} tokens * {} rows "
      "* 4 bytes; the heap grows by {} with overhead\n",
      memory.formula_bytes, shape.num_layers, shape.num_kv_heads,
      shape.head_dim, shape.max_seq_len, shape.batch, memory.measured_bytes);
}

// The bytes that the cache held, and how its text is related to the full
// cache's.
void ShowPolicy(const CachePolicy& policy, std::uint64_t bytes,
                const CacheShape& full) {
  const std::uint64_t full_bytes = CacheBytes(full, sizeof(float));
  fmt::print("cache {}: {} bytes held, {:.2f} of the full cache's {}; ",
             NameOf(policy), bytes,
             static_cast<double>(bytes) / static_cast<double>(full_bytes),
             full_bytes);
  if (IsExact(policy, full.max_seq_len)) {
    fmt::print("exact: the full cache's text, up to rounding\n");
  } else {
    fmt::print("not exact: {}\n", WhyNotExact(policy));
  }
}

// tokens: how many the model was given.
void ShowCache(const GenerationRun& run, const CachePolicy& policy,
               const Gpt2Config& config, std::size_t tokens) {
  if (run.policy_bytes) {
    ShowPolicy(policy, *run.policy_bytes,
               {.batch = 1,
                .max_seq_len = tokens,
                .num_layers = config.num_layers,
                .num_kv_heads = config.num_heads,
                .head_dim = config.HeadDim()});
  } else if (run.cache) {
    ShowFullCache(*run.cache);
  } else {
    fmt::print("no cache: every token recomputed the whole text before it\n");
  }
}

// Why the model cannot write so many tokens.
std::string NoRoom(const Options& options, const CachePolicy& policy,
                   std::size_t context, std::size_t prompt_tokens) {
  std::string why = fmt::format(
      "this model's limit is {} tokens: after a prompt of {} there is room for "
      "{} new ones, not {}",
      context, prompt_tokens, context - std::min(context, prompt_tokens),
      options.new_tokens);
  if (!WhyNotExact(policy).empty() && policy.kind != CacheKind::kInt8) {
    why += fmt::format(
        "; the cache {} has room for more, but the model has learned no "
        "position {}",
        NameOf(policy), context);
  }
  return why;
}

// With module 3's cache or none, or with module 5's.
GenerationRun RunWith(const Options& options, const CachePolicy& policy,
                      Gpt2& model, const TokenBatch& prompt,
                      const GenerateOptions& generation) {
  return policy.kind == CacheKind::kFull
             ? RunGeneration(model, prompt, generation, options.caching)
             : RunGeneration(model, prompt, generation, policy);
}

int Run(const Options& options) {
  const CachePolicy policy = ParseCachePolicy(options.cache);
  const std::string missing = MissingFile(options.model);
  if (!missing.empty()) return Refuse(kProgram, "there is no " + missing);

  const CheckpointFolder checkpoint = LoadCheckpointFolder(options.model);
  const Tokenizer& tokenizer = checkpoint.tokenizer;
  const std::vector<TokenId> prompt = EncodePrompt(tokenizer, options.prompt);
  const std::size_t context = checkpoint.weights->config.max_positions;
  const std::size_t room = context - std::min(context, prompt.size());
  if (options.new_tokens > room) {
    return Refuse(kProgram, NoRoom(options, policy, context, prompt.size()));
  }
  CheckPolicyFits(policy, context);

  const std::string left_out = RowsWithoutToken(checkpoint);
  if (!left_out.empty()) fmt::print(stderr, "({})\n", left_out);

  SetThreads(options.threads);
  if (options.instructions) {
    UseInstructionSet(*options.instructions);
  } else {
    ChooseKernels(*checkpoint.weights);
  }
  KeepFreedMemory();
  Gpt2 model(checkpoint.weights);
  Utf8Stream stream;
  Show(options.prompt);
  const GenerationRun run =
      RunWith(options, policy, model, SingleRow(prompt),
              {.new_tokens = options.new_tokens,
               .sampling = options.sampling,
               .seed = options.seed,
               .on_tokens = [&](std::span<const TokenId> token) {
                 Show(stream.Push(tokenizer.Decode(token)));
               }});
  Show(stream.Flush());
  ShowSpeed(run, prompt.size());
  ShowCache(run, policy, model.Config(),
            prompt.size() + options.new_tokens - 1);
  return 0;
}

}  // namespace
}  // namespace kvlab

int main(int argc, char** argv) {
  return kvlab::RunProgram("Streams text from a GPT-2 checkpoint.",
                           kvlab::kProgram, argc, argv, kvlab::Declare,
                           kvlab::Run);
}
