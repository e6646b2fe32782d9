// Prints cli/trace/recorded.json: what the answers to modules 1 and 2 compute
// in every layer of the shipped checkpoint, without a cache. Usage: record
// [FOLDER OF THE CHECKPOINT]
#include <cstdio>
#include <exception>
#include <vector>

#include "cli/checkpoint_folder.h"
#include "cli/trace/recorded.h"
#include "cli/trace/uncached.h"
#include "fmt/format.h"
#include "kit/model/token_batch.h"

namespace kvlab {
namespace {

void Record(const char* folder) {
  const CheckpointFolder checkpoint = LoadCheckpointFolder(folder);
  // Two rows, so that one has padding.
  const TokenBatch tokens =
      PadLeft({EncodePrompt(checkpoint.tokenizer, "ROMEO:\nBut, soft! what"),
               EncodePrompt(checkpoint.tokenizer, "JULIET:\nO")},
              0);
  const RunNumbers run = RunUncached(checkpoint.weights, tokens);
  fmt::print("{}\n", RecordingOf(*checkpoint.weights, run).dump());
}

}  // namespace
}  // namespace kvlab

int main(int argc, char** argv) {
  try {
    kvlab::Record(argc > 1 ? argv[1] : "models/shakespeare-gpt2");
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "record: %s\n", error.what());
    return 1;
  }
}
