// The first half of ./kvlab demo: the same text with and without a cache, then
// a table of what the cache saves. Exit status 0; 1 if the two texts differ by
// more than rounding; 2 for wrong options or files.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/checkpoint_folder.h"
#include "cli/demo/divergence.h"
#include "cli/demo/speedup.h"
#include "cli/demo/speedup_table.h"
#include "cli/generation_run.h"
#include "cli/machine.h"
#include "cli/progress_line.h"
#include "cli/utf8_stream.h"
#include "fmt/format.h"
#include "kit/kernels/instruction_set.h"
#include "kit/math/kept_memory.h"
#include "kit/measure/choose_kernels.h"
#include "kit/model/token_batch.h"
#include "modules/02_transformer/generate.h"
#include "modules/02_transformer/gpt2.h"

namespace kvlab {
namespace {

struct Options {
  std::filesystem::path model = "models/shakespeare-gpt2";
  std::filesystem::path csv;
  std::vector<std::size_t> lengths = {50, 100, 200, 500};
  std::size_t pairs = 3;
};

constexpr std::string_view kPrompt = "ROMEO:\n";
constexpr std::size_t kTextTokens = 160;
constexpr SamplingOptions kSampling = {.temperature = 0.8F, .top_k = 40};

void Declare(CLI::App& app, Options& options) {
  app.add_option("--model", options.model, "checkpoint folder")->take_last();
  app.add_option("--lengths", options.lengths, "new tokens of each row")
      ->delimiter(',')
      ->check(CLI::Range(1, 1000));
  app.add_option("--pairs", options.pairs, "measurements of each row")
      ->check(CLI::Range(1, 100));
  app.add_option("--csv", options.csv, "also write the table to this file");
}

// Shows the text as it is generated, and then its speed.
GenerationRun ShowText(Gpt2& model, const Tokenizer& tokenizer,
                       const TokenBatch& prompt, Caching caching) {
  Utf8Stream stream;
  const auto show = [](const std::string& text) {
    fmt::print("{}", text);
    std::fflush(stdout);
  };
  show(std::string(kPrompt));
  GenerationRun run =
      RunGeneration(model, prompt,
                    {.new_tokens = kTextTokens,
                     .sampling = kSampling,
                     .seed = 1,
                     .on_tokens =
                         [&](std::span<const TokenId> token) {
                           show(stream.Push(tokenizer.Decode(token)));
                         }},
                    caching);
  fmt::print("{}\n[{:.2f} s, {:.0f} tokens/s]\n", stream.Flush(), run.total_s,
             run.TokensPerSecond());
  return run;
}

Tokens FirstTokens(const Tokens& row, std::size_t count) {
  Tokens first = Tokens::from_shape({1, count});
  std::copy_n(row.begin(), count, first.begin());
  return first;
}

// Prints why the token after these differs with and without the cache. Returns
// whether rounding explains it.
bool IsExplained(Gpt2& model, const TokenBatch& prompt, const Tokens& equal) {
  const Divergence divergence = MeasureDivergence(model, prompt.ids, equal);
  fmt::print("{}\n", DivergenceText(divergence));
  return divergence.IsRounding();
}

// Returns whether the two texts are the same, or differ only by rounding.
bool ShowBothTexts(Gpt2& model, const Tokenizer& tokenizer,
                   const TokenBatch& prompt) {
  fmt::print(
      "\n1. The same text twice: {} tokens, temperature {}, top-k {}, seed 1\n",
      kTextTokens, kSampling.temperature, kSampling.top_k);
  fmt::print("\n--- without a cache ---\n");
  const GenerationRun uncached =
      ShowText(model, tokenizer, prompt, Caching::kOff);
  fmt::print("\n--- with the KV cache ---\n");
  const GenerationRun cached = ShowText(model, tokenizer, prompt, Caching::kOn);

  const std::size_t equal = EqualTokens(uncached.tokens, cached.tokens);
  fmt::print("\n{} of {} tokens are equal.\n", equal, kTextTokens);
  return equal == kTextTokens ||
         IsExplained(model, prompt, FirstTokens(cached.tokens, equal));
}

// Returns whether all pairs wrote the same tokens, or differ only by rounding.
bool ShowTable(Gpt2& model, const TokenBatch& prompt, const Options& options,
               const std::string& machine) {
  fmt::print("\n2. What the cache saves: medians of {} pairs on {}\n\n{}",
             options.pairs, machine, TableHead());
  std::vector<MeasuredSpeedup> rows;
  ProgressLine progress(WithoutTerminal::kNothing);
  bool equal = true;
  bool explained = true;
  for (const std::size_t new_tokens : options.lengths) {
    rows.push_back(MeasureSpeedup(
        model, prompt,
        {.new_tokens = new_tokens, .sampling = kSampling, .seed = 2},
        options.pairs, [&](std::size_t pair) {
          progress.Show(fmt::format("{} tokens, pair {} of {}", new_tokens,
                                    pair, options.pairs));
        }));
    progress.Clear();
    fmt::print("{}", TableRow(rows.back()));
    std::fflush(stdout);
    const MeasuredSpeedup& row = rows.back();
    if (row.equal_tokens == new_tokens) continue;
    equal = false;
    explained = IsExplained(model, prompt, row.first_tokens) && explained;
  }
  fmt::print("{}\n{} tokens.\n", TableFoot(),
             equal ? "With and without the cache all pairs wrote the same"
                   : "NOT all pairs wrote the same");
  if (!options.csv.empty()) {
    std::ofstream(options.csv) << Csv(rows, machine);
  }
  return explained;
}

int Run(const Options& options) {
  const std::string missing = MissingFile(options.model);
  if (!missing.empty()) {
    fmt::print(stderr, "kvlab demo: there is no {}\n", missing);
    return 2;
  }
  const CheckpointFolder checkpoint = LoadCheckpointFolder(options.model);
  const std::string left_out = RowsWithoutToken(checkpoint);
  if (!left_out.empty()) fmt::print("({})\n", left_out);
  const Gpt2Config& config = checkpoint.weights->config;
  // Recomputing is the baseline: it gets the machine's best as well.
  ChooseKernels(*checkpoint.weights);
  KeepFreedMemory();
  const std::string machine =
      fmt::format("{}, {}, one thread", CpuModel(),
                  InstructionSetName(InstructionSetInUse()));
  fmt::print("kvlab demo: a GPT-2 of {} layers, width {}, context {}, on {}\n",
             config.num_layers, config.d_model, config.max_positions, machine);

  Gpt2 model(checkpoint.weights);
  const TokenBatch prompt =
      SingleRow(EncodePrompt(checkpoint.tokenizer, kPrompt));
  const bool equal_text = ShowBothTexts(model, checkpoint.tokenizer, prompt);
  const bool equal_rows = ShowTable(model, prompt, options, machine);
  return equal_text && equal_rows ? 0 : 1;
}

int Main(int argc, char** argv) {
  Options options;
  CLI::App app("Text with and without a cache, and what it saves.",
               "./kvlab demo");
  Declare(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  }
  return Run(options);
}

}  // namespace
}  // namespace kvlab

int main(int argc, char** argv) {
  try {
    return kvlab::Main(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "kvlab demo: %s\n", error.what());
    return 2;
  }
}
