// Module 3, warm-up: memoization, counted.
#ifndef KVLAB_MODULES_03_MEMOIZATION_MEMO_TABLE_H_
#define KVLAB_MODULES_03_MEMOIZATION_MEMO_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

namespace kvlab {

enum class Memoization { kOff, kOn };

// A table of numbers computed before, [rows, cols], that counts its look-ups.
// With kOff it stores nothing, so every look-up computes.
// Source: Bellman 1957, "Dynamic Programming"; Michie 1968, "Memo functions and
// machine learning", Nature 218.
class MemoTable {
 public:
  // An empty table, which reserves its rows * cols entries.
  MemoTable(std::size_t rows, std::size_t cols, Memoization memoization);

  // Task 3.1. The value at [row, col]: from the table if it is there (a hit),
  // otherwise computed, stored and returned (a miss). `compute` may look up
  // other entries of this table. If it throws, nothing is stored and nothing
  // is counted. Cost: O(1), and that of `compute` for a miss.
  // Throws ContractError outside the table.
  std::uint64_t LookUp(std::size_t row, std::size_t col,
                       const std::function<std::uint64_t()>& compute);

  std::uint64_t Hits() const { return hits_; }
  std::uint64_t Misses() const { return misses_; }

 private:
  // Given. Throws what LookUp promises to throw.
  void CheckIndex(std::size_t row, std::size_t col) const;

  std::size_t rows_;
  std::size_t cols_;
  Memoization memoization_;
  std::vector<std::optional<std::uint64_t>> entries_;
  std::uint64_t hits_ = 0;
  std::uint64_t misses_ = 0;
};

// Task 3.1, on a textbook recurrence: the number of ways from the top left to
// cell [row, col] of a grid, going right or down,
//   paths(r, c) = paths(r - 1, c) + paths(r, c - 1), 1 on the first row and
// column. Every cell is looked up in `table`: also one on the edge, which is
// computed without looking up another.
// Cost: with memoization at most one computation for each cell of the grid,
// without it 2 paths(row, col) - 1 of them.
// Throws ContractError if the table is smaller than the grid.
std::uint64_t LatticePaths(std::size_t row, std::size_t col, MemoTable& table);

// How many keys (or values: they come in pairs) a generation computes.
struct EntryCounts {
  std::uint64_t computed = 0;  // look-ups that had to compute: misses
  std::uint64_t reused = 0;    // look-ups that the table answered: hits
};

// The table of a generation: an entry for each layer and position.
struct EntryTable {
  std::size_t num_layers = 0;
  std::size_t num_tokens = 0;
};

// Task 3.1, on generation: step t = 1 .. num_tokens attends, in each layer, to
// positions 0 .. t - 1, and looks each (layer, position) entry up in a
// MemoTable of num_layers x num_tokens. Per layer this computes n(n+1)/2
// entries without memoization and n with it, in n(n+1)/2 look-ups either way.
EntryCounts CountEntries(const EntryTable& entries, Memoization memoization);

}  // namespace kvlab

#endif  // KVLAB_MODULES_03_MEMOIZATION_MEMO_TABLE_H_
