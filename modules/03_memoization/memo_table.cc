// Fill in the TODOs; README.md beside this file explains each task.
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
  // TODO(3.1): if the entry is there (and memoization is on), count a hit and
  // return it. Otherwise compute it, count a miss, and store it if
  // memoization is on. Count only after `compute` has returned: it may throw.
  throw NotImplemented("MemoTable::LookUp", "module 3, task 1");
}

std::uint64_t LatticePaths(std::size_t row, std::size_t col, MemoTable& table) {
  // TODO(3.1): look [row, col] up in the table; what computes it is the
  // recurrence of the header, which calls LatticePaths again.
  throw NotImplemented("LatticePaths", "module 3, task 1");
}

EntryCounts CountEntries(std::size_t num_layers, std::size_t num_tokens,
                         Memoization memoization) {
  // TODO(3.1): three loops: steps, layers, and the positions that the step
  // attends to. Each look-up's value may be any number: only whether it had to
  // be computed matters.
  throw NotImplemented("CountEntries", "module 3, task 1");
}

}  // namespace kvlab
