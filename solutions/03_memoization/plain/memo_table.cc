// Module 3 as the lecture writes it.
#include "modules/03_memoization/memo_table.h"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "kit/error.h"

namespace kvlab {

MemoTable::MemoTable(std::size_t rows, std::size_t cols,
                     Memoization memoization)
    : rows_(rows),
      cols_(cols),
      memoization_(memoization),
      entries_(rows * cols) {}

void MemoTable::CheckIndex(std::size_t row, std::size_t col) const {
  if (row >= rows_ || col >= cols_) {
    throw ContractError("MemoTable::LookUp: no such entry",
                        "[" + std::to_string(row) + ", " + std::to_string(col) +
                            "] of a table " + std::to_string(rows_) + " x " +
                            std::to_string(cols_),
                        "make the table large enough");
  }
}

std::uint64_t MemoTable::LookUp(std::size_t row, std::size_t col,
                                const std::function<std::uint64_t()>& compute) {
  CheckIndex(row, col);
  const std::size_t index = row * cols_ + col;
  if (memoization_ == Memoization::kOn && entries_[index].has_value()) {
    ++hits_;
    return *entries_[index];
  }
  const std::uint64_t value = compute();
  ++misses_;
  if (memoization_ == Memoization::kOn) entries_[index] = value;
  return value;
}

std::uint64_t LatticePaths(std::size_t row, std::size_t col, MemoTable& table) {
  return table.LookUp(row, col, [&]() -> std::uint64_t {
    if (row == 0 || col == 0) return 1;
    return LatticePaths(row - 1, col, table) +
           LatticePaths(row, col - 1, table);
  });
}

EntryCounts CountEntries(const EntryTable& entries, Memoization memoization) {
  const auto& [num_layers, num_tokens] = entries;
  MemoTable table(num_layers, num_tokens, memoization);
  for (std::size_t step = 1; step <= num_tokens; ++step) {
    for (std::size_t layer = 0; layer < num_layers; ++layer) {
      for (std::size_t position = 0; position < step; ++position) {
        table.LookUp(layer, position, [] { return std::uint64_t{1}; });
      }
    }
  }
  return {.computed = table.Misses(), .reused = table.Hits()};
}

}  // namespace kvlab
