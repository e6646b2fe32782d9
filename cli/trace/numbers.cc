#include "cli/trace/numbers.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "kit/tensor/tensor.h"

namespace kvlab {
namespace {

std::optional<Place> PlaceOf(std::span<const float> numbers,
                             const Tensor4& tensor) {
  const float scale = Largest({tensor.data(), tensor.size()});
  for (std::size_t s = 0; s < tensor.shape(2); ++s) {
    for (std::size_t b = 0; b < tensor.shape(0); ++b) {
      for (std::size_t h = 0; h < tensor.shape(1); ++h) {
        if (Agree(numbers, RowOf(tensor, b, h, s), scale)) {
          return Place{.row = b, .position = s, .head = h};
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::size_t RunNumbers::LeftPad(std::size_t row) const {
  return tokens.left_pad.empty() ? 0 : tokens.left_pad[row];
}

float Largest(std::span<const float> numbers) {
  float largest = 0;
  for (const float number : numbers) {
    if (std::abs(number) > largest) largest = std::abs(number);
  }
  return largest;
}

bool Agree(std::span<const float> seen, std::span<const float> right,
           float scale) {
  if (seen.size() != right.size()) return false;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    // False for NaN.
    if (!(std::abs(seen[i] - right[i]) <= kTolerance * scale)) return false;
  }
  return true;
}

bool AllNan(std::span<const float> numbers) {
  return std::ranges::all_of(numbers,
                             [](float number) { return std::isnan(number); });
}

std::vector<float> Copied(std::span<const float> numbers) {
  return {numbers.begin(), numbers.end()};
}

std::span<const float> RowOf(const Tensor3& tensor, std::size_t b,
                             std::size_t t) {
  return {&tensor(b, t, 0), tensor.shape(2)};
}

std::span<const float> RowOf(const Tensor4& tensor, std::size_t b,
                             std::size_t h, std::size_t t) {
  return {&tensor(b, h, t, 0), tensor.shape(3)};
}

std::optional<Place> FirstDifferentRow(const ConstView4& seen,
                                       const Tensor4& right,
                                       std::span<const std::size_t> left_pad,
                                       std::size_t end) {
  const float scale = Largest({right.data(), right.size()});
  for (std::size_t s = 0; s < end; ++s) {
    for (std::size_t b = 0; b < right.shape(0); ++b) {
      if (!left_pad.empty() && s < left_pad[b]) continue;
      for (std::size_t h = 0; h < right.shape(1); ++h) {
        if (!Agree(HeadMatrix(seen, b, h).Row(s), RowOf(right, b, h, s),
                   scale)) {
          return Place{.row = b, .position = s, .head = h};
        }
      }
    }
  }
  return std::nullopt;
}

std::string OwnerOf(std::span<const float> numbers, const RunNumbers& run,
                    const Place& but) {
  const auto text = [&](std::string_view what, Place place, std::size_t layer) {
    place.layer = layer;
    return fmt::format("these are the numbers of the {} of {}", what,
                       TextOf(place));
  };
  // The layer itself first.
  std::vector<std::size_t> layers = {but.layer.value_or(0)};
  for (std::size_t layer = 0; layer < run.layers.size(); ++layer) {
    if (layer != layers.front()) layers.push_back(layer);
  }
  for (const std::size_t layer : layers) {
    if (const auto place = PlaceOf(numbers, run.layers[layer].keys)) {
      return text("key", *place, layer);
    }
    if (const auto place = PlaceOf(numbers, run.layers[layer].values)) {
      return text("value", *place, layer);
    }
    if (const auto place = PlaceOf(numbers, run.layers[layer].queries)) {
      return text("query", *place, layer);
    }
  }
  return {};
}

std::vector<std::vector<double>> Solved(
    std::vector<std::vector<double>> weight,
    const std::vector<std::vector<double>>& products) {
  // Gauss elimination of the transposed system weight^T x = y.
  const std::size_t size = weight.size();
  std::vector<std::vector<double>> rows(size, std::vector<double>(size, 0.0));
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t o = 0; o < size; ++o) rows[o][i] = weight[i][o];
    for (const std::vector<double>& product : products) {
      rows[i].push_back(product[i]);
    }
  }
  for (std::size_t pivot = 0; pivot < size; ++pivot) {
    std::size_t best = pivot;
    for (std::size_t row = pivot + 1; row < size; ++row) {
      if (std::abs(rows[row][pivot]) > std::abs(rows[best][pivot])) best = row;
    }
    if (rows[best][pivot] == 0) return {};
    std::swap(rows[pivot], rows[best]);
    for (std::size_t row = 0; row < size; ++row) {
      if (row == pivot) continue;
      const double factor = rows[row][pivot] / rows[pivot][pivot];
      for (std::size_t col = pivot; col < rows[row].size(); ++col) {
        rows[row][col] -= factor * rows[pivot][col];
      }
    }
  }
  std::vector<std::vector<double>> solutions(products.size(),
                                             std::vector<double>(size));
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t p = 0; p < products.size(); ++p) {
      solutions[p][i] = rows[i][size + p] / rows[i][i];
    }
  }
  return solutions;
}

}  // namespace kvlab
