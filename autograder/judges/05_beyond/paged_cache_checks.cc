// Module 5, tasks 5.3 and 5.4: the pool, sequences in blocks, and forks.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "autograder/exam/work_trial.h"
#include "autograder/judges/03_memoization/cache_trial.h"
#include "autograder/judges/05_beyond/paged_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// --- 5.3: the pool ---

// A pool of the student's, and the owners that each block should have.
class PoolTrial {
 public:
  PoolTrial(Exam& exam, std::size_t num_blocks)
      : PoolTrial(exam, {.num_blocks = num_blocks,
                         .block_size = 2,
                         .layers = 1,
                         .heads = 1,
                         .head_dim = 2}) {}
  PoolTrial(Exam& exam, const TrialPageShape& shape)
      : exam_(exam), owners_(shape.num_blocks, 0) {
    exam_.Case(fmt::format("a pool of {}", ShapeText(shape)));
    pool_ = exam.Get<Handle>(exam.AskStudent("pool.new", {shape.Sizes()}), 0);
  }

  std::size_t InUse() const {
    return owners_.size() -
           static_cast<std::size_t>(std::ranges::count(owners_, 0));
  }

  std::size_t Take() {
    const std::int64_t block =
        exam_.Get<std::int64_t>(exam_.AskStudent("pool.take", {pool_}), 0);
    if (block < 0 || block >= Int(owners_.size())) {
      exam_.Fail("Take() gave a block that the pool does not have");
    }
    const auto taken = static_cast<std::size_t>(block);
    if (owners_[taken] != 0) exam_.Fail("Take() gave a block that is in use");
    owners_[taken] = 1;
    return taken;
  }
  void TakeAll() {
    while (InUse() < owners_.size()) Take();
  }
  void Share(std::size_t block) {
    exam_.AskStudent("pool.share", {pool_, Int(block)});
    ++owners_[block];
  }
  void Release(std::size_t block) {
    exam_.AskStudent("pool.release", {pool_, Int(block)});
    --owners_[block];
  }
  void Refuses(const std::string& operation, std::int64_t block,
               const std::string& what) {
    exam_.Case("");
    exam_.ExpectRefusal(operation, {pool_, block}, what);
    Compare("after " + what + " was refused");
  }
  void RefusesToTake() {
    exam_.Case("");
    exam_.ExpectRefusal("pool.take", {pool_}, "a block of a full pool");
    Compare("after a block of a full pool was refused");
  }

  void Compare(const std::string& about) {
    exam_.Case(
        fmt::format("a pool of {}, {}", Count(owners_.size(), "block"), about));
    const Values answer = exam_.AskStudent("pool.state", {pool_});
    const Integers& counts = exam_.GetIntegers(answer, 0, 2);
    CompareNumber(exam_, "FreeBlocks()", counts[0],
                  Int(owners_.size() - InUse()));
    const Integers& owners = exam_.GetIntegers(answer, 1, owners_.size());
    for (std::size_t block = 0; block < owners_.size(); ++block) {
      CompareNumber(exam_, "Owners() of a block", owners[block],
                    owners_[block]);
    }
  }

 private:
  Exam& exam_;
  Handle pool_;
  std::vector<std::int64_t> owners_;
};

void TakingBlocks(Exam& exam) {
  for (const std::size_t blocks :
       {std::size_t{1}, Between(exam.Randomness(), 5, 9),
        Between(exam.Randomness(), 260, 300)}) {
    PoolTrial pool(exam, blocks);
    pool.Compare("all of them free");
    pool.TakeAll();
    pool.Compare("all of them taken");
    pool.RefusesToTake();
  }
}

void OwningBlocks(Exam& exam) {
  Random& random = exam.Randomness();
  // Shared and released at random; a block is free with its last owner.
  const std::size_t blocks = Between(random, 6, 9);
  PoolTrial pool(exam, blocks);
  std::vector<std::size_t> owned;  // a block for each of its owners
  for (std::size_t step = 0; step < 60; ++step) {
    const std::size_t choice = random.NextBelow(3);
    if (choice == 0 && pool.InUse() < blocks) {
      owned.push_back(pool.Take());
    } else if (choice == 1 && !owned.empty()) {
      owned.push_back(owned[random.NextBelow(owned.size())]);
      pool.Share(owned.back());
    } else if (!owned.empty()) {
      const std::size_t which = random.NextBelow(owned.size());
      pool.Release(owned[which]);
      owned.erase(owned.begin() + Int(which));
    }
    pool.Compare("taken, shared and released at random");
  }
  for (const std::size_t block : owned) pool.Release(block);
  pool.Compare("after each owner has released its blocks");
  pool.TakeAll();
  pool.Compare("all of them taken again");

  PoolTrial many(exam, 2);
  const std::size_t block = many.Take();
  const std::size_t owners = Between(random, 260, 300);
  for (std::size_t i = 1; i < owners; ++i) many.Share(block);
  many.Compare("one of them with hundreds of owners");
  for (std::size_t i = 1; i < owners; ++i) many.Release(block);
  many.Compare("one of them with one owner left of hundreds");
}

void PoolRefusals(Exam& exam) {
  for (const std::size_t blocks : {Between(exam.Randomness(), 4, 7),
                                   Between(exam.Randomness(), 260, 300)}) {
    PoolTrial pool(exam, blocks);
    const std::size_t first = pool.Take();
    const std::size_t second = pool.Take();
    pool.Release(first);
    pool.Refuses("pool.release", Int(first), "releasing a block twice");
    pool.Refuses("pool.share", Int(first), "sharing a block that is free");
    pool.Share(second);
    pool.Release(second);
    pool.Release(second);
    pool.Refuses("pool.release", Int(second),
                 "releasing a block once more than it had owners");
    for (const std::int64_t none : {Int(blocks), Int(blocks) + 1000, -Int(1)}) {
      pool.Refuses("pool.release", none,
                   "releasing a block that does not exist");
      pool.Refuses("pool.share", none, "sharing a block that does not exist");
    }
    // Each block is on the free list once.
    pool.TakeAll();
    pool.RefusesToTake();
    pool.Refuses("pool.release", Int(blocks),
                 "releasing a block that does not exist");
  }
  // The same whatever a block holds.
  const std::size_t large = Between(exam.Randomness(), 260, 300);
  for (const TrialPageShape& shape :
       std::vector<TrialPageShape>{{.num_blocks = large,
       .block_size = large,
       .layers = 1,
       .heads = 1,
       .head_dim = 1},
                                   {.num_blocks = large,
                                   .block_size = 1,
                                   .layers = large,
                                   .heads = 1,
                                   .head_dim = 1},
                                   {.num_blocks = large,
                                   .block_size = 1,
                                   .layers = 1,
                                   .heads = large,
                                   .head_dim = 1},
                                   {.num_blocks = large,
                                   .block_size = 1,
                                   .layers = 1,
                                   .heads = 1,
                                   .head_dim = large}}) {
    PoolTrial pool(exam, shape);
    pool.TakeAll();
    pool.RefusesToTake();
    for (std::size_t block = 0; block < large; ++block) pool.Share(block);
    pool.Compare("all of them with two owners");
    for (const std::size_t block : {std::size_t{3}, large - 1}) {
      pool.Release(block);
      pool.Release(block);
      pool.Refuses("pool.release", Int(block), "releasing a block too often");
      pool.Refuses("pool.share", Int(block), "sharing a block that is free");
    }
    pool.Refuses("pool.release", Int(large),
                 "releasing a block that does not exist");
    pool.TakeAll();
    pool.RefusesToTake();
  }
}

// --- 5.3: sequences ---

void AppendingOverBorders(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialPageShape random_shape = RandomPageShape(random, 8);
  {
    PagedTrial trial(exam, random_shape);
    const std::size_t sequence = trial.Start();
    trial.Case("an empty sequence");
    trial.Compare();
    for (std::size_t tokens = 1; tokens <= 2 * random_shape.block_size + 1;
         ++tokens) {
      trial.Case(fmt::format("{} appended one by one", Count(tokens, "token")));
      trial.Append({{sequence, 1}});
      trial.Compare();
    }
  }
  // Blocks of one token, of all tokens, one more and one less.
  const std::size_t tokens = Between(random, 7, 12);
  for (const std::size_t block_size :
       {std::size_t{1}, tokens - 1, tokens, tokens + 1}) {
    TrialPageShape shape = random_shape;
    shape.block_size = block_size;
    shape.num_blocks = (tokens + block_size - 1) / block_size;
    PagedTrial trial(exam, shape);
    const std::size_t sequence = trial.Start();
    std::size_t held = 0;
    for (const std::size_t piece :
         {tokens - 3, std::size_t{2}, std::size_t{0}, std::size_t{1}}) {
      trial.Case(fmt::format("{} appended to {}", Count(piece, "token"), held));
      trial.Append({{sequence, piece}});
      held += piece;
      trial.Compare();
    }
  }
  for (std::size_t round = 0; round < 6; ++round) {
    PagedTrial trial(exam, RandomPageShape(random, 8));
    const std::size_t sequence = trial.Start();
    std::size_t left = trial.Shape().Tokens();
    while (left > 0) {
      const std::size_t piece = Between(random, 1, left);
      trial.Case(fmt::format("{} appended, {} before them",
                             Count(piece, "token"), trial.Len(sequence)));
      trial.Append({{sequence, piece}});
      trial.Compare();
      left -= piece;
    }
  }
  // The rest of a block stays as the pool made it, until tokens come.
  TrialPageShape shape = random_shape;
  shape.block_size = Between(random, 30, 50);
  PagedTrial trial(exam, shape);
  const std::size_t sequence = trial.Start();
  const std::size_t written = Between(random, 10, 25);
  trial.Append({{sequence, written - 2}});
  trial.Append({{sequence, 2}});
  exam.Case(fmt::format("{} appended to a block of {}", Count(written, "token"),
                        shape.block_size));
  const Values rest =
      exam.AskStudent("paged.rest", {trial.Cache(), Int(sequence)});
  CompareNumber(exam, "numbers written into rows that no token has",
                exam.GetIntegers(rest, 0, 1)[0], 0,
                "Write touches the rows of the new tokens alone");
}

void AppendingBatches(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t round = 0; round < 4; ++round) {
    PagedTrial trial(exam, RandomPageShape(random, 60));
    std::vector<std::size_t> sequences;
    for (std::size_t b = 0; b < 5; ++b) sequences.push_back(trial.Start());
    for (std::size_t step = 0; step < 4; ++step) {
      trial.Case("rows with different numbers of tokens, padded on the left");
      trial.Append(trial.RandomRows());
      trial.Compare();
    }
    trial.Case("all rows, in another order");
    std::vector<TrialRow> rows;
    rows.reserve(sequences.size());
    for (const std::size_t sequence : sequences) {
      rows.push_back({sequence, sequence % 3});
    }
    std::ranges::reverse(rows);
    trial.Append(rows);
    trial.Compare();
    trial.CompareNothingLeft();
  }
}

struct LargeBatch {
  std::size_t rows = 2;
  std::size_t tokens = 3;
  std::size_t query_heads = 1;              // on each of keys and values
  TrialPageShape shape = {.num_blocks = 0,  // as many as the rows take
                          .block_size = 4,
                          .layers = 1,
                          .heads = 1,
                          .head_dim = 1};
  std::vector<std::size_t> sequences;
};

// Caches of which any two sizes are beyond what 8 bits count. Their rows have
// got a token or two, and then hundreds or a few. `query_heads`: also hundreds
// of them, which attention alone sees.
template <typename Work>
void ForEachLargeBatch(Exam& exam, bool query_heads, const Work& work) {
  const std::size_t many = Between(exam.Randomness(), 257, 262);
  std::vector<std::function<void(LargeBatch&)>> sizes = {
      [&](LargeBatch& batch) { batch.rows = many; },
      [&](LargeBatch& batch) { batch.tokens = many; },
      [&](LargeBatch& batch) { batch.shape.heads = many; },
      [&](LargeBatch& batch) { batch.shape.layers = many; },
      [&](LargeBatch& batch) { batch.shape.head_dim = many; },
      [&](LargeBatch& batch) {
        batch.shape.block_size = many + 5;
        batch.tokens = many - 1;
      }};
  if (query_heads) {
    sizes.emplace_back([&](LargeBatch& batch) { batch.query_heads = many; });
  }
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      LargeBatch batch;
      sizes[j](batch);
      sizes[i](batch);
      batch.shape.num_blocks =
          (batch.rows + 2) * ((batch.tokens + 3) / batch.shape.block_size + 1);
      PagedTrial trial(exam, batch.shape);
      trial.Case(fmt::format(
          "{} of {}, {}, {} of {}", Count(batch.rows, "row"),
          Count(batch.tokens, "token"), Count(batch.shape.layers, "layer"),
          Count(batch.shape.heads, "head"), batch.shape.head_dim));
      std::vector<TrialRow> first;
      std::vector<TrialRow> second;
      for (std::size_t b = 0; b < batch.rows; ++b) {
        batch.sequences.push_back(trial.Start());
        first.push_back({batch.sequences.back(), 1 + b % 2});
        second.push_back({batch.sequences.back(), batch.tokens - b % 3});
      }
      trial.Append(first);
      trial.Append(second);
      work(trial, batch);
    }
  }
}

void AppendingToAllSizes(Exam& exam) {
  Random& random = exam.Randomness();
  const auto large = [&] { return Between(random, 260, 290); };
  const std::vector<TrialPageShape> shapes = {{.num_blocks = large(),
                                               .block_size = 2,
                                               .layers = 1,
                                               .heads = 2,
                                               .head_dim = 3},
                                              {.num_blocks = 3,
                                               .block_size = large(),
                                               .layers = 1,
                                               .heads = 2,
                                               .head_dim = 3},
                                              {.num_blocks = 5,
                                               .block_size = 3,
                                               .layers = large(),
                                               .heads = 1,
                                               .head_dim = 2},
                                              {.num_blocks = 5,
                                               .block_size = 3,
                                               .layers = 2,
                                               .heads = large(),
                                               .head_dim = 2},
                                              {.num_blocks = 5,
                                               .block_size = 3,
                                               .layers = 2,
                                               .heads = 1,
                                               .head_dim = large()},
                                              {.num_blocks = 80,
                                               .block_size = 16,
                                               .layers = 2,
                                               .heads = 2,
                                               .head_dim = 5}};
  for (const TrialPageShape& shape : shapes) {
    PagedTrial trial(exam, shape);
    trial.Case(fmt::format("{}, {} of {}", Count(shape.layers, "layer"),
                           Count(shape.heads, "head"), shape.head_dim));
    const std::size_t one = trial.Start();
    const std::size_t other = trial.Start();
    const std::size_t most = shape.Tokens() - shape.block_size;
    trial.Append({{one, most * 2 / 3}, {other, 1}});
    trial.Append({{one, 1}, {other, most / 4}});
    trial.Compare();
  }
  ForEachLargeBatch(exam, false,
                    [](PagedTrial& trial, const LargeBatch& batch) {
                      trial.Append({{batch.sequences.back(), 2}});
                      trial.Compare();
                    });
  PagedTrial trial(exam, {.num_blocks = 600,
                          .block_size = 1,
                          .layers = 1,
                          .heads = 1,
                          .head_dim = 1});
  trial.Case("hundreds of sequences");
  std::vector<TrialRow> rows;
  for (std::size_t b = 0; b < 290; ++b) {
    rows.push_back({trial.Start(), 1 + b % 2});
  }
  trial.Append(rows);
  trial.Compare();
}

void FullPool(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t round = 0; round < 3; ++round) {
    const TrialPageShape shape = RandomPageShape(random, 6);
    const std::size_t size = shape.block_size;
    PagedTrial trial(exam, shape);
    const std::size_t a = trial.Start();
    const std::size_t b = trial.Start();
    // 2 + 3 blocks, 1 is free: either row fits, the two together do not.
    trial.Append({{a, 2 * size}, {b, 3 * size - 1}});
    for (const std::vector<TrialRow>& rows :
         {std::vector<TrialRow>{{a, 1}, {b, 2}},
          std::vector<TrialRow>{{b, 2}, {a, size}},
          std::vector<TrialRow>{{a, size + 1}},
          std::vector<TrialRow>{{b, 1}, {a, size + 1}}}) {
      trial.Case("two rows that fit alone and not together");
      trial.Append(rows);
      trial.Compare();
    }
    trial.Case("exactly the tokens that fit");
    trial.Append({{b, 1}, {a, size}});
    trial.Compare();
    trial.Case("a full pool");
    trial.Append({{a, 1}});
    trial.Compare();
    trial.Append({{a, 0}, {b, 0}});
    trial.Compare();
    trial.CompareNothingLeft();
  }
  // Many rows at once: what the last one lacks refuses all.
  const TrialPageShape shape = RandomPageShape(random, 20);
  PagedTrial trial(exam, shape);
  std::vector<TrialRow> rows;
  for (std::size_t b = 0; b < 20; ++b) rows.push_back({trial.Start(), 1});
  rows.back().new_len = shape.block_size + 1;
  trial.Case("twenty rows, the last of which needs one block too many");
  trial.Append(rows);
  trial.Compare();
  rows.back().new_len = shape.block_size;
  trial.Case("twenty rows that take all blocks");
  trial.Append(rows);
  trial.Compare();
}

void PagedRefusals(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialPageShape shape = RandomPageShape(random, 8);
  PagedTrial trial(exam, shape);
  const std::size_t gone = trial.Start();
  const std::size_t held = trial.Start();
  trial.Append({{gone, 4}, {held, 5}});
  trial.Release(gone);
  const auto refuse = [&](const std::string& operation,
                          const Question& question, const std::string& what) {
    exam.Case("");
    exam.ExpectRefusal(operation, question, what);
    trial.Case("after " + what + " was refused");
    trial.Compare();
  };
  const auto array = [&](std::size_t rows, std::size_t heads,
                         std::size_t tokens, std::size_t head_dim) {
    return RandomArray(random, {rows, heads, tokens, head_dim});
  };
  const Handle cache = trial.Cache();
  const std::int64_t layer = 0;
  const Array one = array(1, shape.heads, 1, shape.head_dim);
  const std::array<std::pair<std::size_t, std::string>, 2> absent = {
      {{gone, "a sequence that was released"},
       {held + 7, "a sequence that was never started"}}};
  for (const auto& [sequence, name] : absent) {
    refuse("paged.release", {cache, Ints({sequence})}, "releasing " + name);
    refuse("paged.truncate", {cache, Int(sequence), layer},
           "truncating " + name);
    refuse("paged.extend",
           {cache, Ints({held, sequence}), Ints({shape.block_size, 1})},
           "extending " + name);
    refuse("paged.write", {cache, layer, Ints({sequence}), one, one},
           "writing " + name);
    refuse("paged.attend", {cache, layer, Ints({sequence}), one},
           "attention over " + name);
  }
  refuse("paged.extend", {cache, Ints({held, held}), Ints({1, 1})},
         "extending a sequence twice");
  refuse("paged.truncate", {cache, Int(held), std::int64_t{6}},
         "truncating to more tokens than are held");
  refuse("paged.truncate", {cache, Int(held), std::int64_t{-1}},
         "truncating to more tokens than are held");
  trial.Case("a sequence started after another was released");
  const std::size_t next = trial.Start();
  trial.Append({{next, 3}});
  trial.Compare();
}

void Truncating(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialPageShape shape = RandomPageShape(random, 9);
  const std::size_t tokens = 3 * shape.block_size + 1;
  for (std::size_t kept = 0; kept <= tokens; ++kept) {
    PagedTrial trial(exam, shape);
    const std::size_t other = trial.Start();
    const std::size_t sequence = trial.Start();
    trial.Append({{sequence, 2}, {other, 3}});
    trial.Append({{sequence, tokens - 2}, {other, 2}});
    trial.Case(fmt::format("{} truncated to {}", Count(tokens, "token"), kept));
    trial.Truncate(sequence, kept);
    trial.Compare();
    trial.Case(fmt::format("{} truncated to {}, then other tokens",
                           Count(tokens, "token"), kept));
    trial.Append({{other, 1}, {sequence, shape.block_size + 1}});
    trial.Compare();
  }
}

void Releasing(Exam& exam) {
  const TrialPageShape shape = RandomPageShape(exam.Randomness(), 7);
  PagedTrial trial(exam, shape);
  std::size_t holder = trial.Start();
  trial.Append({{holder, shape.Tokens()}});
  for (std::size_t round = 0; round < 4; ++round) {
    const std::size_t next = trial.Start();
    trial.Case("a pool that one sequence fills");
    trial.Append({{next, 1}});
    trial.Case("a sequence that takes all blocks of a released one");
    trial.Release(holder);
    trial.Compare();
    trial.Append({{next, shape.Tokens() - round}});
    trial.Compare();
    holder = next;
  }
  trial.CompareNothingLeft();
}

// --- 5.3: attention ---

// Rows of the lengths `lens`, appended in turns, in blocks that were in use
// before: no block is where its number would put it.
std::vector<std::size_t> FillInTurns(PagedTrial& trial,
                                     const std::vector<std::size_t>& lens) {
  const std::size_t size = trial.Shape().block_size;
  const std::size_t before = trial.Start();
  trial.Append({{before, trial.Shape().Tokens() / 2}});
  std::vector<std::size_t> rows;
  for (std::size_t b = 0; b < lens.size(); ++b) rows.push_back(trial.Start());
  trial.Release(before);
  for (std::size_t begin = 0; begin < std::ranges::max(lens); begin += size) {
    std::vector<TrialRow> step;
    for (std::size_t b = 0; b < lens.size(); ++b) {
      step.push_back(
          {rows[b], std::min(size, lens[b] - std::min(lens[b], begin))});
    }
    trial.Append(step);
  }
  return rows;
}

void Attending(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t tokens = Between(random, 7, 12);
  for (const std::size_t block_size : {std::size_t{1}, Between(random, 2, 4),
                                       tokens - 1, tokens, tokens + 1}) {
    TrialPageShape shape = RandomPageShape(random, 60);
    shape.block_size = block_size;
    PagedTrial trial(exam, shape);
    const std::vector<std::size_t> rows =
        FillInTurns(trial, {tokens, tokens, tokens});
    for (const std::size_t new_len : {std::size_t{1}, std::size_t{3}, tokens}) {
      trial.Case(fmt::format("attention of {} over {}", Count(new_len, "query"),
                             Count(tokens, "token")));
      trial.CompareAttention(rows, 2, new_len);
    }
  }
}

void AttendingInBatches(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t round = 0; round < 4; ++round) {
    PagedTrial trial(exam, RandomPageShape(random, 60));
    std::vector<std::size_t> rows =
        FillInTurns(trial, {Between(random, 12, 15), 1, Between(random, 5, 7),
                            0, Between(random, 8, 10)});
    for (const std::size_t new_len :
         {std::size_t{1}, std::size_t{4}, std::size_t{16}}) {
      std::rotate(rows.begin(), rows.begin() + 2, rows.end());
      trial.Case(
          fmt::format("attention of {} in rows of different lengths, one empty",
                      Count(new_len, "query")));
      trial.CompareAttention(rows, round % 2 == 0 ? 2 : 6, new_len);
    }
  }
}

void AttendingLong(Exam& exam) {
  Random& random = exam.Randomness();
  PagedTrial trial(exam, {.num_blocks = 160,
                          .block_size = 16,
                          .layers = 1,
                          .heads = 2,
                          .head_dim = 9});
  const std::vector<std::size_t> rows =
      FillInTurns(trial, {Between(random, 1040, 1100), 257});
  trial.Case("attention over more than a thousand tokens");
  trial.CompareAttention(rows, 4, 1);
  trial.CompareAttention(rows, 2, Between(random, 65, 80));
  ForEachLargeBatch(exam, true, [](PagedTrial& large, const LargeBatch& batch) {
    // Hundreds of rows with hundreds of heads would be as many threads, if each
    // head had one.
    const std::size_t heads = batch.query_heads * batch.shape.heads;
    if (heads > 300) return;
    std::vector<std::size_t> some = batch.sequences;
    if (heads > 9 && some.size() > 9) some.resize(1);
    large.CompareAttention(some, heads, 3);
    if (some.size() < 9 && heads * batch.shape.head_dim < 9) {
      large.CompareAttention({some.front()}, heads,
                             std::min<std::size_t>(batch.tokens, 265) - 2);
    }
  });
}

void PagedWork(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialPageShape shape = RandomPageShape(random, 40);
  PagedTrial trial(exam, shape);
  const std::size_t first = 2 * shape.block_size + 1;
  const std::size_t second = shape.block_size;
  const std::vector<std::size_t> rows = FillInTurns(trial, {first, second});
  trial.Case("attention of two queries in two rows");
  CountedWork work(exam);
  trial.CompareAttention(rows, 4, 2);
  const Integers macs = work.Macs();
  // 4 heads, 2 products of head_dim, from the visible pairs to all.
  const std::size_t each = 4 * 2 * shape.head_dim;
  CompareWork(exam, macs, WorkKind::kAttention,
              {.least = each * 2 * (first + second) - each * 2,
               .most = each * 2 * (first + second)});
  CompareNoOtherWork(exam, macs, WorkKind::kAttention);
}

void PagedMemory(Exam& exam) {
  // 24 MiB of keys and values.
  const TrialPageShape shape = {.num_blocks = 96,
                                .block_size = 16,
                                .layers = 4,
                                .heads = 4,
                                .head_dim = 128};
  const double slack_mib = exam.Setting("slack_mib");
  const double formula_mib =
      2.0 * static_cast<double>(shape.Tokens()) * 4 * 4 * 128 * 4 / (1U << 20U);
  // What a first request makes the process keep is not the cache's.
  PagedTrial warm_up(exam, shape);
  const std::size_t warm = warm_up.Start();
  warm_up.Append({{warm, 64}});
  const double before = ResidentMib(exam);
  PagedTrial trial(exam, shape);
  const std::size_t sequence = trial.Start();
  const std::size_t other = trial.Start();
  const auto compare = [&](const std::string& about) {
    trial.Case(about);
    const double grown = ResidentMib(exam) - before;
    if (grown < formula_mib - slack_mib || grown > formula_mib + slack_mib) {
      exam.NoteCost(false);
      exam.Fail(fmt::format(
          "the process has grown by {:.1f} MiB, the pool's formula says "
          "{:.1f}: "
          "keys and values are in the pool, reserved once, and nowhere else",
          grown, formula_mib));
    }
  };
  compare("an empty pool");
  while (trial.Append({{sequence, 64}, {other, 32}})) {
  }
  compare("a full pool, and one append more");
  trial.Append({{sequence, shape.block_size + 1}});
  compare("a full pool, and two appends more");
}

// --- traces ---

enum class Forks { kNone, kSome };

// One call at random.
void RandomCall(PagedTrial& trial, Forks forks, Random& random) {
  const std::size_t choice =
      trial.Model().Sequences().empty() ? 0 : random.NextBelow(10);
  if (choice == 0) {
    trial.Start();
  } else if (choice == 1) {
    trial.Release(trial.AnySequence());
  } else if (choice <= 3) {
    // To any length, or by a block at most.
    const std::size_t sequence = trial.AnySequence();
    const std::size_t len = trial.Len(sequence);
    const std::size_t most = random.NextBelow(2) == 0
                                 ? len
                                 : std::min(len, trial.Shape().block_size);
    trial.Truncate(sequence, len - random.NextBelow(most + 1));
    trial.WritePadding({sequence});
  } else if (choice <= 5 && forks == Forks::kSome) {
    const std::size_t sequence = trial.AnySequence();
    trial.WritePadding({trial.Fork(sequence), sequence});
  } else {
    trial.Append(trial.RandomRows());
  }
}

// Calls at random, each followed by a comparison, and some by one of attention.
void RandomCalls(Exam& exam, PagedTrial& trial, Forks forks) {
  Random& random = exam.Randomness();
  for (std::size_t step = 0; step < 20; ++step) {
    trial.Case(forks == Forks::kSome
                   ? "forked, appended, truncated and released at random"
                   : "appended, truncated, released and used again at random");
    RandomCall(trial, forks, random);
    trial.Compare();
    const std::vector<std::size_t> rows = trial.SomeSequences();
    if (!rows.empty() && random.NextBelow(3) == 0) {
      trial.CompareAttention(rows, trial.Shape().heads * Between(random, 1, 3),
                             Between(random, 1, 3));
    }
  }
}

void SmallTraces(Exam& exam, Forks forks) {
  Random& random = exam.Randomness();
  for (std::size_t trace = 0; trace < 25; ++trace) {
    TrialPageShape shape = RandomPageShape(random, Between(random, 1, 24));
    shape.block_size = Between(random, 1, 5);
    shape.head_dim = 2;
    PagedTrial trial(exam, shape);
    RandomCalls(exam, trial, forks);
    trial.CompareNothingLeft();
  }
}

// As many sequences as blocks are free each get a token in a block of their
// own, after one more than that was refused. With forks they are samples of
// `prompt`, whose last block must be partly filled and its own: the prompt is
// extended last, as the only owner left.
std::vector<std::size_t> FillWithSamples(PagedTrial& trial, Forks forks,
                                         std::size_t prompt) {
  std::vector<TrialRow> rows;
  for (std::size_t i = trial.FreeBlocks() + 1; i > 0; --i) {
    rows.push_back(
        {forks == Forks::kSome ? trial.Fork(prompt) : trial.Start(), 1});
  }
  rows.push_back({prompt, 1});
  trial.Case("as many rows as blocks are free, and one more");
  trial.Append(rows);
  trial.Compare();
  trial.Release(rows.front().sequence);
  rows.erase(rows.begin());
  trial.Case("as many rows as blocks are free");
  trial.Append(rows);
  trial.Compare();
  std::vector<std::size_t> samples;
  samples.reserve(rows.size());
  for (const TrialRow& row : rows) samples.push_back(row.sequence);
  return samples;
}

// Rows of every kind, which together need exactly the blocks that are free:
// forks of `prompt`, whose last block must be partly filled and its own, that
// need a copy, or none since they get no token; sequences whose last block is
// full, shared or not. All is given up again.
void FillExactly(PagedTrial& trial, Forks forks, std::size_t prompt) {
  const std::size_t block_size = trial.Shape().block_size;
  const std::size_t full = trial.Start();
  trial.Append({{full, block_size}});
  std::vector<TrialRow> rows;
  std::size_t needed = 1;
  if (forks == Forks::kSome) {
    rows.push_back({trial.Fork(prompt), 1});
    rows.push_back({trial.Fork(full), block_size});
    // Shortened by what its last block holds: the block before is full.
    const std::size_t shorter = trial.Fork(prompt);
    trial.Truncate(shorter, trial.Len(prompt) / block_size * block_size);
    rows.push_back({shorter, 1});
    for (const std::size_t new_len : {0, 0, 1, 1}) {
      rows.push_back({trial.Fork(prompt), new_len});
    }
    needed += 1 + 1 + 3 + 1;  // the prompt has other owners left
  } else {
    rows.push_back({trial.Start(), block_size + 1});
    needed += 2;
  }
  rows.push_back({full, 1});
  rows.push_back({prompt, 1});
  const std::size_t holder = trial.Start();
  trial.Append({{holder, (trial.FreeBlocks() - needed) * block_size}});
  std::size_t& of_full = rows[rows.size() - 2].new_len;
  of_full = block_size + 1;
  trial.Case("rows of every kind, which need one block too many");
  trial.Append(rows);
  trial.Compare();
  trial.Case("rows of every kind, which need exactly the blocks that are free");
  of_full = 1;
  trial.Append(rows);
  trial.Append({{full, block_size}});  // the pool is full
  trial.Compare();
  trial.Release(holder);
  for (const TrialRow& row : rows) {
    if (row.sequence != prompt) trial.Release(row.sequence);
  }
}

// Attention of hundreds of rows, query heads and queries; most of the rows hold
// nothing, or share the table of the oldest sequence.
void AttendToManyRows(PagedTrial& trial, Forks forks, std::size_t sequence) {
  const std::size_t heads = trial.Shape().heads;
  const bool many_heads = heads > 9;
  const std::size_t oldest = trial.Model().Sequences().front();
  const auto another = [&](std::size_t of) {
    return forks == Forks::kSome ? trial.Fork(of) : trial.Start();
  };
  std::vector<TrialRow> rows = {{another(sequence), 0}};
  for (std::size_t i = many_heads ? 12 : 260; i > 0; --i) {
    rows.push_back({another(oldest), 0});
  }
  rows.push_back({sequence, 1});
  trial.Case("many rows, of which the last one gets a token");
  trial.Append(rows);
  std::vector<std::size_t> all;
  all.reserve(rows.size());
  for (const TrialRow& row : rows) all.push_back(row.sequence);
  trial.CompareAttention(all, heads, 2);
  all.pop_back();
  for (const std::size_t row : all) trial.Release(row);
  trial.Case("many query heads on each key/value head");
  trial.CompareAttention({oldest, sequence}, heads * (many_heads ? 3 : 270), 1);
  trial.Case("many queries, more than a row has tokens");
  trial.CompareAttention({sequence, oldest}, heads * 2, many_heads ? 9 : 270);
}

// What small caches cannot show: a size beyond 256, after hundreds of
// sequences, blocks and copies.
void LargeTrace(Exam& exam, Forks forks, const TrialPageShape& shape) {
  PagedTrial trial(exam, shape);
  const std::size_t prompt = trial.Start();
  trial.Append({{prompt, shape.block_size + 1}});
  const std::vector<std::size_t> samples =
      FillWithSamples(trial, forks, prompt);
  // Where blocks are many, those with small numbers stay taken.
  const std::size_t kept = samples.size() > 270 ? 260 : samples.size() / 3;
  for (std::size_t i = kept; i + 1 < samples.size(); ++i) {
    trial.Release(samples[i]);
  }
  // A long sequence, whose last block has room for two tokens.
  const std::size_t sequence = trial.Start();
  const std::size_t blocks =
      std::min(trial.FreeBlocks() - 8, 1200 / shape.block_size);
  trial.Case("a long sequence");
  trial.Append({{sequence, blocks * shape.block_size - 2}});
  AttendToManyRows(trial, forks, sequence);
  trial.Compare();
  trial.Truncate(sequence, (blocks - 1) * shape.block_size + 2);
  trial.WritePadding({sequence});
  FillExactly(trial, forks, sequence);
  // Of the samples enough has been seen.
  for (std::size_t i = 0; i < kept; ++i) trial.Release(samples[i]);
  RandomCalls(exam, trial, forks);
  for (const PageModel::Sequence left : trial.Model().Sequences()) {
    trial.Release(left);
  }
  trial.Case("everything released");
  trial.Compare();
}

void LargeTraces(Exam& exam, Forks forks) {
  Random& random = exam.Randomness();
  const auto large = [&] { return Between(random, 257, 265); };
  const std::vector<TrialPageShape> shapes = {{.num_blocks = 700,
                                               .block_size = 4,
                                               .layers = 2,
                                               .heads = 2,
                                               .head_dim = 3},
                                              {.num_blocks = 300,
                                               .block_size = large() + 30,
                                               .layers = 1,
                                               .heads = 2,
                                               .head_dim = 2},
                                              {.num_blocks = 20,
                                               .block_size = 5,
                                               .layers = large(),
                                               .heads = 2,
                                               .head_dim = 2},
                                              {.num_blocks = 20,
                                               .block_size = 5,
                                               .layers = 2,
                                               .heads = large(),
                                               .head_dim = 2},
                                              {.num_blocks = 20,
                                               .block_size = 5,
                                               .layers = 2,
                                               .heads = 2,
                                               .head_dim = large()}};
  for (const TrialPageShape& shape : shapes) LargeTrace(exam, forks, shape);
}

void PagedTraces(Exam& exam) {
  SmallTraces(exam, Forks::kNone);
  LargeTraces(exam, Forks::kNone);
}

// --- 5.4 ---

// What forks hold beside their tables: memory, as it is seen from outside.
void CompareMemoryOfForks(Exam& exam) {
  constexpr std::size_t kForks = 8;
  const TrialPageShape shape = {.num_blocks = 28,
                                .block_size = 16,
                                .layers = 4,
                                .heads = 4,
                                .head_dim = 128};
  const std::size_t tokens = 16 * shape.block_size + 1;
  const double prompt_mib =
      2.0 * static_cast<double>(tokens) * 4 * 4 * 128 * 4 / (1U << 20U);
  PagedTrial trial(exam, shape);
  const std::size_t sequence = trial.Start();
  for (std::size_t len = 0; len + 1 < tokens; len += 64) {
    trial.Append({{sequence, 64}});
  }
  trial.Append({{sequence, 1}});
  const double before = ResidentMib(exam);
  std::vector<TrialRow> rows;
  for (std::size_t i = 0; i < kForks; ++i) {
    rows.push_back({trial.Fork(sequence), 1});
  }
  trial.Append(rows);
  const double grown = ResidentMib(exam) - before;
  trial.Case(
      fmt::format("{} forks of a prompt of {:.1f} MiB, each extended by "
                  "a token",
                  kForks, prompt_mib));
  if (grown > exam.Setting("slack_mib")) {
    exam.NoteCost(false);
    exam.Fail(fmt::format(
        "the process has grown by {:.1f} MiB: a fork costs a table, and the "
        "blocks that are copied are in the pool, reserved once",
        grown));
  }
}

void ForkShares(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t more : {0, 1, 2}) {
    const TrialPageShape shape = RandomPageShape(random, 8);
    PagedTrial trial(exam, shape);
    const std::size_t sequence = trial.Start();
    trial.Append({{sequence, 2 * shape.block_size + more}});
    trial.Case("a fork that nothing was written to");
    const std::size_t fork = trial.Fork(sequence);
    trial.Compare();
    const auto table = [&](std::size_t of) {
      return exam.Get<Integers>(
          exam.AskStudent("paged.read", {trial.Cache(), Ints({of})}), 0);
    };
    if (table(fork) != table(sequence)) {
      exam.Fail("its table is not that of the sequence: blocks were copied");
    }
    trial.Case("a fork of a fork, all of them extended by no token");
    const std::size_t second = trial.Fork(fork);
    trial.Append({{second, 0}, {sequence, 0}, {fork, 0}});
    trial.Compare();
  }
  PagedTrial trial(exam, RandomPageShape(random, 4));
  trial.Case("a fork of an empty sequence");
  const std::size_t empty = trial.Start();
  const std::size_t fork = trial.Fork(empty);
  trial.Append({{fork, 3}, {empty, 4}});
  trial.Compare();
  CompareMemoryOfForks(exam);
}

void CopyOnWrite(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialPageShape shape = RandomPageShape(random, 12);
  for (std::size_t tokens = 1; tokens <= 2 * shape.block_size; ++tokens) {
    for (const bool fork_first : {true, false}) {
      PagedTrial trial(exam, shape);
      const std::size_t sequence = trial.Start();
      trial.Append({{sequence, tokens}});
      const std::size_t fork = trial.Fork(sequence);
      trial.Case(fmt::format("a fork at {}, then {} is written to",
                             Count(tokens, "token"),
                             fork_first ? "the fork" : "the original"));
      trial.Append({{fork_first ? fork : sequence, 2}});
      trial.Compare();
      trial.Case(fmt::format("a fork at {}, then each is written to",
                             Count(tokens, "token")));
      trial.Append({{fork_first ? sequence : fork, 1}});
      trial.Append({{fork, 1}, {sequence, shape.block_size}});
      trial.Compare();
    }
  }
}

void ManySamples(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t samples = Between(random, 260, 280);
  for (const std::size_t more : {0, 1}) {
    TrialPageShape shape = RandomPageShape(random, 2 + samples);
    shape.layers = 1;
    PagedTrial trial(exam, shape);
    std::vector<TrialRow> rows = {{trial.Start(), 1}};
    trial.Append({{rows[0].sequence, 2 * shape.block_size + more}});
    while (rows.size() < samples) {
      rows.push_back({trial.Fork(rows[0].sequence), 1});
    }
    trial.Case("hundreds of samples of one prompt, each one token further");
    trial.Append(rows);
    trial.Compare();
    trial.CompareNothingLeft();
  }
  // Samples that copy their last block, then one that gets no token, and one
  // whose last block is full, so that it takes a new one: they need exactly the
  // blocks that are left.
  for (const std::size_t copies :
       {std::size_t{3}, std::size_t{12}, std::size_t{70}, samples}) {
    TrialPageShape shape = RandomPageShape(random, 2 + 1 + copies + 1);
    shape.layers = 1;
    PagedTrial trial(exam, shape);
    const std::size_t prompt = trial.Start();
    const std::size_t full = trial.Start();
    trial.Append({{prompt, shape.block_size + 1}, {full, shape.block_size}});
    std::vector<TrialRow> rows;
    for (std::size_t i = 0; i < copies; ++i) {
      rows.push_back({trial.Fork(prompt), 1});
    }
    rows.push_back({trial.Fork(prompt), 0});
    rows.push_back({trial.Fork(full), 1});
    trial.Case(
        "many samples, one of them without a token, and a fork whose last "
        "block is full");
    trial.Append(rows);
    trial.Compare();
  }
  // Of two owners one copies, and then the pool is full.
  const TrialPageShape shape = RandomPageShape(random, 5);
  PagedTrial trial(exam, shape);
  const std::size_t sequence = trial.Start();
  trial.Append({{sequence, 3 * shape.block_size + 1}});
  const std::size_t fork = trial.Fork(sequence);
  trial.Case("both owners of a block extended at once, one block free");
  trial.Append({{fork, 1}, {sequence, 1}});
  trial.Compare();
}

void ForkInAFullPool(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialPageShape shape = RandomPageShape(random, 6);
  const std::size_t size = shape.block_size;
  {
    PagedTrial trial(exam, shape);
    const std::size_t sequence = trial.Start();
    trial.Append({{sequence, 6 * size - 2}});
    const std::size_t fork = trial.Fork(sequence);
    trial.Case("a copy for which no block is free");
    trial.Append({{fork, 1}});
    trial.Compare();
    trial.Append({{sequence, 1}, {fork, 1}});
    trial.Compare();
    trial.Case("a fork that owns all of its blocks alone again");
    trial.Release(sequence);
    trial.Append({{fork, 2}});
    trial.Compare();
    trial.CompareNothingLeft();
  }
  PagedTrial trial(exam, shape);
  const std::size_t sequence = trial.Start();
  const std::size_t other = trial.Start();
  trial.Append({{sequence, size + 1}, {other, 3 * size}});
  const std::size_t fork = trial.Fork(sequence);
  for (const bool copy_first : {true, false}) {
    trial.Case("a copy and a new block, for which one block is free");
    std::vector<TrialRow> rows = {{fork, 1}, {other, 1}};
    if (!copy_first) std::ranges::reverse(rows);
    trial.Append(rows);
    trial.Compare();
  }
  trial.CompareNothingLeft();
}

void ReleasingForks(Exam& exam) {
  Random& random = exam.Randomness();
  for (const bool fork_goes : {true, false}) {
    const TrialPageShape shape = RandomPageShape(random, 8);
    PagedTrial trial(exam, shape);
    const std::size_t sequence = trial.Start();
    trial.Append({{sequence, 2 * shape.block_size + 1}});
    const std::size_t fork = trial.Fork(sequence);
    trial.Case("one of two owners released");
    trial.Release(fork_goes ? fork : sequence);
    trial.Compare();
    trial.Case("one of two owners released, then a new sequence");
    const std::size_t next = trial.Start();
    trial.Append({{next, 5 * shape.block_size}});
    trial.Compare();
    trial.CompareNothingLeft();
  }
  exam.Case("");
  PagedTrial trial(exam, RandomPageShape(random, 8));
  const std::size_t gone = trial.Start();
  trial.Append({{gone, 5}});
  trial.Release(gone);
  exam.Case("");
  exam.ExpectRefusal("paged.fork", {trial.Cache(), Int(gone)},
                     "forking a sequence that was released");
  trial.Case("after forking a released sequence was refused");
  trial.Compare();
}

void TruncatingForks(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialPageShape shape = RandomPageShape(random, 12);
  const std::size_t tokens = 2 * shape.block_size + 2;
  for (std::size_t kept = 0; kept <= tokens; ++kept) {
    PagedTrial trial(exam, shape);
    const std::size_t sequence = trial.Start();
    trial.Append({{sequence, tokens}});
    const std::size_t fork = trial.Fork(sequence);
    const std::size_t shortened = kept % 2 == 0 ? fork : sequence;
    trial.Case(fmt::format("one of two owners of {} truncated to {}",
                           Count(tokens, "token"), kept));
    trial.Truncate(shortened, kept);
    trial.Compare();
    trial.Case(
        fmt::format("one of two owners of {} truncated to {}, then written to",
                    Count(tokens, "token"), kept));
    trial.Append({{shortened, 2}});
    trial.Compare();
    trial.CompareNothingLeft();
  }
}

void ForkTraces(Exam& exam) {
  SmallTraces(exam, Forks::kSome);
  LargeTraces(exam, Forks::kSome);
}

const RegisterChecks kPagedCacheChecks({
    AllOrNothing("pool.take", {}, TakingBlocks),
    AllOrNothing("pool.owners", {}, OwningBlocks),
    AllOrNothing("pool.refusals", {}, PoolRefusals),
    AllOrNothing("paged.append", {}, AppendingOverBorders),
    AllOrNothing("paged.batch", {}, AppendingBatches),
    AllOrNothing("paged.sizes", {}, AppendingToAllSizes),
    AllOrNothing("paged.full", {}, FullPool),
    AllOrNothing("paged.refusals", {}, PagedRefusals),
    AllOrNothing("paged.truncate", {}, Truncating),
    AllOrNothing("paged.release", {}, Releasing),
    AllOrNothing("paged.attend", {"tolerance"}, Attending),
    AllOrNothing("paged.attend_batch", {"tolerance"}, AttendingInBatches),
    AllOrNothing("paged.attend_long", {"tolerance"}, AttendingLong),
    AllOrNothing("paged.work", {"tolerance"}, PagedWork),
    AllOrNothing("paged.memory", {"slack_mib"}, PagedMemory),
    AllOrNothing("paged.traces", {"tolerance"}, PagedTraces),
    AllOrNothing("fork.shares", {"slack_mib"}, ForkShares),
    AllOrNothing("fork.copy_on_write", {}, CopyOnWrite),
    AllOrNothing("fork.samples", {}, ManySamples),
    AllOrNothing("fork.full", {}, ForkInAFullPool),
    AllOrNothing("fork.release", {}, ReleasingForks),
    AllOrNothing("fork.truncate", {}, TruncatingForks),
    AllOrNothing("fork.traces", {"tolerance"}, ForkTraces),
});

}  // namespace
}  // namespace kvlab::grading
