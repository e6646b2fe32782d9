// Module 5, task 5.8: keys and values in eight bits, and the bound.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "autograder/exam/work_trial.h"
#include "autograder/judges/01_attention/attention_input.h"
#include "autograder/judges/03_memoization/cache_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// --- one range ---

double Largest(const std::vector<float>& numbers) {
  double largest = 0;
  for (const float number : numbers) {
    largest = std::max(largest, std::abs(double{number}));
  }
  return largest;
}

// The scale of a range of these numbers.
double ScaleOf(const std::vector<float>& numbers) {
  const auto [low, high] = std::ranges::minmax(numbers);
  return (double{high} - double{low}) / 255;
}

// Codes of `numbers` in that range: each number off by at most half a scale.
void CompareCodes(Exam& exam, const std::vector<float>& numbers, double zero,
                  double scale) {
  const Integers codes = exam.GetIntegers(
      exam.AskStudent("int8.encode",
                      {ArrayOf(numbers), ArrayOf({static_cast<float>(zero),
                                                  static_cast<float>(scale)})}),
      0, numbers.size());
  // Far from 0 a float32 itself is off.
  const double rounding = Largest(numbers) * 0x1p-22;
  bool rounded_down = true;
  bool without_zero = true;
  double worst = 0;
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const double number = numbers[i];
    const auto code = static_cast<double>(codes[i]);
    const double inside = std::clamp(number, zero, zero + 255 * scale);
    worst = std::max(worst, std::abs(zero + code * scale - inside) - rounding);
    if (scale == 0) continue;
    const double steps = (inside - zero) / scale;
    rounded_down &= std::abs(code - std::floor(steps)) <= 1e-3 * steps + 1e-9;
    without_zero &= std::abs(code - std::clamp(std::round(number / scale), 0.0,
                                               255.0)) <= 1;
  }
  if (worst <= scale / 2 * (1 + 0x1p-10)) return;
  if (scale == 0) {
    exam.Fail("a code is not 0 although scale is 0");
  }
  std::string hint;
  if (without_zero) {
    hint = "; the codes are those of x / scale: take the zero out first";
  } else if (rounded_down) {
    hint = "; the codes are rounded down: take the nearest";
  }
  exam.Fail(fmt::format(
      "a number is off by {:.2f} scales, and by at most 0.5 with the nearest "
      "code{}",
      worst / scale, hint));
}

std::vector<float> RandomNumbers(Random& random, std::size_t count,
                                 const std::pair<double, double>& ends) {
  std::vector<float> numbers;
  for (std::size_t i = 0; i < count; ++i) {
    const auto share = double{random.NextUniform()};
    numbers.push_back(
        static_cast<float>(ends.first + share * (ends.second - ends.first)));
  }
  return numbers;
}

void CompareRange(Exam& exam, const std::vector<float>& numbers) {
  const Array range =
      exam.Get<Array>(exam.AskStudent("int8.fit", {ArrayOf(numbers)}), 0);
  if (range.values.size() != 2) exam.Fail("the answer is not a range");
  const float low = std::ranges::min(numbers);
  const double scale = ScaleOf(numbers);
  if (range.values[0] != low) {
    exam.Fail("zero is not the smallest of the numbers");
  }
  const double actual = range.values[1];
  if (scale == 0 && actual != 0) {
    exam.Fail("scale is not 0 although all numbers are equal");
  }
  // The difference is rounded, and so is the quotient.
  if (!(std::abs(actual - scale) <=
        scale * 0x1p-20 + Largest(numbers) * 0x1p-31)) {
    exam.Fail(fmt::format(
        "scale is {:.4f} times that of codes 0 to 255 from the smallest to "
        "the largest number",
        scale == 0 ? 0 : actual / scale));
  }
}

void Codes(Exam& exam) {
  Random& random = exam.Randomness();
  for (const double size : {1.0, 1e-3, 0x1p-95, 0x1p95, 200.0}) {
    for (const double level : {0.0, -0.5, 3.0, -40.0}) {
      const double spread = double{random.NextUniform(0.5F, 1.5F)};
      const std::vector<float> numbers =
          RandomNumbers(random, Between(random, 2, 400),
                        {size * (level - spread), size * (level + spread)});
      exam.Case(fmt::format("{} of size {:.0e}, from {:.0f} times that on",
                            Count(numbers.size(), "number"), size, level));
      CompareRange(exam, numbers);
      CompareCodes(exam, numbers, double{std::ranges::min(numbers)},
                   double{static_cast<float>(ScaleOf(numbers))});
    }
  }
  for (const std::size_t count : {std::size_t{1}, Between(random, 2, 300)}) {
    const std::vector<float> equal(count, random.NextUniform(-9, 9));
    exam.Case(fmt::format("{}, all equal", Count(count, "number")));
    CompareRange(exam, equal);
    CompareCodes(exam, equal, double{equal.front()}, 0);
  }
  exam.Case("zeros");
  CompareRange(exam, std::vector<float>(5, 0.0F));
  exam.Case("numbers within and outside of a range");
  CompareCodes(exam, RandomNumbers(random, 300, {-100, 400}), -3.5, 1.25);
  exam.Case("");
  exam.ExpectRefusal("int8.fit", {ArrayOf({})}, "a range of no numbers");
}

// --- sizes ---

struct Sizes {
  std::size_t batch = 0;
  std::size_t max_seq_len = 0;
  std::size_t kv_heads = 0;
  std::size_t head_dim = 0;
  std::size_t group = 0;

  Integers List() const {
    return Ints({batch, max_seq_len, kv_heads, head_dim, group});
  }
};

struct Parts {
  std::size_t ranges = 0;
  std::size_t tail = 0;
  std::size_t codes = 0;
};

// By head and row.
Parts BytesOf(const Sizes& sizes) {
  const std::size_t groups = sizes.max_seq_len / sizes.group;
  return {.ranges = 8 * (groups * sizes.head_dim + sizes.max_seq_len),
          .tail = 4 * std::min(sizes.group, sizes.max_seq_len) * sizes.head_dim,
          .codes = (groups * sizes.group + sizes.max_seq_len) * sizes.head_dim};
}

std::string SizesText(const Sizes& sizes) {
  return fmt::format("{}, {} of {}, {} in groups of {}",
                     Count(sizes.batch, "row"),
                     Count(sizes.kv_heads, "key/value head"), sizes.head_dim,
                     Count(sizes.max_seq_len, "token"), sizes.group);
}

void BytesHeld(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t tokens = Between(random, 20, 60);
  for (const std::size_t group :
       {std::size_t{1}, Between(random, 3, 9), tokens - 1, tokens, tokens + 1,
        Between(random, 260, 300)}) {
    for (const bool large : {false, true}) {
      const Sizes sizes = {
          .batch = large ? Between(random, 260, 300) : Between(random, 1, 4),
          .max_seq_len = large ? Between(random, 1000, 9000) : tokens,
          .kv_heads = large ? Between(random, 260, 300) : Between(random, 1, 4),
          .head_dim = Between(random, 1, 300),
          .group = group};
      exam.Case(SizesText(sizes));
      const std::int64_t bytes = exam.Get<std::int64_t>(
          exam.AskStudent("int8.bytes", {sizes.List()}), 0);
      const Parts parts = BytesOf(sizes);
      const std::size_t heads = sizes.batch * sizes.kv_heads;
      const auto expected =
          Int(heads * (parts.codes + parts.ranges + parts.tail));
      std::string hint;
      if (bytes == Int(heads * (parts.codes + parts.tail))) {
        hint = "the ranges are missing: a zero and a scale for each";
      } else if (bytes == Int(heads * (parts.codes + parts.ranges))) {
        hint = "the float32 keys of the group that is not full are missing";
      }
      CompareNumber(exam, "the number of bytes", bytes, expected, hint);
    }
  }
}

// --- a cache and what was appended ---

class QuantizedTrial {
 public:
  QuantizedTrial(Exam& exam, const Sizes& sizes)
      : exam_(exam), sizes_(sizes), about_(SizesText(sizes)) {
    Random& random = exam.Randomness();
    const std::vector<std::size_t> shape = {sizes.batch, sizes.kv_heads,
                                            sizes.max_seq_len, sizes.head_dim};
    keys_ = RandomArray(random, shape);
    values_ = RandomArray(random, shape);
    exam.Case(about_);
    cache_ = exam.Get<Handle>(exam.AskStudent("int8.cache", {sizes.List()}), 0);
    // Each channel of each head and row has a level and a spread.
    for (std::size_t at = 0; at < sizes.batch * sizes.kv_heads; ++at) {
      for (std::size_t d = 0; d < sizes.head_dim; ++d) {
        const float level = random.NextUniform(-4, 4);
        const float spread = random.NextUniform(0.5F, 2);
        for (std::size_t s = 0; s < sizes.max_seq_len; ++s) {
          float& key = keys_.values[Index(at, s, d)];
          key = level + spread * key;
        }
      }
    }
  }

  const Sizes& Of() const { return sizes_; }
  Handle Cache() const { return cache_; }
  std::size_t Len() const { return past_len_; }
  std::size_t CodedLen() const {
    return past_len_ / sizes_.group * sizes_.group;
  }
  const Array& Keys() const { return keys_; }

  float& Key(std::size_t at, std::size_t s, std::size_t d) {
    return keys_.values[Index(at, s, d)];
  }
  float& ValueAt(std::size_t at, std::size_t s, std::size_t d) {
    return values_.values[Index(at, s, d)];
  }

  void Case(const std::string& about) {
    about_ = SizesText(sizes_) + "; " + about;
    exam_.Case(about_);
  }

  void Append(std::size_t count) {
    const Values answer = exam_.AskStudent(
        "int8.append", {cache_, Slice(keys_, 2, past_len_, past_len_ + count),
                        Slice(values_, 2, past_len_, past_len_ + count)});
    past_len_ += count;
    CompareNumber(exam_, "PastLen()", exam_.Get<std::int64_t>(answer, 0),
                  Int(past_len_));
  }

  // What is held is within half a scale of what was appended.
  void CompareHeld() {
    const Values answer = exam_.AskStudent("int8.read", {cache_});
    const std::vector<std::size_t> shape = {sizes_.batch, sizes_.kv_heads,
                                            past_len_, sizes_.head_dim};
    held_keys_ = exam_.Get<Array>(answer, 0);
    held_values_ = exam_.Get<Array>(answer, 1);
    if (held_keys_.shape != shape || held_values_.shape != shape) {
      exam_.Fail("the cache does not hold the tokens that it was given");
    }
    CompareTail();
    CompareCodedKeys();
    CompareValues();
  }

  // Attention over what is held, in every call as long as `new_len`.
  void CompareAttention(std::size_t heads, std::size_t new_len,
                        const std::vector<std::size_t>& left_pad);

  struct Certified {
    double largest_error = 0;
    double largest_bound = 0;
  };
  // Holds the bounds of these queries to the header.
  Certified CompareBounds(const Array& queries,
                          const std::vector<std::size_t>& left_pad);

 private:
  std::size_t Index(std::size_t at, std::size_t s, std::size_t d) const {
    return (at * sizes_.max_seq_len + s) * sizes_.head_dim + d;
  }
  float Held(const Array& held, std::size_t at, std::size_t s,
             std::size_t d) const {
    return held.values[(at * past_len_ + s) * sizes_.head_dim + d];
  }
  std::string Place(std::size_t at, std::size_t s, std::size_t d) const {
    return fmt::format("row {}, head {}, token {}, feature {}",
                       at / sizes_.kv_heads, at % sizes_.kv_heads, s, d);
  }

  // The scale of channel d over a full group.
  double KeyScale(std::size_t at, std::size_t group, std::size_t d) const {
    std::vector<float> channel;
    for (std::size_t s = group * sizes_.group; s < (group + 1) * sizes_.group;
         ++s) {
      channel.push_back(keys_.values[Index(at, s, d)]);
    }
    return ScaleOf(channel);
  }
  std::vector<float> TokenOf(const Array& all, std::size_t at,
                             std::size_t s) const {
    const auto first = all.values.begin() + Int(Index(at, s, 0));
    return {first, first + Int(sizes_.head_dim)};
  }

  void CompareTail();
  void CompareCodedKeys();
  void CompareValues();

  // The number a query's error may reach, and more, all in double.
  struct Limits {
    std::vector<double> exact;  // the output
    double rounding = 0;
    double largest_bound = 0;
    bool sees = false;
  };
  struct Query {
    std::size_t at = 0;  // row * kv_heads + kv_head
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  Limits LimitsOf(const Query& seen, const float* query) const;
  // By head, group and channel; by head and token. Of the tokens appended.
  void FindScales();

  Exam& exam_;
  Sizes sizes_;
  std::string about_;
  Array keys_;    // [B, G, max_seq_len, D]
  Array values_;  // as keys
  Array held_keys_;
  Array held_values_;
  std::vector<double> key_scales_;
  std::vector<double> value_scales_;
  Handle cache_;
  std::size_t past_len_ = 0;
};

void QuantizedTrial::CompareTail() {
  for (std::size_t at = 0; at < sizes_.batch * sizes_.kv_heads; ++at) {
    for (std::size_t s = CodedLen(); s < past_len_; ++s) {
      for (std::size_t d = 0; d < sizes_.head_dim; ++d) {
        if (Held(held_keys_, at, s, d) != keys_.values[Index(at, s, d)]) {
          exam_.Fail(Place(at, s, d) +
                     ": this key is of the group that is not full, and not "
                     "held as it was appended");
        }
      }
    }
  }
}

void QuantizedTrial::CompareCodedKeys() {
  std::string first;
  bool row_0_is_right = true;
  bool as_one_range = true;
  for (std::size_t at = 0; at < sizes_.batch * sizes_.kv_heads; ++at) {
    for (std::size_t group = 0; group < CodedLen() / sizes_.group; ++group) {
      std::vector<float> together;
      for (std::size_t s = 0; s < sizes_.group; ++s) {
        const std::vector<float> token =
            TokenOf(keys_, at, group * sizes_.group + s);
        together.insert(together.end(), token.begin(), token.end());
      }
      for (std::size_t d = 0; d < sizes_.head_dim; ++d) {
        const double scale = KeyScale(at, group, d);
        for (std::size_t i = 0; i < sizes_.group; ++i) {
          const std::size_t s = group * sizes_.group + i;
          const double key = keys_.values[Index(at, s, d)];
          const double off = std::abs(double{Held(held_keys_, at, s, d)} - key);
          const double rounding = (std::abs(key) + 255 * scale) * 0x1p-22;
          if (off <= scale / 2 * (1 + 0x1p-10) + rounding) continue;
          as_one_range &= off <= ScaleOf(together) / 2 * 1.01 + rounding;
          if (at < sizes_.kv_heads) row_0_is_right = false;
          if (first.empty()) {
            first = fmt::format(
                "{}: a key is off by {:.1f} scales of its channel, and by at "
                "most 0.5 in the range of this channel over its group",
                Place(at, s, d), off / scale);
          }
        }
      }
    }
  }
  if (first.empty()) return;
  if (as_one_range) {
    first +=
        "; it is within what one range for several channels gives: keys "
        "have one for each channel";
  } else if (row_0_is_right) {
    first += "; row 0 is right: each row and head has ranges of its own";
  }
  exam_.Fail(first);
}

void QuantizedTrial::CompareValues() {
  for (std::size_t at = 0; at < sizes_.batch * sizes_.kv_heads; ++at) {
    for (std::size_t s = 0; s < past_len_; ++s) {
      const double scale = ScaleOf(TokenOf(values_, at, s));
      for (std::size_t d = 0; d < sizes_.head_dim; ++d) {
        const double value = values_.values[Index(at, s, d)];
        const double off =
            std::abs(double{Held(held_values_, at, s, d)} - value);
        const double rounding = (std::abs(value) + 255 * scale) * 0x1p-22;
        if (off > scale / 2 * (1 + 0x1p-10) + rounding) {
          exam_.Fail(fmt::format(
              "{}: a value is off by {:.1f} scales of its token, and by at "
              "most 0.5 in the range of this token",
              Place(at, s, d), off / std::max(scale, 1e-300)));
        }
      }
    }
  }
}

void QuantizedTrial::CompareAttention(
    std::size_t heads, std::size_t new_len,
    const std::vector<std::size_t>& left_pad) {
  AttentionInput input = {
      .sizes = {.batch = sizes_.batch,
                .heads = heads,
                .kv_heads = sizes_.kv_heads,
                .past_len = past_len_ - new_len,
                .new_len = new_len,
                .head_dim = sizes_.head_dim},
      .queries =
          RandomArray(exam_.Randomness(),
                      {sizes_.batch, heads, new_len, sizes_.head_dim}, 2.0F),
      .keys = held_keys_,
      .values = held_values_,
      .left_pad = left_pad};
  Case(fmt::format("attention of {} in {}{}", Count(new_len, "query token"),
                   Count(heads, "head"),
                   left_pad.empty() ? "" : ", rows padded"));
  CountedWork work(exam_);
  const Values answer =
      exam_.AskStudent("int8.attend", {cache_, input.queries, Ints(left_pad)});
  const Integers macs = work.Macs();
  const Array right = SlowAttention(input, Mistake::kNone);
  const Array& actual = exam_.Get<Array>(answer, 0);
  const double tolerance =
      ToleranceFor(input.sizes, exam_.Setting("tolerance"));
  const auto difference = Difference(actual, right, tolerance, kHeadAxes);
  if (difference) {
    const std::string hint = actual.shape == right.shape
                                 ? RecogniseMistake(actual, input, tolerance)
                                 : "";
    exam_.Fail("not attention over what the cache holds: " + *difference +
               (hint.empty() ? "" : "; " + hint));
  }
  CompareNoOtherWork(exam_, macs, WorkKind::kAttention);
  const auto [least, most] = WorkOf(input);
  CompareWork(exam_, macs, WorkKind::kAttention,
              {.least = least, .most = most});
}

void QuantizedTrial::FindScales() {
  const std::size_t heads = sizes_.batch * sizes_.kv_heads;
  key_scales_.clear();
  value_scales_.clear();
  for (std::size_t at = 0; at < heads; ++at) {
    for (std::size_t group = 0; group < CodedLen() / sizes_.group; ++group) {
      for (std::size_t d = 0; d < sizes_.head_dim; ++d) {
        key_scales_.push_back(KeyScale(at, group, d));
      }
    }
    for (std::size_t s = 0; s < past_len_; ++s) {
      value_scales_.push_back(ScaleOf(TokenOf(values_, at, s)));
    }
  }
}

double Norm(const std::vector<double>& numbers) {
  double sum = 0;
  for (const double number : numbers) sum += number * number;
  return std::sqrt(sum);
}

QuantizedTrial::Limits QuantizedTrial::LimitsOf(const Query& seen,
                                                const float* query) const {
  const auto [at, begin, end] = seen;
  const std::size_t head_dim = sizes_.head_dim;
  const double root = std::sqrt(static_cast<double>(head_dim));
  Limits limits = {.exact = std::vector<double>(head_dim, 0.0)};
  if (begin >= end) return limits;
  limits.sees = true;
  std::vector<double> scores;
  double max = -std::numeric_limits<double>::infinity();
  double delta = 0;
  double terms = 0;
  double value_error = 0;
  double size = 0;
  for (std::size_t s = begin; s < end; ++s) {
    double score = 0;
    double sum = 0;
    double change = 0;
    std::vector<double> value;
    for (std::size_t d = 0; d < head_dim; ++d) {
      const double term =
          double{query[d]} * double{keys_.values[Index(at, s, d)]} / root;
      score += term;
      sum += std::abs(term);
      if (s < CodedLen()) {
        const std::size_t group =
            at * (CodedLen() / sizes_.group) + s / sizes_.group;
        change +=
            std::abs(double{query[d]}) * key_scales_[group * head_dim + d] / 2;
      }
      value.push_back(double{values_.values[Index(at, s, d)]});
    }
    const double error = value_scales_[at * past_len_ + s] * root / 2;
    scores.push_back(score);
    max = std::max(max, score);
    terms = std::max(terms, sum);
    delta = std::max(delta, change);
    value_error = std::max(value_error, error);
    size = std::max(size, Norm(value));
  }
  double total = 0;
  for (double& score : scores) total += score = std::exp(score - max);
  for (std::size_t s = begin; s < end; ++s) {
    for (std::size_t d = 0; d < head_dim; ++d) {
      limits.exact[d] +=
          scores[s - begin] / total * double{values_.values[Index(at, s, d)]};
    }
  }
  limits.rounding = (64 + static_cast<double>(past_len_) +
                     (static_cast<double>(head_dim) + 8) * terms) *
                    0x1p-24 * size;
  // |v'| exceeds |v| by at most its error.
  const double held_size = size + value_error;
  limits.largest_bound =
      (std::min(2.0, std::exp(2 * delta / root) - 1) * held_size +
       value_error) *
          (1 + 0x1p-10) +
      held_size * 0x1p-16;
  return limits;
}

QuantizedTrial::Certified QuantizedTrial::CompareBounds(
    const Array& queries, const std::vector<std::size_t>& left_pad) {
  const std::size_t heads = queries.shape[1];
  const std::size_t new_len = queries.shape[2];
  const Question question = {cache_, queries, Ints(left_pad)};
  const Array bounds =
      exam_.Get<Array>(exam_.AskStudent("int8.bounds", question), 0);
  const Array attended =
      exam_.Get<Array>(exam_.AskStudent("int8.attend", question), 0);
  if (attended.shape != queries.shape ||
      bounds.shape != std::vector<std::size_t>{sizes_.batch, heads, new_len}) {
    exam_.Fail("there is not one output and one bound for each query");
  }
  FindScales();
  Certified certified;
  for (std::size_t i = 0; i < bounds.values.size(); ++i) {
    const std::size_t b = i / (heads * new_len);
    const std::size_t h = i / new_len % heads;
    const std::size_t end = past_len_ - new_len + i % new_len + 1;
    const Limits limits =
        LimitsOf({.at = b * sizes_.kv_heads + h / (heads / sizes_.kv_heads),
                  .begin = left_pad.empty() ? 0 : left_pad[b],
                  .end = end},
                 &queries.values[i * sizes_.head_dim]);
    const std::string where =
        fmt::format("batch row {}, head {}, query {}: ", b, h, i % new_len);
    const double bound = bounds.values[i];
    if (!std::isfinite(bound)) {
      exam_.Fail(where + "the bound is not a finite number");
    }
    std::vector<double> difference;
    for (std::size_t d = 0; d < sizes_.head_dim; ++d) {
      difference.push_back(double{attended.values[i * sizes_.head_dim + d]} -
                           limits.exact[d]);
    }
    const double error = Norm(difference);
    if (!limits.sees && (bound != 0 || error != 0)) {
      exam_.Fail(where + "it sees nothing, so its output and its bound are 0");
    }
    // Written so that a NaN fails.
    if (!(error <= bound * (1 + 0x1p-12) + limits.rounding)) {
      const std::string times = error > 1000 * bound
                                    ? "more than 1,000"
                                    : fmt::format("{:.2f}", error / bound);
      exam_.Fail(where + "the output is off by " + times + " times its bound");
    }
    if (bound > limits.largest_bound) {
      exam_.Fail(fmt::format(
          "{}the bound is {:.2f} times the largest that the header accepts: of "
          "the tokens that the query sees, with the scales of their ranges",
          where, bound / std::max(limits.largest_bound, 1e-300)));
    }
    certified.largest_error = std::max(certified.largest_error, error);
    certified.largest_bound = std::max(certified.largest_bound, bound);
  }
  return certified;
}

Sizes RandomSizes(Random& random) {
  return {.batch = 3,
          .max_seq_len = Between(random, 17, 29),
          .kv_heads = 2,
          .head_dim = Between(random, 3, 9),
          .group = Between(random, 3, 7)};
}

// Groups of one token, of some, of all but one, all, and one more.
std::vector<Sizes> SizesOfEveryGroup(Random& random) {
  std::vector<Sizes> all;
  const Sizes sizes = RandomSizes(random);
  for (const std::size_t group :
       {std::size_t{1}, std::size_t{2}, sizes.group, sizes.max_seq_len - 1,
        sizes.max_seq_len, sizes.max_seq_len + 1}) {
    all.push_back(sizes);
    all.back().group = group;
  }
  return all;
}

// Each size alone, and any two of them, beyond what 8 bits count, but not rows
// with heads: they would be as many threads, if each head had one. A group of
// hundreds of tokens becomes full.
std::vector<Sizes> LargeSizes(Random& random) {
  const auto large = [&] { return Between(random, 260, 280); };
  const std::vector<std::size_t Sizes::*> axes = {
      &Sizes::batch, &Sizes::kv_heads, &Sizes::head_dim, &Sizes::max_seq_len,
      &Sizes::group};
  std::vector<Sizes> all;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    for (std::size_t j = 0; j <= i; ++j) {
      if (axes[i] == &Sizes::kv_heads && i != j) continue;
      const std::size_t few = i == j ? 2 : 1;
      Sizes sizes = {.batch = few,
                     .max_seq_len = i == j ? Between(random, 8, 11) : 5,
                     .kv_heads = few,
                     .head_dim = few,
                     .group = 4};
      sizes.*axes[i] = large();
      sizes.*axes[j] = large();
      if (sizes.group > 4) sizes.max_seq_len = sizes.group + large();
      all.push_back(sizes);
    }
  }
  return all;
}

// Padding of each row: of row 0 none, then any that leaves a token.
std::vector<std::size_t> SpreadPadding(Random& random, const Sizes& sizes) {
  std::vector<std::size_t> left_pad = {0};
  while (left_pad.size() < sizes.batch) {
    left_pad.push_back(Between(random, 0, sizes.max_seq_len - 1));
  }
  return left_pad;
}

void HeldInCodes(Exam& exam) {
  Random& random = exam.Randomness();
  for (const Sizes& sizes : SizesOfEveryGroup(random)) {
    QuantizedTrial trial(exam, sizes);
    // One by one over two borders, none, then the rest in pieces.
    const std::size_t alone = std::min(2 * sizes.group + 1, std::size_t{9});
    for (std::size_t i = 0; i < alone; ++i) {
      trial.Case("tokens one by one");
      trial.Append(1);
      trial.CompareHeld();
    }
    trial.Case("an append of no tokens");
    trial.Append(0);
    const std::size_t left = sizes.max_seq_len - alone;
    for (const std::size_t piece : RandomPieces(random, left, 3)) {
      trial.Case("tokens in pieces");
      trial.Append(piece);
      trial.CompareHeld();
    }
  }
  QuantizedTrial trial(exam, RandomSizes(random));
  const std::size_t last = trial.Of().max_seq_len - 1;
  for (std::size_t d = 0; d < trial.Of().head_dim; ++d) {
    trial.ValueAt(1, last - 3, d) *= 1000;
    trial.ValueAt(4, 2, d) = 0;
    for (std::size_t s = 0; s <= last; ++s) {
      if (d == 0) trial.Key(2, s, d) *= 1000;
      if (d == 1) trial.Key(3, s, d) = 7.5F;
    }
  }
  trial.Case(
      "a channel a thousand times as large as the others, one of equal "
      "numbers, a token of large values and one of zeros");
  trial.Append(last + 1);
  trial.CompareHeld();
}

void LargeCaches(Exam& exam) {
  Random& random = exam.Randomness();
  for (const Sizes& sizes : LargeSizes(random)) {
    QuantizedTrial trial(exam, sizes);
    const std::size_t last = Between(random, 1, 3);
    trial.Case("large sizes");
    trial.Append(sizes.max_seq_len - last);
    trial.Append(last);
    trial.CompareHeld();
    const std::size_t heads = (sizes.kv_heads > 2 ? 1 : 2) * sizes.kv_heads;
    trial.CompareAttention(heads, 2, {});
    trial.CompareAttention(heads, 3, SpreadPadding(random, sizes));
  }
  // Hundreds of queries, after as many tokens or none, and hundreds of query
  // heads on one.
  struct Call {
    Sizes sizes;
    std::size_t heads = 0;
    std::size_t new_len = 0;
  };
  const std::size_t large = Between(random, 260, 280);
  for (const auto& [sizes, heads, new_len] :
       std::vector<Call>{{{3, 2 * large + 30, 2, 2, 3}, 4, large},
                         {{3, 2 * large + 30, 1, 2, large}, 2, large},
                         {{1, large + 5, 1, large, 3}, 1, large},
                         {{2, 9, 2, 3, 4}, 2 * large, 3},
                         {{2, large, 1, 3, 4}, large, 2},
                         {{2, 9, 1, large, 4}, large, 2}}) {
    QuantizedTrial trial(exam, sizes);
    trial.Case("large sizes");
    trial.Append(sizes.max_seq_len);
    trial.CompareHeld();
    trial.CompareAttention(heads, new_len, SpreadPadding(random, sizes));
  }
}

std::vector<std::size_t> Padding(Random& random, std::size_t tokens) {
  return {Between(random, 1, tokens / 2), 0, tokens - 1};
}

void AttendingToCodes(Exam& exam) {
  Random& random = exam.Randomness();
  for (const Sizes& sizes : SizesOfEveryGroup(random)) {
    QuantizedTrial trial(exam, sizes);
    const std::size_t first = Between(random, 4, 9);
    for (const std::size_t piece : {first, sizes.max_seq_len - first}) {
      trial.Case("tokens in pieces");
      trial.Append(piece);
      trial.CompareHeld();
      trial.CompareAttention(2, 1, {});
      trial.CompareAttention(6, Between(random, 2, 4),
                             Padding(random, trial.Len()));
      trial.CompareAttention(4, trial.Len(), Padding(random, trial.Len()));
    }
  }
}

// --- the bound ---

Array QueriesFor(Random& random, const Sizes& sizes, std::size_t heads,
                 std::size_t new_len) {
  return RandomArray(random, {sizes.batch, heads, new_len, sizes.head_dim},
                     2.0F);
}

// The bounds of small values, beside which nothing that is added to their size
// is small.
void CompareBoundsOfSmallValues(Exam& exam, const Sizes& sizes,
                                std::size_t heads, std::size_t new_len) {
  Random& random = exam.Randomness();
  QuantizedTrial trial(exam, sizes);
  for (std::size_t at = 0; at < sizes.batch * sizes.kv_heads; ++at) {
    for (std::size_t s = 0; s < sizes.max_seq_len; ++s) {
      for (std::size_t d = 0; d < sizes.head_dim; ++d) {
        trial.ValueAt(at, s, d) *= 1e-3F;
      }
    }
  }
  trial.Case("large sizes, small values");
  trial.Append(sizes.max_seq_len);
  trial.CompareBounds(QueriesFor(random, sizes, heads, new_len),
                      SpreadPadding(random, sizes));
}

void BoundsOfLargeCaches(Exam& exam) {
  Random& random = exam.Randomness();
  for (const Sizes& sizes : LargeSizes(random)) {
    CompareBoundsOfSmallValues(
        exam, sizes, (sizes.kv_heads > 2 ? 1 : 2) * sizes.kv_heads, 3);
  }
  // As many queries as tokens, and hundreds of query heads on one.
  const std::size_t large = Between(random, 260, 280);
  CompareBoundsOfSmallValues(exam, {3, large, 1, 2, 4}, 2, large);
  CompareBoundsOfSmallValues(exam, {1, large, 1, 2, large - 3}, 2, large);
  CompareBoundsOfSmallValues(exam, {1, large, 1, large, 4}, 1, large);
  CompareBoundsOfSmallValues(exam, {2, 9, 2, 3, 4}, 2 * large, 2);
  CompareBoundsOfSmallValues(exam, {2, 9, 1, large, 4}, large, 2);
}

void BoundsOfOrdinaryNumbers(Exam& exam) {
  Random& random = exam.Randomness();
  for (const Sizes& sizes : SizesOfEveryGroup(random)) {
    QuantizedTrial trial(exam, sizes);
    const std::size_t first = Between(random, 5, 12);
    for (const std::size_t piece : {first, sizes.max_seq_len - first}) {
      trial.Case("ordinary numbers");
      trial.Append(piece);
      for (const std::size_t new_len : {std::size_t{1}, trial.Len()}) {
        trial.Case("ordinary numbers");
        trial.CompareBounds(QueriesFor(random, sizes, 4, new_len), {});
        trial.Case("ordinary numbers, rows padded");
        std::vector<std::size_t> left_pad = Padding(random, trial.Len());
        trial.CompareBounds(QueriesFor(random, sizes, 4, new_len), left_pad);
        left_pad[1] = trial.Len() + Between(random, 0, 3);
        trial.Case("ordinary numbers, one row all padding");
        trial.CompareBounds(QueriesFor(random, sizes, 2, new_len), left_pad);
      }
    }
  }
  BoundsOfLargeCaches(exam);
}

// What a value's features are, beside a sign that two tokens do not share.
enum class Features { kRandom, kAllAlike, kFirstAlone, kLastAlone };

// In every row and head two tokens whose keys are half-way between two codes,
// one rounded up and one down. They are the last of their group, which is
// another one in each row; those that give it its range come before them, and
// are padding. Tokens of later groups, whose keys are exact, weigh nothing.
void CompareAttained(Exam& exam, const Sizes& sizes, std::size_t heads,
                     Features features) {
  Random& random = exam.Randomness();
  QuantizedTrial trial(exam, sizes);
  const std::size_t dim = sizes.head_dim;
  Array queries = QueriesFor(random, sizes, heads, 1);
  const float scale = random.NextUniform(0.01F, 0.02F);
  std::vector<float> signs;
  for (std::size_t d = 0; d < dim; ++d) {
    signs.push_back(random.NextUniform() < 0.5F ? 1.0F : -1.0F);
  }
  for (std::size_t i = 0; i < queries.values.size(); ++i) {
    queries.values[i] = signs[i % dim] * random.NextUniform(1, 3);
  }
  std::vector<std::size_t> left_pad;
  for (std::size_t at = 0; at < sizes.batch * sizes.kv_heads; ++at) {
    const std::size_t row = at / sizes.kv_heads;
    const std::size_t end =
        (row % (sizes.max_seq_len / sizes.group) + 1) * sizes.group;
    if (at % sizes.kv_heads == 0) left_pad.push_back(end - 2);
    for (std::size_t d = 0; d < dim; ++d) {
      for (std::size_t s = end - sizes.group; s < sizes.max_seq_len; ++s) {
        float value = (s + d) % 2 == 0 ? 1.0F : -1.0F;
        if (features != Features::kRandom) {
          const bool counts =
              features == Features::kAllAlike ||
              d == (features == Features::kFirstAlone ? 0 : dim - 1);
          value = counts ? (s % 2 == 0 ? 1.0F : -1.0F) : 0.0F;
        }
        trial.ValueAt(at, s, d) = value;
        trial.Key(at, s, d) = s < end ? 0 : -50 * signs[d];
      }
      // The range is that of codes 0 to 255, and 0 is half-way.
      trial.Key(at, end - 4, d) = -127.5F * scale;
      trial.Key(at, end - 3, d) = 127.5F * scale;
      // In every second channel they get the same code, and in the others
      // change places: the scores are as far apart as before, the other way.
      const float step = scale * signs[d];
      const float other = d % 2 == 0 ? step : -step;
      trial.Key(at, end - 2, d) = 0.5F * other + 0.4999F * step;
      trial.Key(at, end - 1, d) = 0.5F * step - 0.4999F * step;
    }
  }
  trial.Case(
      "two keys half-way between codes, so that their scores come "
      "nearer to each other than for any others");
  trial.Append(sizes.max_seq_len);
  trial.CompareBounds(queries, left_pad);
}

// An outlier in one channel; queries that use it, and that hardly do.
void CompareOutliers(Exam& exam) {
  Random& random = exam.Randomness();
  const Sizes sizes = RandomSizes(random);
  QuantizedTrial trial(exam, sizes);
  for (std::size_t at = 0; at < 6; ++at) {
    trial.Key(at, Between(random, 0, sizes.group - 1), 0) = -3e3F;
    for (std::size_t s = 0; s < sizes.max_seq_len; ++s) {
      trial.Key(at, s, 1) *= 500;
    }
    trial.ValueAt(at, Between(random, 0, sizes.max_seq_len - 1), 2) = 2e3F;
  }
  trial.Case("outliers in one channel");
  trial.Append(sizes.max_seq_len);
  Array queries = QueriesFor(random, sizes, 4, 3);
  trial.CompareBounds(queries, {});
  for (std::size_t i = 0; i < queries.values.size(); ++i) {
    if (i % sizes.head_dim < 2) queries.values[i] *= 2e-4F;
  }
  trial.Case("outliers in one channel, which queries hardly use");
  trial.CompareBounds(queries, {});
  trial.CompareBounds(queries, Padding(random, sizes.max_seq_len));
}

void CompareConstants(Exam& exam, float key, float value) {
  Random& random = exam.Randomness();
  const Sizes sizes = RandomSizes(random);
  QuantizedTrial trial(exam, sizes);
  for (std::size_t at = 0; at < 6; ++at) {
    for (std::size_t s = 0; s < sizes.max_seq_len; ++s) {
      for (std::size_t d = 0; d < sizes.head_dim; ++d) {
        trial.Key(at, s, d) = key * static_cast<float>(1 + d);
        trial.ValueAt(at, s, d) = value * static_cast<float>(1 + s % 3);
      }
    }
  }
  trial.Case("channels and tokens of equal numbers");
  trial.Append(sizes.max_seq_len);
  trial.CompareBounds(QueriesFor(random, sizes, 2, 3), {});
}

void CompareScales(Exam& exam, float size) {
  Random& random = exam.Randomness();
  const Sizes sizes = RandomSizes(random);
  QuantizedTrial trial(exam, sizes);
  for (std::size_t at = 0; at < 6; ++at) {
    for (std::size_t s = 0; s < sizes.max_seq_len; ++s) {
      for (std::size_t d = 0; d < sizes.head_dim; ++d) {
        trial.Key(at, s, d) *= size;
        trial.ValueAt(at, s, d) *= size;
      }
    }
  }
  Array queries = QueriesFor(random, sizes, 4, 3);
  for (float& query : queries.values) query /= size;
  trial.Case(size > 1 ? "huge keys and values" : "tiny keys and values");
  trial.Append(sizes.max_seq_len);
  trial.CompareBounds(queries, {});
}

// Large keys and values where some queries do not look: in the padding, and
// after them.
void CompareUnseen(Exam& exam) {
  Random& random = exam.Randomness();
  const Sizes sizes = RandomSizes(random);
  QuantizedTrial trial(exam, sizes);
  const std::size_t pad = sizes.group + Between(random, 0, 2);
  for (std::size_t d = 0; d < sizes.head_dim; ++d) {
    for (const std::size_t s : {sizes.group - 1, sizes.max_seq_len - 1}) {
      for (std::size_t at = 0; at < 6; ++at) {
        trial.Key(at, s, d) *= 40;
        trial.ValueAt(at, s, d) *= 40;
      }
    }
  }
  trial.Case("large numbers in the padding, and after some queries");
  trial.Append(sizes.max_seq_len);
  trial.CompareBounds(
      QueriesFor(random, sizes, 4, sizes.max_seq_len - sizes.group),
      {pad, 0, sizes.group});
}

void BoundsOfAdversarialNumbers(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t head_dim :
       {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{5},
        std::size_t{9}, Between(random, 66, 70), Between(random, 260, 280)}) {
    for (const Features features :
         {Features::kRandom, Features::kAllAlike, Features::kFirstAlone,
          Features::kLastAlone}) {
      CompareAttained(exam, {3, 13, 2, head_dim, 4}, 4, features);
    }
  }
  for (const Sizes& sizes : LargeSizes(random)) {
    CompareAttained(exam, sizes, (sizes.kv_heads > 2 ? 1 : 2) * sizes.kv_heads,
                    Features::kAllAlike);
  }
  for (int round = 0; round < 3; ++round) {
    CompareOutliers(exam);
    CompareUnseen(exam);
  }
  CompareConstants(exam, 2.5F, -4);
  CompareConstants(exam, 0, 0);
  for (const float size : {1e20F, 1e12F, 1e-12F, 1e-20F}) {
    CompareScales(exam, size);
  }
}

void OrdinaryTightness(Exam& exam) {
  const Sizes sizes = {
      .batch = 200, .max_seq_len = 3, .kv_heads = 1, .head_dim = 6, .group = 3};
  QuantizedTrial trial(exam, sizes);
  Random& random = exam.Randomness();
  for (std::size_t at = 0; at < sizes.batch; ++at) {
    for (std::size_t s = 0; s < 3; ++s) {
      for (std::size_t d = 0; d < 6; ++d) {
        trial.Key(at, s, d) = random.NextUniform(-1, 1);
      }
    }
  }
  trial.Case("ordinary numbers");
  trial.Append(3);
  const QuantizedTrial::Certified certified = trial.CompareBounds(
      RandomArray(random, {sizes.batch, 16, 1, sizes.head_dim}, 0.5F), {});
  const double times = exam.Setting("times");
  if (certified.largest_bound > times * certified.largest_error) {
    exam.Fail(fmt::format(
        "of {} queries the largest bound is {:.1f} times the largest error; a "
        "bound that says something is at most {:.0f} times that here",
        sizes.batch * 16, certified.largest_bound / certified.largest_error,
        times));
  }
}

// --- memory and refusals ---

// Memory as it is seen from outside, in a worker that keeps what it frees.
Verdict MemoryOfCodes(Exam& exam) {
  constexpr Sizes kSizes = {.batch = 1,
                            .max_seq_len = 16'400,
                            .kv_heads = 4,
                            .head_dim = 64,
                            .group = 64};
  constexpr double kMib = 1 << 20;
  Random& random = exam.Randomness();
  exam.AllAnswerers().student->Restart();
  exam.AskStudent("memory.keep_freed", {});
  const std::int64_t seed = RandomSeed(random);
  const Array queries = RandomArray(random, {1, 8, 1, 64});
  const auto fill = [&](const Sizes& sizes) {
    exam.Case(SizesText(sizes));
    const Pair cache = exam.Make("int8.cache", {sizes.List()});
    exam.AskStudent("int8.fill", {cache, seed, Int(40)});
    exam.AskStudent("int8.attend", {cache, queries, Integers()});
    return cache;
  };
  Sizes few = kSizes;
  few.max_seq_len = 130;
  fill(few);  // what calls need whatever there is to hold
  const double before = ResidentMib(exam);
  const Pair cache = fill(kSizes);
  const double grown = ResidentMib(exam) - before;
  const Values bounds =
      exam.AskStudent("int8.bounds", {cache, queries, Integers()});
  const Values attended =
      exam.AskStudent("int8.attend", {cache, queries, Integers()});
  exam.AllAnswerers().student->Restart();
  const Parts parts = BytesOf(kSizes);
  const double held =
      static_cast<double>(kSizes.kv_heads *
                          (parts.codes + parts.ranges + parts.tail)) /
      kMib;
  const double floats =
      static_cast<double>(2 * kSizes.kv_heads * kSizes.max_seq_len *
                          kSizes.head_dim * sizeof(float)) /
      kMib;
  const std::string measured = fmt::format(
      "{:.1f} MiB more memory with {} tokens held; codes, ranges and tail take "
      "{:.1f} MiB, float32 would take {:.1f}",
      grown, kSizes.max_seq_len, held, floats);
  const bool small = grown <= held + exam.Setting("slack_mib");
  exam.NoteCost(small);
  exam.Case("");
  if (!small) {
    exam.Fail("the process holds more than the cache's bytes: " + measured +
              ". Nothing else may be kept of the keys and values, and a call "
              "decodes a group at a time");
  }
  exam.AskReference("int8.fill", {cache, seed, Int(40)});
  for (const auto& [operation, answer] :
       {std::pair{"int8.attend", attended}, std::pair{"int8.bounds", bounds}}) {
    const Values right =
        exam.AskReference(operation, {cache, queries, Integers()});
    const Array& actual = exam.Get<Array>(answer, 0);
    const Array& expected = exam.Get<Array>(right, 0);
    if (operation == std::string("int8.attend")) {
      CompareArrays(exam, actual, expected, kHeadAxes);
    } else if (actual.shape != expected.shape ||
               std::ranges::any_of(actual.values, [](float bound) {
                 return !std::isfinite(bound) || bound < 0;
               })) {
      exam.Fail("there is not a finite bound for each query");
    }
  }
  return {.share = 1, .came_back = "", .measured = measured};
}

void RefusalsOfCodes(Exam& exam) {
  Random& random = exam.Randomness();
  const Sizes sizes = {
      .batch = 2, .max_seq_len = 9, .kv_heads = 2, .head_dim = 5, .group = 4};
  QuantizedTrial trial(exam, sizes);
  trial.Case("before calls that are refused");
  trial.Append(7);
  trial.CompareHeld();
  exam.Case("");
  const auto tokens = [&](const std::vector<std::size_t>& shape) {
    return RandomArray(random, shape);
  };
  const auto refuse = [&](const std::vector<std::size_t>& keys,
                          const std::vector<std::size_t>& values,
                          const std::string& what) {
    exam.ExpectRefusal("int8.append",
                       {trial.Cache(), tokens(keys), tokens(values)}, what);
  };
  refuse({2, 2, 3, 5}, {2, 2, 3, 5}, "3 more tokens in a cache of 9 with 7");
  refuse({2, 2, 2, 5}, {2, 2, 1, 5}, "keys of 2 tokens and values of 1");
  refuse({2, 2, 1, 6}, {2, 2, 1, 6}, "keys of another head_dim");
  refuse({2, 4, 1, 5}, {2, 4, 1, 5}, "keys of other heads");
  refuse({3, 2, 1, 5}, {3, 2, 1, 5}, "keys of other rows");
  for (const char* operation : {"int8.attend", "int8.bounds"}) {
    const auto refuse_queries = [&](const std::vector<std::size_t>& shape,
                                    const Integers& left_pad,
                                    const std::string& what) {
      exam.ExpectRefusal(operation, {trial.Cache(), tokens(shape), left_pad},
                         what);
    };
    refuse_queries({2, 3, 1, 5}, {}, "3 query heads on 2 key/value heads");
    refuse_queries({2, 4, 1, 4}, {}, "queries of another head_dim");
    refuse_queries({1, 4, 1, 5}, {}, "queries of other rows");
    refuse_queries({2, 4, 8, 5}, {}, "8 queries over 7 tokens");
    refuse_queries({2, 4, 1, 5}, {0, 0, 0}, "left_pad of 3 entries for 2 rows");
  }
  for (std::size_t size = 0; size < 5; ++size) {
    Integers wrong = sizes.List();
    wrong[size] = 0;
    exam.ExpectRefusal("int8.bytes", {wrong}, "the bytes of a size of 0");
  }
  trial.Case("after calls that were refused");
  trial.CompareHeld();
  trial.Append(2);
  trial.CompareHeld();
  trial.CompareAttention(4, 2, {});
  trial.CompareBounds(QueriesFor(random, sizes, 4, 2), {});
}

const RegisterChecks kQuantizedChecks({
    AllOrNothing("int8.codes", {}, Codes),
    AllOrNothing("int8.bytes", {}, BytesHeld),
    AllOrNothing("int8.held", {}, HeldInCodes),
    AllOrNothing("int8.attend", {"tolerance"}, AttendingToCodes),
    AllOrNothing("int8.sizes", {"tolerance"}, LargeCaches),
    AllOrNothing("int8.bound", {}, BoundsOfOrdinaryNumbers),
    AllOrNothing("int8.adversarial", {}, BoundsOfAdversarialNumbers),
    AllOrNothing("int8.tight", {"times"}, OrdinaryTightness),
    {"int8.memory", {"tolerance", "slack_mib"}, MemoryOfCodes},
    AllOrNothing("int8.refusals", {"tolerance"}, RefusalsOfCodes),
});

}  // namespace
}  // namespace kvlab::grading
