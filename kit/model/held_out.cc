#include "kit/model/held_out.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <vector>

#include "kit/error.h"

namespace kvlab {
namespace {

std::string ReadText(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)),
                   std::istreambuf_iterator<char>());
  if (text.empty()) {
    throw DataError("the text " + path.string() + " cannot be read",
                    "the loss is measured on its end",
                    "give the path of a text: --text FILE");
  }
  return text;
}

}  // namespace

std::vector<TokenId> HeldOutTokens(const std::filesystem::path& text,
                                   const Tokenizer& tokenizer) {
  constexpr double kTrainedOn = 0.95;  // as train_shakespeare.py has it
  const std::vector<TokenId> tokens = tokenizer.Encode(ReadText(text));
  const auto begin = static_cast<std::ptrdiff_t>(
      static_cast<double>(tokens.size()) * kTrainedOn);
  return {tokens.begin() + begin, tokens.end()};
}

double SumOfLosses(const Tensor3& logits, std::span<const TokenId> next) {
  CheckShape("SumOfLosses: next", std::array<std::size_t, 1>{next.size()},
             std::array<std::size_t, 1>{logits.shape(1)});
  double loss = 0;
  for (std::size_t t = 0; t < next.size(); ++t) {
    const std::span<const float> row = Rows(logits).Row(t);
    const double max = std::ranges::max(row);
    double sum = 0;
    for (const float logit : row) sum += std::exp(double{logit} - max);
    loss +=
        max + std::log(sum) - double{row[static_cast<std::size_t>(next[t])]};
  }
  return loss;
}

}  // namespace kvlab
