// ./kvlab trace PROMPT: the first place where the linked modules with a cache
// differ from the same modules without, or these from the recorded numbers of
// the shipped checkpoint. Exit status 0 if there is none; 1 if there is one, or
// a module is not finished; 2 for wrong options or files.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/checkpoint_folder.h"
#include "cli/program.h"
#include "cli/trace/finding.h"
#include "cli/trace/recorded.h"
#include "cli/trace/runs.h"
#include "fmt/format.h"
#include "kit/error.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

constexpr const char* kProgram = "kvlab trace";
constexpr int kDifferent = 1;

struct Options {
  std::string prompt;
  std::filesystem::path model = "models/shakespeare-gpt2";
  std::filesystem::path recorded = "cli/trace/recorded.json";
  std::filesystem::path out = "report";
  std::size_t new_tokens = 12;
};

void Declare(CLI::App& app, Options& options) {
  app.add_option("PROMPT", options.prompt, "text to continue; may be empty")
      ->required();
  app.add_option("--model", options.model, "folder of a GPT-2")
      ->type_name("DIR")
      ->take_last();
  app.add_option("--tokens", options.new_tokens, "how many tokens to write")
      ->type_name("N")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  app.add_option("--recorded", options.recorded,
                 "the right numbers of a checkpoint without a cache")
      ->type_name("FILE")
      ->take_last();
  app.add_option("--out", options.out, "folder for trace.json and trace.html")
      ->type_name("DIR")
      ->capture_default_str();
}

// What the page shows: the finding, its table, and the text of the tokens.
struct Outcome {
  std::string headline;
  const Watched* differed = nullptr;  // null: everything agreed
  std::vector<RunSummary> agreed;
};

int Write(const Options& options, const Tokenizer& tokenizer,
          const Outcome& outcome) {
  nlohmann::json json = {{"format", "kvlab trace"},
                         {"version", 1},
                         {"prompt", options.prompt},
                         {"new_tokens", options.new_tokens},
                         {"model", options.model.filename().string()},
                         {"headline", outcome.headline},
                         {"agreed", nlohmann::json::array()}};
  for (const RunSummary& run : outcome.agreed) {
    json["agreed"].push_back({{"name", run.name}, {"compared", run.compared}});
  }
  if (outcome.differed != nullptr) {
    json["finding"] = JsonOf(*outcome.differed->finding);
    json["table"] = outcome.differed->table;
    if (!json["table"].is_null()) {
      // Random models have other tokens.
      const bool has_text =
          outcome.differed->run.find("random model") == std::string::npos;
      nlohmann::json texts = nlohmann::json::array();
      for (const nlohmann::json& id : json["table"]["ids"]) {
        const std::vector<TokenId> token = {id.get<TokenId>()};
        texts.push_back(has_text ? tokenizer.Decode(token) : "");
      }
      json["table"]["texts"] = texts;
    }
  }
  const std::filesystem::path file = options.out / "trace.json";
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  std::ofstream stream(file);
  // Half a character may be a token.
  stream << json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)
         << '\n';
  stream.close();
  if (!stream) {
    return Refuse(kProgram, fmt::format("cannot write {}", file.string()));
  }
  return outcome.differed == nullptr ? 0 : kDifferent;
}

void ShowAgreed(const std::vector<RunSummary>& runs) {
  for (const RunSummary& run : runs) {
    fmt::print("  agrees   {}: {} rows\n", run.name, run.compared);
  }
}

int Run(const Options& options) {
  const std::string missing = MissingFile(options.model);
  if (!missing.empty()) return Refuse(kProgram, "there is no " + missing);
  const CheckpointFolder checkpoint = LoadCheckpointFolder(options.model);
  const std::vector<TokenId> prompt =
      EncodePrompt(checkpoint.tokenizer, options.prompt);
  const std::size_t context = checkpoint.weights->config.max_positions;
  if (prompt.size() + options.new_tokens > context) {
    return Refuse(kProgram,
                  fmt::format("this model's limit is {} tokens: {} of the "
                              "prompt and {} new ones are too many",
                              context, prompt.size(), options.new_tokens));
  }
  const std::optional<RecordedRun> recorded = ReadRecorded(options.recorded);

  Outcome outcome;
  Watched against_recorded;
  if (recorded.has_value() && recorded->Fits(*checkpoint.weights)) {
    against_recorded = CompareRecorded(*recorded, checkpoint.weights);
    if (against_recorded.finding.has_value()) {
      outcome.headline =
          "without a cache, the numbers differ from the recorded ones";
      outcome.differed = &against_recorded;
      fmt::print("kvlab trace: {}\n{}", outcome.headline,
                 TextOf(*against_recorded.finding));
      return Write(options, checkpoint.tokenizer, outcome);
    }
    outcome.agreed.push_back({against_recorded.run, against_recorded.compared});
  }
  TraceResult result;
  try {
    result = TraceRuns({checkpoint.weights, prompt, options.new_tokens});
  } catch (const NotImplemented& error) {
    fmt::print(
        "kvlab trace: not finished, so nothing beyond this is compared\n");
    ShowAgreed(outcome.agreed);
    fmt::print("\n{}\n", error.what());
    return kDifferent;
  }
  outcome.agreed.insert(outcome.agreed.end(), result.agreed.begin(),
                        result.agreed.end());
  if (result.differed.finding.has_value()) {
    outcome.headline = "with a cache, the numbers differ from those without";
    outcome.differed = &result.differed;
    fmt::print("kvlab trace: {}\n{}", outcome.headline,
               TextOf(*result.differed.finding));
  } else {
    outcome.headline = "no difference, with a cache and without";
    fmt::print("kvlab trace: {}\n", outcome.headline);
  }
  ShowAgreed(outcome.agreed);
  if (outcome.differed == nullptr) {
    fmt::print(
        "  unseen   what a call costs, and what it must refuse: the "
        "tests ask for these\n");
  }
  return Write(options, checkpoint.tokenizer, outcome);
}

}  // namespace
}  // namespace kvlab

int main(int argc, char** argv) {
  return kvlab::RunProgram(
      "Finds the first place where a run with a cache differs.",
      kvlab::kProgram, argc, argv, kvlab::Declare, kvlab::Run);
}
