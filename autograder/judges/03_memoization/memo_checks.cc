// Module 3, task 3.1: memoization, counted.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::int64_t kOn = 1;
constexpr std::int64_t kOff = 0;

struct Counted {
  std::int64_t hits = 0;
  std::int64_t misses = 0;
};

void CompareCounts(Exam& exam, const Integers& counts,
                   const Counted& expected) {
  CompareNumber(exam, "the number of hits", counts[0], expected.hits);
  CompareNumber(exam, "the number of misses", counts[1], expected.misses);
}

// Looks [row, col] up with a computation that would give `computes`.
void CompareLookUp(Exam& exam, Handle table, std::size_t row, std::size_t col,
                   std::int64_t computes, std::int64_t expected, bool computed,
                   const Counted& counts) {
  const Values answer =
      exam.AskStudent("memo.look_up", {table, Int(row), Int(col), computes});
  if (exam.Get<std::int64_t>(answer, 0) != expected) {
    exam.Fail("the number that came back is not the one of that entry");
  }
  CompareNumber(exam, "how often it was computed",
                exam.Get<std::int64_t>(answer, 1), computed ? 1 : 0);
  CompareCounts(exam, exam.GetIntegers(answer, 2, 2), counts);
}

Handle NewTable(Exam& exam, std::size_t rows, std::size_t cols,
                std::int64_t memoization) {
  return exam.Get<Handle>(
      exam.AskStudent("memo.new", {Int(rows), Int(cols), memoization}), 0);
}

// Every entry of tables beyond what 8 and 16 bits count, wide and tall, with
// values of all 64 bits: a key made from row and column must not make two
// entries collide.
void CompareLargeTable(Exam& exam) {
  Random& random = exam.Randomness();
  for (const bool wide : {true, false}) {
    const std::size_t rows = Between(random, 300, 330) + (wide ? 0 : 400);
    const std::size_t cols = Between(random, 300, 330) + (wide ? 400 : 0);
    const Handle table = NewTable(exam, rows, cols, kOn);
    // Odd: another number for each entry, of all bits.
    const auto factor = static_cast<std::int64_t>(0x9e3779b97f4a7c15U +
                                                  2 * Between(random, 0, 1000));
    const std::int64_t entries = Int(rows * cols);
    for (const bool first : {true, false}) {
      exam.Case(fmt::format("a table of {} x {}, every entry for the {} time",
                            rows, cols, first ? "first" : "second"));
      const Values answer = exam.AskStudent(
          "memo.look_up_all", {table, Int(rows), Int(cols), factor});
      const auto wrong = exam.Get<std::int64_t>(answer, 1);
      if (wrong != 0) {
        const Integers& place = exam.GetIntegers(answer, 2, 2);
        exam.Fail(fmt::format(
            "{} came back with a number that is not theirs, first at [{}, {}]: "
            "do two entries share a place?",
            Count(static_cast<std::size_t>(wrong), "entry"), place[0],
            place[1]));
      }
      CompareNumber(exam, "how often a number was computed",
                    exam.Get<std::int64_t>(answer, 0), first ? entries : 0);
      CompareCounts(exam, exam.GetIntegers(answer, 3, 2),
                    {.hits = first ? 0 : entries, .misses = entries});
    }
  }
}

// Every entry twice; the second computation would give another number.
void LookingUp(Exam& exam) {
  const std::size_t rows = Between(exam.Randomness(), 2, 4);
  const std::size_t cols = Between(exam.Randomness(), 5, 7);
  const Handle table = NewTable(exam, rows, cols, kOn);
  Counted counts;
  for (const bool first : {true, false}) {
    exam.Case(fmt::format("a table of {} x {}, every entry for the {} time",
                          rows, cols, first ? "first" : "second"));
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t col = 0; col < cols; ++col) {
        const std::int64_t value = Int(100 * row + col);
        ++(first ? counts.misses : counts.hits);
        CompareLookUp(exam, table, row, col, first ? value : -1, value, first,
                      counts);
      }
    }
  }
  CompareLargeTable(exam);
  exam.Case("");
  exam.ExpectRefusal("memo.look_up",
                     {table, Int(rows), std::int64_t{0}, std::int64_t{1}},
                     "a row outside the table");
  exam.ExpectRefusal("memo.look_up",
                     {table, std::int64_t{0}, Int(cols), std::int64_t{1}},
                     "a column outside the table");
  exam.ExpectRefusal("memo.look_up",
                     {table, std::int64_t{-1}, Int(cols - 1), std::int64_t{1}},
                     "row -1 of the table");
  exam.Case("an entry after entries outside the table were refused");
  ++counts.hits;
  CompareLookUp(exam, table, rows - 1, cols - 1, -1,
                Int(100 * (rows - 1) + cols - 1), false, counts);
}

void LookingUpWithoutMemo(Exam& exam) {
  const Handle table = NewTable(exam, 2, 3, kOff);
  exam.Case("with memoization off, one entry again and again");
  for (std::int64_t time = 1; time <= 4; ++time) {
    CompareLookUp(exam, table, 1, 2, 10 * time, 10 * time, true,
                  {.hits = 0, .misses = time});
  }
}

void FailingLookUp(Exam& exam) {
  const Handle table = NewTable(exam, 3, 3, kOn);
  exam.Case("an entry whose computation throws");
  const Values failed = exam.AskStudent(
      "memo.look_up_failing", {table, std::int64_t{1}, std::int64_t{1}});
  CompareNumber(exam, "the number of exceptions that reached the caller",
                exam.Get<std::int64_t>(failed, 0), 1);
  CompareCounts(exam, exam.GetIntegers(failed, 1, 2), {});
  exam.Case("the same entry after its computation has thrown");
  CompareLookUp(exam, table, 1, 1, 7, 7, true, {.hits = 0, .misses = 1});
  CompareLookUp(exam, table, 1, 1, 8, 7, false, {.hits = 1, .misses = 1});
}

// Without a memo, a cell's look-up computes all cells on all ways to it:
// twice the number of ways, less one.
void CountingPaths(Exam& exam) {
  for (const std::int64_t memoization : {kOn, kOff}) {
    const std::size_t row = Between(exam.Randomness(), 2, 6);
    const std::size_t col = Between(exam.Randomness(), 2, 6);
    std::int64_t paths = 1;  // (row + col) over row
    for (std::size_t i = 1; i <= row; ++i) {
      paths = paths * Int(col + i) / Int(i);
    }
    exam.Case(fmt::format("cell [{}, {}], memoization {}", row, col,
                          memoization == kOn ? "on" : "off"));
    const Values answer = exam.AskStudent(
        "memo.lattice_paths",
        {Int(row), Int(col), Int(row + 1), Int(col + 1), memoization});
    CompareNumber(exam, "the number of ways", exam.Get<std::int64_t>(answer, 0),
                  paths);
    // With it, each cell but [0, 0] is computed once; a cell off the edge asks
    // twice, and all but the first look-up of a cell are hits.
    const std::int64_t cells = Int((row + 1) * (col + 1)) - 1;
    const Counted with_memo = {.hits = Int(2 * row * col + 1) - cells,
                               .misses = cells};
    const Counted without = {.hits = 0, .misses = 2 * paths - 1};
    CompareCounts(exam, exam.GetIntegers(answer, 1, 2),
                  memoization == kOn ? with_memo : without);
  }
  // Numbers of more than 32 bits, up to the last of 64, and a long thin grid.
  struct Known {
    std::size_t row;
    std::size_t col;
    std::uint64_t paths;
  };
  for (const Known& known : {Known{33, 34, 14'226'520'737'620'288'370U},
                             Known{20, 30, 47'129'212'243'960U},
                             Known{2, 300, 45'451U}, Known{300, 1, 301U}}) {
    exam.Case(fmt::format("cell [{}, {}] of a larger table, memoization on",
                          known.row, known.col));
    const Values answer = exam.AskStudent(
        "memo.lattice_paths", {Int(known.row), Int(known.col),
                               Int(known.row + 3), Int(known.col + 5), kOn});
    const auto paths =
        static_cast<std::uint64_t>(exam.Get<std::int64_t>(answer, 0));
    if (paths != known.paths) {
      exam.Fail(fmt::format("the number of ways is {}, it should be {}", paths,
                            known.paths));
    }
    const std::int64_t cells = Int((known.row + 1) * (known.col + 1)) - 1;
    CompareCounts(
        exam, exam.GetIntegers(answer, 1, 2),
        {.hits = Int(2 * known.row * known.col + 1) - cells, .misses = cells});
  }
}

struct Entries {
  std::size_t layers;
  std::size_t tokens;
};

void CompareEntries(Exam& exam, const Entries& size) {
  const auto [layers, n] = size;
  const std::int64_t all = Int(layers * n * (n + 1) / 2);
  const std::int64_t once = Int(layers * n);
  for (const std::int64_t memoization : {kOn, kOff}) {
    exam.Case(fmt::format("{} layers, {} tokens, memoization {}", layers, n,
                          memoization == kOn ? "on" : "off"));
    const Values answer = exam.AskStudent("memo.count_entries",
                                          {Int(layers), Int(n), memoization});
    const Integers& counts = exam.GetIntegers(answer, 0, 2);
    const bool on = memoization == kOn;
    CompareNumber(exam, "the number of entries computed", counts[0],
                  on ? once : all);
    CompareNumber(exam, "the number of entries reused", counts[1],
                  on ? all - once : 0);
  }
}

// Also of no tokens and of one, and of more than 8 bits count.
void CountingEntries(Exam& exam) {
  Random& random = exam.Randomness();
  for (const Entries& size :
       {Entries{Between(random, 2, 5), Between(random, 10, 30)}, Entries{3, 0},
        Entries{1, 1},
        Entries{Between(random, 9, 12), Between(random, 257, 300)},
        Entries{Between(random, 257, 300), Between(random, 9, 12)},
        Entries{1, Between(random, 1000, 1100)}}) {
    CompareEntries(exam, size);
  }
}

const RegisterChecks kMemoChecks({
    AllOrNothing("memo.look_up", {}, LookingUp),
    AllOrNothing("memo.off", {}, LookingUpWithoutMemo),
    AllOrNothing("memo.throws", {}, FailingLookUp),
    AllOrNothing("memo.lattice_paths", {}, CountingPaths),
    AllOrNothing("memo.entries", {}, CountingEntries),
});

}  // namespace

}  // namespace kvlab::grading
