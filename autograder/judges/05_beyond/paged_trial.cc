#include "autograder/judges/05_beyond/paged_trial.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

const Axes kHeldAxes = {"head", "position", "feature"};

}  // namespace

Integers TrialPageShape::Sizes() const {
  return Ints({num_blocks, block_size, layers, heads, head_dim});
}

TrialPageShape RandomPageShape(Random& random, std::size_t num_blocks) {
  return {.num_blocks = num_blocks,
          .block_size = Between(random, 3, 6),
          .layers = Between(random, 2, 3),
          .heads = 2,
          .head_dim = Between(random, 3, 5)};
}

std::string ShapeText(const TrialPageShape& shape) {
  return fmt::format("{} of {}", Count(shape.num_blocks, "block"),
                     Count(shape.block_size, "token"));
}

PagedTrial::PagedTrial(Exam& exam, const TrialPageShape& shape, TrialHash hash)
    : exam_(exam),
      shape_(shape),
      model_({.num_blocks = shape.num_blocks, .block_size = shape.block_size}),
      about_(ShapeText(shape)) {
  exam_.Case(about_);
  cache_ = exam_.Get<Handle>(
      exam_.AskStudent("paged.new",
                       {shape.Sizes(), static_cast<std::int64_t>(hash)}),
      0);
}

void PagedTrial::Case(const std::string& about) {
  about_ = ShapeText(shape_) + ": " + about;
  exam_.Case(about_);
}

std::size_t PagedTrial::NewSequence(const Values& answer,
                                    std::size_t expected) {
  CompareNumber(exam_, "the number of the new sequence",
                exam_.Get<std::int64_t>(answer, 0), Int(expected));
  return expected;
}

std::size_t PagedTrial::Start() {
  return NewSequence(exam_.AskStudent("paged.start", {cache_}), model_.Start());
}

std::size_t PagedTrial::Fork(std::size_t sequence) {
  return NewSequence(exam_.AskStudent("paged.fork", {cache_, Int(sequence)}),
                     model_.Fork(sequence));
}

std::size_t PagedTrial::StartWith(const Integers& prompt) {
  const std::vector<TokenId> tokens(prompt.begin(), prompt.end());
  return NewSequence(exam_.AskStudent("paged.start_with", {cache_, prompt}),
                     model_.StartWith(tokens));
}

void PagedTrial::WritePadding(const std::vector<std::size_t>& rows) {
  const Array padding = RandomArray(
      exam_.Randomness(),
      {rows.size(), shape_.heads, shape_.block_size, shape_.head_dim}, 9);
  exam_.AskStudent("paged.write", {cache_, Int(shape_.layers - 1), Ints(rows),
                                   padding, padding});
}

void PagedTrial::Truncate(std::size_t sequence, std::size_t past_len) {
  model_.Truncate(sequence, past_len);
  exam_.AskStudent("paged.truncate", {cache_, Int(sequence), Int(past_len)});
}

void PagedTrial::Release(std::size_t sequence) {
  Release(std::vector<std::size_t>{sequence});
}

void PagedTrial::Release(const std::vector<std::size_t>& sequences) {
  for (const std::size_t sequence : sequences) model_.Release(sequence);
  exam_.AskStudent("paged.release", {cache_, Ints(sequences)});
}

void PagedTrial::Keep(std::size_t sequence, const Integers& tokens) {
  model_.Keep(sequence, std::vector<TokenId>(tokens.begin(), tokens.end()));
  exam_.AskStudent("paged.keep", {cache_, Int(sequence), tokens});
}

void PagedTrial::ForgetKept() {
  model_.ForgetKept();
  exam_.AskStudent("paged.forget_kept", {cache_});
}

bool PagedTrial::Append(const std::vector<TrialRow>& rows) {
  std::vector<std::pair<PageModel::Sequence, std::size_t>> extensions;
  Integers sequences;
  Integers new_lens;
  std::size_t new_len = 0;
  for (const TrialRow& row : rows) {
    extensions.emplace_back(row.sequence, row.new_len);
    sequences.push_back(Int(row.sequence));
    new_lens.push_back(Int(row.new_len));
    new_len = std::max(new_len, row.new_len);
  }
  if (!model_.Extend(extensions)) {
    exam_.Case("");
    exam_.ExpectRefusal("paged.extend", {cache_, sequences, new_lens},
                        about_ + ": more tokens than the free blocks hold");
    exam_.Case(about_ + ", after an append that does not fit was refused");
    return false;
  }
  exam_.AskStudent("paged.extend", {cache_, sequences, new_lens});
  Random& random = exam_.Randomness();
  const std::size_t elements = shape_.layers * shape_.heads * shape_.head_dim;
  while (tokens_.size() < model_.TokensAppended()) {
    tokens_.push_back({RandomArray(random, {elements}).values,
                       RandomArray(random, {elements}).values});
  }
  Question question = {cache_, std::int64_t{0}, sequences};
  for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
    const std::vector<std::size_t> sizes = {rows.size(), shape_.heads, new_len,
                                            shape_.head_dim};
    Array keys = RandomArray(random, sizes, 9);  // padding
    Array values = RandomArray(random, sizes, 9);
    for (std::size_t b = 0; b < rows.size(); ++b) {
      const std::vector<PageModel::Row> held = model_.Rows(rows[b].sequence);
      for (std::size_t head = 0; head < shape_.heads; ++head) {
        for (std::size_t i = 1; i <= rows[b].new_len; ++i) {
          const Token& token = tokens_[held[held.size() - i]];
          const std::size_t from =
              (layer * shape_.heads + head) * shape_.head_dim;
          const std::size_t to =
              ((b * shape_.heads + head) * new_len + new_len - i) *
              shape_.head_dim;
          for (std::size_t d = 0; d < shape_.head_dim; ++d) {
            keys.values[to + d] = token.keys[from + d];
            values.values[to + d] = token.values[from + d];
          }
        }
      }
    }
    question.emplace_back(Value{std::move(keys)});
    question.emplace_back(Value{std::move(values)});
  }
  exam_.AskStudent("paged.write", question);
  return true;
}

Array PagedTrial::Held(std::size_t sequence, std::size_t layer,
                       std::vector<float> Token::*part) const {
  const std::vector<PageModel::Row> rows = model_.Rows(sequence);
  Array held = {.shape = {shape_.heads, rows.size(), shape_.head_dim},
                .values = {}};
  for (std::size_t head = 0; head < shape_.heads; ++head) {
    for (const PageModel::Row row : rows) {
      const std::vector<float>& token = tokens_[row].*part;
      const auto begin =
          token.begin() + Int((layer * shape_.heads + head) * shape_.head_dim);
      held.values.insert(held.values.end(), begin,
                         begin + Int(shape_.head_dim));
    }
  }
  return held;
}

void PagedTrial::CompareSequence(std::size_t sequence, const Integers& owners,
                                 const Values& answer, std::size_t at) {
  const std::size_t len = Len(sequence);
  const std::size_t blocks = (len + shape_.block_size - 1) / shape_.block_size;
  CompareNumber(exam_, "Len() of a sequence",
                exam_.GetIntegers(answer, at + 1, 1)[0], Int(len));
  const auto& table = exam_.Get<Integers>(answer, at);
  CompareNumber(exam_,
                fmt::format("the number of blocks in the table of {}",
                            Count(len, "token")),
                Int(table.size()), Int(blocks));
  const std::vector<std::size_t> right = model_.Owners(sequence);
  for (std::size_t i = 0; i < blocks; ++i) {
    if (table[i] < 0 || static_cast<std::size_t>(table[i]) >= owners.size()) {
      exam_.Fail("a table names a block that the pool does not have");
    }
    CompareNumber(exam_,
                  fmt::format("the number of owners of block {} of a table", i),
                  owners[static_cast<std::size_t>(table[i])], Int(right[i]));
  }
  for (std::size_t layer = 0; layer < shape_.layers; ++layer) {
    const auto compare = [&](std::size_t index, std::vector<float> Token::*part,
                             const char* name) {
      const auto difference =
          Difference(exam_.Get<Array>(answer, index),
                     Held(sequence, layer, part), 0, kHeldAxes);
      if (difference) {
        exam_.Fail(fmt::format("the {} of a sequence of {}, layer {} of {}: {}",
                               name, Count(len, "token"), layer, shape_.layers,
                               *difference));
      }
    };
    compare(at + 2 + 2 * layer, &Token::keys, "keys");
    compare(at + 3 + 2 * layer, &Token::values, "values");
  }
}

void PagedTrial::Compare() {
  const Values answer = exam_.AskStudent("paged.state", {cache_});
  const Integers& counts = exam_.GetIntegers(answer, 0, 3);
  CompareNumber(exam_, "tokens_appended", counts[2],
                Int(model_.TokensAppended()));
  CompareNumber(exam_, "blocks_copied", counts[1], Int(model_.BlocksCopied()));
  CompareNumber(exam_, "blocks_in_use", counts[0], Int(model_.BlocksInUse()));
  const Integers& owners = exam_.GetIntegers(answer, 1, shape_.num_blocks);
  CompareNumber(exam_, "the number of blocks that have an owner",
                Int(owners.size()) - std::ranges::count(owners, 0),
                Int(model_.BlocksInUse()));
  // Many at a time, but far fewer bytes than the rubric lets a reply have.
  constexpr std::size_t kMostNumbers = std::size_t{1} << 18U;
  const std::vector<PageModel::Sequence> sequences = model_.Sequences();
  for (std::size_t begin = 0, end = 0; begin < sequences.size(); begin = end) {
    for (std::size_t numbers = 0;
         end < sequences.size() && numbers < kMostNumbers; ++end) {
      numbers += 2 * shape_.layers * shape_.heads * Len(sequences[end]) *
                 shape_.head_dim;
    }
    const Integers some = Ints(std::vector<std::size_t>(
        sequences.begin() + Int(begin), sequences.begin() + Int(end)));
    const Values held = exam_.AskStudent("paged.read", {cache_, some});
    for (std::size_t i = begin; i < end; ++i) {
      CompareSequence(sequences[i], owners, held,
                      (i - begin) * (2 + 2 * shape_.layers));
    }
  }
}

void PagedTrial::CompareAttention(const std::vector<std::size_t>& rows,
                                  std::size_t query_heads,
                                  std::size_t new_len) {
  Random& random = exam_.Randomness();
  const std::size_t layer = Between(random, 0, shape_.layers - 1);
  const std::size_t dim = shape_.head_dim;
  const Array queries =
      RandomArray(random, {rows.size(), query_heads, new_len, dim}, 2);
  const Values answer = exam_.AskStudent(
      "paged.attend", {cache_, Int(layer), Ints(rows), queries});
  Array expected = {.shape = queries.shape,
                    .values = std::vector<float>(queries.values.size())};
  for (std::size_t b = 0; b < rows.size(); ++b) {
    const Array keys = Held(rows[b], layer, &Token::keys);
    const Array values = Held(rows[b], layer, &Token::values);
    const std::size_t len = Len(rows[b]);
    for (std::size_t h = 0; h < query_heads; ++h) {
      const std::size_t head = h / (query_heads / shape_.heads);
      for (std::size_t i = 0; i < new_len; ++i) {
        const std::size_t at = ((b * query_heads + h) * new_len + i) * dim;
        // Scores of inputs of size 2 stay far from what exp cannot hold.
        double sum = 0;
        std::vector<double> weighted(dim);
        for (std::size_t s = 0; s + new_len < len + i + 1; ++s) {
          const std::size_t row = (head * len + s) * dim;
          double score = 0;
          for (std::size_t d = 0; d < dim; ++d) {
            score +=
                double{queries.values[at + d]} * double{keys.values[row + d]};
          }
          const double weight =
              std::exp(score / std::sqrt(static_cast<double>(dim)));
          sum += weight;
          for (std::size_t d = 0; d < dim; ++d) {
            weighted[d] += weight * double{values.values[row + d]};
          }
        }
        for (std::size_t d = 0; d < dim && sum > 0; ++d) {
          expected.values[at + d] = static_cast<float>(weighted[d] / sum);
        }
      }
    }
  }
  CompareArrays(exam_, exam_.Get<Array>(answer, 0), expected, kHeadAxes);
}

void PagedTrial::CompareNothingLeft() {
  if (model_.KeepsAny()) ForgetKept();
  Release(model_.Sequences());
  Case("everything released");
  Compare();
  // The free list has each block once: all can be filled.
  Case("everything released, then one sequence that fills the pool");
  const std::size_t all = Start();
  Append({{all, shape_.Tokens()}});
  Compare();
  Append({{all, 1}});
  Release(all);
}

std::size_t PagedTrial::AnySequence() {
  Random& random = exam_.Randomness();
  const std::vector<PageModel::Sequence> all = model_.Sequences();
  const std::size_t from = random.NextBelow(2) == 0
                               ? all.size()
                               : std::min<std::size_t>(all.size(), 4);
  return all[all.size() - 1 - random.NextBelow(from)];
}

std::vector<std::size_t> PagedTrial::SomeSequences() {
  Random& random = exam_.Randomness();
  const std::vector<PageModel::Sequence> all = model_.Sequences();
  const std::size_t one_of = std::max<std::size_t>(2, all.size() / 4);
  std::vector<std::size_t> some;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (random.NextBelow(i + 4 < all.size() ? one_of : 2) == 0) {
      some.push_back(all[i]);
    }
  }
  for (std::size_t i = some.size(); i > 1; --i) {
    std::swap(some[i - 1], some[random.NextBelow(i)]);
  }
  return some;
}

std::vector<TrialRow> PagedTrial::RandomRows() {
  std::vector<TrialRow> rows;
  for (const std::size_t sequence : SomeSequences()) {
    rows.push_back(
        {sequence, Between(exam_.Randomness(), 0, 2 * shape_.block_size + 1)});
  }
  return rows;
}

}  // namespace kvlab::grading
