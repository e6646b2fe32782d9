// Module 3's warm-up as operations.
#include <cstddef>
#include <cstdint>
#include <memory>

#include "autograder/exam/arguments.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "modules/03_memoization/memo_table.h"

namespace kvlab::grading {
namespace {

struct ComputeFailed {};

Memoization NextMemoization(Arguments& arguments) {
  return arguments.NextSize() != 0 ? Memoization::kOn : Memoization::kOff;
}

Integers HitsAndMisses(const MemoTable& table) {
  return {static_cast<std::int64_t>(table.Hits()),
          static_cast<std::int64_t>(table.Misses())};
}

// memo.new(rows, cols, on) -> table
Values NewTable(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const std::size_t rows = arguments.NextSize();
  const std::size_t cols = arguments.NextSize();
  return {objects.Keep(
      std::make_shared<MemoTable>(rows, cols, NextMemoization(arguments)))};
}

// memo.look_up(table, row, col, value) -> what came back, how often it was
// computed, [hits, misses]
Values LookUp(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  MemoTable& table = objects.Get<MemoTable>(arguments.Next<Handle>());
  const std::size_t row = arguments.NextSize();
  const std::size_t col = arguments.NextSize();
  const auto value = static_cast<std::uint64_t>(arguments.Next<std::int64_t>());
  std::int64_t computed = 0;
  const std::uint64_t found = table.LookUp(row, col, [&] {
    ++computed;
    return value;
  });
  return {static_cast<std::int64_t>(found), computed, HitsAndMisses(table)};
}

// memo.look_up_all(table, rows, cols, factor) -> how often a number was
// computed, that of how many entries was wrong, [row, col] of the first of
// them, [hits, misses]. The number of entry i, row by row, is (2 i + 1) *
// factor.
Values LookUpAll(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  MemoTable& table = objects.Get<MemoTable>(arguments.Next<Handle>());
  const std::size_t rows = arguments.NextSize();
  const std::size_t cols = arguments.NextSize();
  const auto factor =
      static_cast<std::uint64_t>(arguments.Next<std::int64_t>());
  std::int64_t computed = 0;
  std::int64_t wrong = 0;
  Integers first = {0, 0};
  for (std::size_t row = 0; row < rows; ++row) {
    for (std::size_t col = 0; col < cols; ++col) {
      const std::uint64_t value = (2 * (row * cols + col) + 1) * factor;
      const std::uint64_t found = table.LookUp(row, col, [&] {
        ++computed;
        return value;
      });
      if (found == value || wrong++ > 0) continue;
      first = {static_cast<std::int64_t>(row), static_cast<std::int64_t>(col)};
    }
  }
  return {computed, wrong, first, HitsAndMisses(table)};
}

// memo.look_up_failing(table, row, col) -> 1 if the exception of the
// computation came through, [hits, misses]
Values LookUpFailing(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  MemoTable& table = objects.Get<MemoTable>(arguments.Next<Handle>());
  const std::size_t row = arguments.NextSize();
  const std::size_t col = arguments.NextSize();
  std::int64_t came_through = 0;
  try {
    table.LookUp(row, col, []() -> std::uint64_t { throw ComputeFailed(); });
  } catch (const ComputeFailed&) {
    came_through = 1;
  }
  return {came_through, HitsAndMisses(table)};
}

// memo.lattice_paths(row, col, rows, cols, on) -> paths, [hits, misses]
Values Paths(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  const std::size_t row = arguments.NextSize();
  const std::size_t col = arguments.NextSize();
  const std::size_t rows = arguments.NextSize();
  const std::size_t cols = arguments.NextSize();
  MemoTable table(rows, cols, NextMemoization(arguments));
  const std::uint64_t paths = LatticePaths(row, col, table);
  return {static_cast<std::int64_t>(paths), HitsAndMisses(table)};
}

// memo.count_entries(layers, tokens, on) -> [computed, reused]
Values Count(ObjectStore& /*objects*/, const Values& values) {
  Arguments arguments(values);
  EntryTable entries;
  entries.num_layers = arguments.NextSize();
  entries.num_tokens = arguments.NextSize();
  const EntryCounts counts = CountEntries(entries, NextMemoization(arguments));
  return {Integers{static_cast<std::int64_t>(counts.computed),
                   static_cast<std::int64_t>(counts.reused)}};
}

const RegisterOperation kNew("memo.new", NewTable);
const RegisterOperation kLookUp("memo.look_up", LookUp);
const RegisterOperation kLookUpAll("memo.look_up_all", LookUpAll);
const RegisterOperation kFailing("memo.look_up_failing", LookUpFailing);
const RegisterOperation kPaths("memo.lattice_paths", Paths);
const RegisterOperation kCount("memo.count_entries", Count);

}  // namespace
}  // namespace kvlab::grading
