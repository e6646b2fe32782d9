// Module 3, tasks 3.2 to 3.4: the formula, append, views and truncate.
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/inputs.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "autograder/judges/03_memoization/cache_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// --- 3.2 ---

// As CacheShape calls them, in the order of TrialCacheShape.
constexpr std::array<const char*, 6> kSizeNames = {
    "batch",        "max_seq_len", "num_layers",
    "num_kv_heads", "head_dim",    "the size of an element"};

void CompareFormula(Exam& exam, const TrialCacheShape& shape,
                    std::size_t element_bytes) {
  const Values answer =
      exam.AskStudent("cache.formula", {shape.Sizes(), Int(element_bytes)});
  const auto actual =
      std::bit_cast<std::uint64_t>(exam.Get<std::int64_t>(answer, 0));
  const std::uint64_t expected = std::uint64_t{2} * shape.batch *
                                 shape.max_seq_len * shape.layers *
                                 shape.heads * shape.head_dim * element_bytes;
  if (actual == expected) return;
  if (expected == 0) {
    exam.Fail(
        fmt::format("{} bytes came back; a size of 0 makes 0 bytes", actual));
  }
  const double factor =
      static_cast<double>(actual) / static_cast<double>(expected);
  exam.Fail(
      std::abs(factor - 1) < 1e-4
          ? fmt::format("{} bytes came back, nearly what is right: the product "
                        "is exact only in 64-bit integers",
                        actual)
          : fmt::format("{} bytes came back, {:.4g} times what is right",
                        actual, factor));
}

void FormulaOfRandomShapes(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t element_bytes : {4, 2, 1, 4, 2}) {
    const TrialCacheShape shape = {.batch = Between(random, 2, 9),
                                   .max_seq_len = Between(random, 100, 5000),
                                   .layers = Between(random, 2, 99),
                                   .heads = Between(random, 2, 64),
                                   .head_dim = Between(random, 16, 128)};
    exam.Case(
        fmt::format("a random shape, {} bytes per element", element_bytes));
    CompareFormula(exam, shape, element_bytes);
  }
  // More digits than a double has, and each size beyond 32 bits in turn.
  exam.Case("five sizes that are large and odd");
  const auto odd = [&](std::size_t low, std::size_t high) {
    return 2 * Between(random, low, high) + 1;
  };
  CompareFormula(exam,
                 {.batch = odd(4000, 5000),
                  .max_seq_len = odd(400'000, 500'000),
                  .layers = odd(300, 400),
                  .heads = odd(300, 400),
                  .head_dim = odd(300, 400)},
                 1);
  for (std::size_t large = 0; large < 6; ++large) {
    std::array<std::size_t, 6> sizes = {2, 3, 5, 7, 11, 2};
    sizes.at(large) = (std::size_t{1} << 33U) + odd(0, 1000);
    exam.Case(large < 5 ? fmt::format("a cache with a size beyond 32 bits: {}",
                                      kSizeNames.at(large))
                        : "elements of more than 2^32 bytes each");
    CompareFormula(exam, {sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]},
                   sizes[5]);
  }
}

void FormulaOfKnownModels(Exam& exam) {
  struct Known {
    const char* name;
    TrialCacheShape shape;
    std::size_t element_bytes;
  };
  const std::array<Known, 6> known = {{
      {"DistilGPT2, 1024 tokens, fp32", {1, 1024, 6, 12, 64}, 4},
      {"GPT-2, 1024 tokens, fp32", {1, 1024, 12, 12, 64}, 4},
      {"Llama-2-7B, 4096 tokens, fp16", {1, 4096, 32, 32, 128}, 2},
      {"Llama-3-8B with its 8 key/value heads, 8192 tokens, fp16",
       {1, 8192, 32, 8, 128},
       2},
      {"Mistral-7B with its 8 key/value heads, 32768 tokens, fp16, batch 4",
       {4, 32768, 32, 8, 128},
       2},
      {"GPT-3 175B, 2048 tokens, fp32, batch 8", {8, 2048, 96, 96, 128}, 4},
  }};
  for (const Known& model : known) {
    exam.Case(model.name);
    CompareFormula(exam, model.shape, model.element_bytes);
  }
}

void FormulaOverflow(Exam& exam) {
  constexpr std::size_t kLarge = std::size_t{1} << 31U;
  // Whether 2^62 is exactly right is for the other checks to say.
  exam.Case("a cache of 2^62 bytes, which fit");
  const TrialCacheShape fits = {.batch = 1,
                                .max_seq_len = kLarge,
                                .layers = 1,
                                .heads = 1,
                                .head_dim = kLarge / 4};
  const Values answer =
      exam.AskStudent("cache.formula", {fits.Sizes(), Int(2)});
  if (exam.Get<std::int64_t>(answer, 0) < std::int64_t{1} << 59U) {
    exam.Fail("far too few bytes came back");
  }
  for (std::size_t zero = 0; zero < 6; ++zero) {
    std::array<std::size_t, 6> sizes{};
    sizes.fill(kLarge);
    sizes.at(zero) = 0;
    exam.Case(fmt::format("{} is 0 and every other size 2^31: the product fits",
                          kSizeNames.at(zero)));
    CompareFormula(exam, {sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]},
                   sizes[5]);
  }
  exam.Case("");
  const auto refuse = [&](const TrialCacheShape& shape,
                          std::size_t element_bytes, const std::string& what) {
    exam.ExpectRefusal("cache.formula", {shape.Sizes(), Int(element_bytes)},
                       what);
  };
  refuse({kLarge, kLarge, 1, 1, 1}, 4, "a cache of 2^65 bytes");
  refuse({1, kLarge, 1, 1, kLarge}, 2, "a cache of 2^64 bytes");
  // In 64 bits 5 * 10^19 is 13.1 * 10^18, more than every factor and partial
  // product.
  for (std::size_t first = 0; first < 6; ++first) {
    for (std::size_t second = 0; second < first; ++second) {
      std::array<std::size_t, 6> sizes = {1, 1, 1, 1, 1, 1};
      sizes.at(first) = 5'000'000'007;
      sizes.at(second) = 5'000'000'009;
      refuse({sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]}, sizes[5],
             fmt::format("a cache of 5 * 10^19 bytes ({} and {})",
                         kSizeNames.at(second), kSizeNames.at(first)));
    }
  }
  // Elements of hundreds of bytes
  refuse({kLarge, kLarge, 1, 1, 1}, 300,
         "a cache of 2^62 elements of 300 bytes");
  for (std::size_t large = 0; large < 5; ++large) {
    std::array<std::size_t, 5> sizes = {1, 1, 1, 1, 1};
    sizes.at(large) = std::size_t{1} << 62U;
    refuse(
        {sizes[0], sizes[1], sizes[2], sizes[3], sizes[4]}, 2,
        fmt::format("a {} of 2^62, 2^64 bytes in all,", kSizeNames.at(large)));
  }
}

// --- 3.3 ---

Handle NewLayerCache(Exam& exam, const TrialCacheShape& shape) {
  return exam.Get<Handle>(exam.AskStudent("layer_cache.new", {shape.Sizes()}),
                          0);
}

void Append(Exam& exam, Handle cache, const KeysAndValues& tokens) {
  exam.AskStudent("layer_cache.append", {cache, tokens.keys, tokens.values});
}

Values Read(Exam& exam, Handle cache) {
  return exam.AskStudent("layer_cache.read", {cache});
}

// Appends pieces one after the other and compares once, at the end.
void CompareAppended(Exam& exam, const TrialCacheShape& shape,
                     const std::vector<std::size_t>& pieces) {
  const Handle cache = NewLayerCache(exam, shape);
  const KeysAndValues all =
      RandomTokens(exam.Randomness(), shape, shape.max_seq_len);
  std::size_t past_len = 0;
  for (const std::size_t piece : pieces) {
    Append(exam, cache, Part(all, past_len, piece));
    past_len += piece;
  }
  CompareHeld(exam, Read(exam, cache), all, past_len);
}

void AppendingSteps(Exam& exam) {
  const TrialCacheShape shape = RandomCacheShape(exam.Randomness());
  for (const std::size_t tokens : {std::size_t{1}, shape.max_seq_len}) {
    exam.Case(fmt::format("{} appended one by one to a cache for {}",
                          Count(tokens, "token"), shape.max_seq_len));
    CompareAppended(exam, shape, std::vector<std::size_t>(tokens, 1));
  }
}

// Sizes that no small buffer holds; each cache is filled to its last token.
void AppendingToAllSizes(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialCacheShape large = LargeCacheShape(random);
  const TrialCacheShape one_row = {.batch = 1,
                                   .max_seq_len = Between(random, 1100, 1200),
                                   .layers = 1,
                                   .heads = 2,
                                   .head_dim = 2 * Between(random, 33, 40) + 1};
  const TrialCacheShape long_one = {
      .batch = 2,
      .max_seq_len = Between(random, 66'000, 67'000),
      .layers = 1,
      .heads = 1,
      .head_dim = 1};
  const TrialCacheShape many_heads = {.batch = 3,
                                      .max_seq_len = 9,
                                      .layers = 1,
                                      .heads = Between(random, 65, 70),
                                      .head_dim = 3};
  std::vector<TrialCacheShape> shapes = {large, one_row, long_one, many_heads};
  // Each axis beyond what 8 bits count.
  for (const auto axis : {&TrialCacheShape::batch, &TrialCacheShape::heads,
                          &TrialCacheShape::head_dim}) {
    shapes.push_back(
        {.batch = 2, .max_seq_len = 9, .layers = 1, .heads = 2, .head_dim = 3});
    shapes.back().*axis = Between(random, 260, 290);
  }
  shapes.push_back({.batch = 10,
                    .max_seq_len = Between(random, 260, 290),
                    .layers = 1,
                    .heads = 10,
                    .head_dim = 3});
  for (const TrialCacheShape& shape : shapes) {
    const std::size_t all = shape.max_seq_len;
    const std::size_t prompt = all * 7 / 10;
    const std::size_t chunk = (all - prompt - 1) * 2 / 3;
    const std::vector<std::size_t> pieces = {prompt, 1, chunk,
                                             all - prompt - 1 - chunk};
    exam.Case(fmt::format("{}: {} appended in pieces of {}", ShapeText(shape),
                          Count(all, "token"), PiecesText(pieces)));
    CompareAppended(exam, shape, pieces);
  }
}

void AppendingMany(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialCacheShape shape = RandomCacheShape(random);
  const std::size_t prompt = Between(random, 4, 5);
  exam.Case(fmt::format("a prompt of {} tokens, then 1, then 2", prompt));
  CompareAppended(exam, shape, {prompt, 1, 2});
  exam.Case("all tokens that the cache has room for, at once");
  CompareAppended(exam, shape, {shape.max_seq_len});
  exam.Case(
      "no tokens appended to an empty cache, to one that holds 4, and to "
      "a full one");
  CompareAppended(exam, shape, {0, 4, 0, shape.max_seq_len - 4, 0});
}

void AppendRefusals(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialCacheShape shape = RandomCacheShape(random);
  const Handle cache = NewLayerCache(exam, shape);
  const KeysAndValues all = RandomTokens(random, shape, shape.max_seq_len);
  const std::size_t held = shape.max_seq_len - 2;
  Append(exam, cache, Part(all, 0, held));
  CompareHeld(exam, Read(exam, cache), all, held);

  const auto refuse = [&](const Array& keys, const Array& values,
                          const std::string& what) {
    exam.Case("");
    exam.ExpectRefusal("layer_cache.append", {cache, keys, values}, what);
    exam.Case("after " + what + " was refused");
    CompareHeld(exam, Read(exam, cache), all, held);
  };
  const auto array = [&](TrialCacheShape other, std::size_t tokens) {
    return RandomTokens(random, other, tokens).keys;
  };
  const Array good = array(shape, 1);
  const Array three = array(shape, 3);
  refuse(three, three, "a third token where there is room for two");
  TrialCacheShape other = shape;
  other.batch += 1;
  refuse(array(other, 1), array(other, 1), "a batch row too many");
  other = shape;
  other.heads = 1;
  refuse(array(other, 1), array(other, 1), "one head instead of three");
  other = shape;
  other.head_dim -= 1;
  refuse(good, array(other, 1), "values with another head_dim than the keys");
  refuse(good, array(shape, 2), "one key but two values");
  refuse(array(shape, 2), good, "two keys but one value");
  refuse(good, array(shape, 0), "a key without a value");
  for (const bool more : {true, false}) {
    const auto off = [more](std::size_t size) {
      return more ? size + 1 : size - 1;
    };
    const std::string by = more ? "one more" : "one fewer";
    for (std::size_t axis = 0; axis < 3; ++axis) {
      other = shape;
      std::size_t& size = axis == 0   ? other.batch
                          : axis == 1 ? other.heads
                                      : other.head_dim;
      size = off(size);
      const char* name = axis == 0   ? "batch row"
                         : axis == 1 ? "head"
                                     : "feature";
      refuse(array(other, 1), good, fmt::format("keys of {} {}", by, name));
      refuse(good, array(other, 1), fmt::format("values of {} {}", by, name));
    }
  }

  exam.Case("the last two tokens after several refusals");
  Append(exam, cache, Part(all, held, 2));
  CompareHeld(exam, Read(exam, cache), all, shape.max_seq_len);
  exam.Case("");
  exam.ExpectRefusal("layer_cache.append", {cache, good, good},
                     "a token for a cache that is full");
  exam.Case("after a token for a full cache was refused");
  CompareHeld(exam, Read(exam, cache), all, shape.max_seq_len);
}

// --- 3.4 ---

void ViewsAreFresh(Exam& exam) {
  const TrialCacheShape shape = RandomCacheShape(exam.Randomness());
  const Handle cache = NewLayerCache(exam, shape);
  const KeysAndValues all =
      RandomTokens(exam.Randomness(), shape, shape.max_seq_len);
  exam.Case("a new cache");
  CompareHeld(exam, Read(exam, cache), all, 0);
  for (std::size_t past_len = 0; past_len < 6; ++past_len) {
    Append(exam, cache, Part(all, past_len, 1));
    exam.Case(
        fmt::format("views taken right after token {} was appended", past_len));
    CompareHeld(exam, Read(exam, cache), all, past_len + 1);
  }
}

void ViewsAreStable(Exam& exam) {
  const TrialCacheShape shape = RandomCacheShape(exam.Randomness());
  const Handle cache = NewLayerCache(exam, shape);
  const KeysAndValues all =
      RandomTokens(exam.Randomness(), shape, shape.max_seq_len);
  const auto places = [&] {
    return exam.GetIntegers(exam.AskStudent("layer_cache.storage", {cache}), 0,
                            10);
  };
  Append(exam, cache, Part(all, 0, 2));
  const Integers first = places();
  exam.Case("views taken twice, with nothing appended in between");
  if (places() != first) exam.Fail("they are at different addresses");
  for (std::size_t past_len = 2; past_len < shape.max_seq_len; ++past_len) {
    Append(exam, cache, Part(all, past_len, 1));
    exam.Case(fmt::format("views after token {} was appended", past_len));
    if (places() != first) {
      exam.Fail(
          "they lie elsewhere than before: what was stored has moved, or "
          "was copied for the view");
    }
  }
  CompareHeld(exam, Read(exam, cache), all, shape.max_seq_len);
}

void Truncating(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialCacheShape shape = RandomCacheShape(random);
  const Handle cache = NewLayerCache(exam, shape);
  KeysAndValues all = RandomTokens(random, shape, shape.max_seq_len);
  Append(exam, cache, Part(all, 0, 7));
  for (const std::size_t kept : {std::size_t{7}, Between(random, 2, 5)}) {
    exam.Case(fmt::format("truncated to {} tokens", kept));
    exam.AskStudent("layer_cache.truncate", {cache, Int(kept)});
    CompareHeld(exam, Read(exam, cache), all, kept);
  }
  exam.Case("truncated to 0 tokens, then filled with others");
  exam.AskStudent("layer_cache.truncate", {cache, std::int64_t{0}});
  CompareHeld(exam, Read(exam, cache), all, 0);
  all = RandomTokens(random, shape, shape.max_seq_len);
  Append(exam, cache, Part(all, 0, shape.max_seq_len));
  CompareHeld(exam, Read(exam, cache), all, shape.max_seq_len);
  // The same object, cut at every place; what follows is new each time.
  for (std::size_t kept = shape.max_seq_len; kept-- > 0;) {
    exam.Case(
        fmt::format("a full cache truncated to {}, then filled with "
                    "other tokens",
                    Count(kept, "token")));
    exam.AskStudent("layer_cache.truncate", {cache, Int(kept)});
    const std::size_t others = shape.max_seq_len - kept;
    const KeysAndValues next = RandomTokens(random, shape, others);
    Append(exam, cache, next);
    all = Joined(Part(all, 0, kept), next);
    CompareHeld(exam, Read(exam, cache), all, shape.max_seq_len);
  }
}

void TruncateRefusals(Exam& exam) {
  const TrialCacheShape shape = RandomCacheShape(exam.Randomness());
  const Handle cache = NewLayerCache(exam, shape);
  const KeysAndValues all = RandomTokens(exam.Randomness(), shape, 6);
  Append(exam, cache, Part(all, 0, 6));
  exam.AskStudent("layer_cache.truncate", {cache, std::int64_t{5}});
  for (const std::int64_t too_many : {6, 7, 1000000, -1}) {
    exam.Case("");
    exam.ExpectRefusal("layer_cache.truncate", {cache, too_many},
                       "keeping more tokens than are held");
    exam.Case("after keeping more tokens than are held was refused");
    CompareHeld(exam, Read(exam, cache), all, 5);
  }
}

const RegisterChecks kLayerCacheChecks({
    AllOrNothing("bytes.random_shapes", {}, FormulaOfRandomShapes),
    AllOrNothing("bytes.known_models", {}, FormulaOfKnownModels),
    AllOrNothing("bytes.overflow", {}, FormulaOverflow),
    AllOrNothing("append.steps", {}, AppendingSteps),
    AllOrNothing("append.many", {}, AppendingMany),
    AllOrNothing("append.sizes", {}, AppendingToAllSizes),
    AllOrNothing("append.refusals", {}, AppendRefusals),
    AllOrNothing("views.fresh", {}, ViewsAreFresh),
    AllOrNothing("views.stable", {}, ViewsAreStable),
    AllOrNothing("truncate.tokens", {}, Truncating),
    AllOrNothing("truncate.refusals", {}, TruncateRefusals),
});

}  // namespace

}  // namespace kvlab::grading
