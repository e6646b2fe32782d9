#include "kit/testing/golden_logits.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kit/files/safetensors.h"
#include "kit/tensor/tensor.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

// The elements of a tensor, of the type that the script wrote.
template <typename T>
std::vector<T> Elements(const SafeTensor& tensor) {
  std::vector<T> elements(tensor.bytes.size() / sizeof(T));
  std::ranges::copy(tensor.bytes,
                    std::as_writable_bytes(std::span(elements)).begin());
  return elements;
}

Tensor2 Matrix2(const SafeTensor& tensor) {
  // [positions, vocab_size]
  Tensor2 matrix =
      Tensor2::from_shape({tensor.shape.at(0), tensor.shape.at(1)});
  std::ranges::copy(Elements<float>(tensor), matrix.begin());
  return matrix;
}

}  // namespace

std::vector<GoldenPrompt> LoadGoldenLogits(const std::string& model) {
  const auto file = SafeTensorsFile::Open(
      TestData("kit/testdata/golden/" + model + ".safetensors"));
  std::vector<GoldenPrompt> prompts;
  for (int i = 0;; ++i) {
    const std::string prefix = std::to_string(i) + ".";
    if (file.Find(prefix + "text") == nullptr) return prompts;
    const auto find = [&](const char* name) -> const SafeTensor& {
      return *file.Find(prefix + name);
    };
    const std::vector<char> text = Elements<char>(find("text"));
    const auto positions = Elements<std::int32_t>(find("positions"));
    prompts.push_back({.text = {text.begin(), text.end()},
                       .tokens = Elements<TokenId>(find("tokens")),
                       .positions = {positions.begin(), positions.end()},
                       .logits = Matrix2(find("logits")),
                       .greedy = Elements<TokenId>(find("greedy")),
                       .margins = Elements<float>(find("margins"))});
  }
}

}  // namespace kvlab
