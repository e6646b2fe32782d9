// How fast text becomes tokens and back.
//   bazel run -c opt //kit/tokenizer:tokenizer_benchmark
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "benchmark/benchmark.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"
#include "kit/tokenizer/tokenizer.h"

namespace kvlab {
namespace {

const Tokenizer& Gpt2Tokenizer() {
  static const Tokenizer tokenizer =
      Tokenizer::Load(TestData("kit/testdata/gpt2-bpe/encoder.json"),
                      TestData("kit/testdata/gpt2-bpe/vocab.bpe"));
  return tokenizer;
}

std::string Shakespeare() {
  std::ifstream file(TestData("kit/testdata/tinyshakespeare/input.txt"));
  return {std::istreambuf_iterator<char>(file), {}};
}

// The worst case for a merge loop: one long word without repetition.
std::string OneLongWord() {
  std::string word;
  std::uint32_t state = 1;
  while (word.size() < 1'000'000) {
    state = state * 1664525U + 1013904223U;
    word += static_cast<char>('a' + (state >> 24U) % 26);
  }
  return word;
}

void SetBytes(benchmark::State& state, const std::string& text) {
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) *
                          state.iterations());
}

void EncodeText(benchmark::State& state, const std::string& text) {
  for (auto _ : state) {
    benchmark::DoNotOptimize(Gpt2Tokenizer().Encode(text));
  }
  SetBytes(state, text);
}

void DecodeText(benchmark::State& state, const std::string& text) {
  const std::vector<TokenId> ids = Gpt2Tokenizer().Encode(text);
  for (auto _ : state) {
    benchmark::DoNotOptimize(Gpt2Tokenizer().Decode(ids));
  }
  SetBytes(state, text);
}

BENCHMARK_CAPTURE(EncodeText, Shakespeare, Shakespeare())
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(EncodeText, OneLongWord, OneLongWord())
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(DecodeText, Shakespeare, Shakespeare())
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kvlab

BENCHMARK_MAIN();
