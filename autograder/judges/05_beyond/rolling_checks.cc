// Module 5, task 5.6: a window of constant size, and sinks.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/compare.h"
#include "autograder/exam/difference.h"
#include "autograder/exam/inputs.h"
#include "autograder/exam/work_trial.h"
#include "autograder/judges/02_transformer/model_trial.h"
#include "autograder/judges/03_memoization/cache_trial.h"
#include "autograder/judges/05_beyond/forgetful_trial.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

struct TrialWindow {
  std::size_t newest = 0;
  std::size_t sinks = 0;

  std::size_t Slots() const { return newest + sinks; }
  // Where the key of a position is.
  std::size_t Slot(std::size_t position) const {
    return position < sinks ? position : sinks + (position - sinks) % newest;
  }
};

std::string WindowText(const TrialWindow& window) {
  return fmt::format("a window of {} and {}", window.newest,
                     Count(window.sinks, "sink"));
}

Handle NewLayer(Exam& exam, const ForgetfulSizes& sizes,
                const TrialWindow& window) {
  return exam.Get<Handle>(
      exam.AskStudent("rolling.new",
                      {Ints({sizes.batch, sizes.kv_heads, sizes.head_dim}),
                       Int(window.newest), Int(window.sinks)}),
      0);
}

// Names the window that a wrong answer is right for.
std::string RecogniseWindow(const Array& answer, const ForgetfulInput& input,
                            const TrialWindow& window, std::size_t begin,
                            double tolerance) {
  if (answer.shape.size() != 4) return "";
  const std::size_t count = answer.shape[2];
  if (begin + count > input.sizes.tokens) return "";
  const auto part = [&](std::size_t newest, std::size_t sinks) {
    return Slice(AttendedOf(input, WindowRule({newest, sinks})), 2, begin,
                 begin + count);
  };
  const Array right = part(window.newest, window.sinks);
  const std::size_t all = input.sizes.tokens;
  const std::vector<std::pair<TrialWindow, const char*>> hints = {
      {{window.newest + 1, window.sinks},
       "a token sees W tokens before it; with itself that is W + 1"},
      {{std::max<std::size_t>(window.newest, 2) - 1, window.sinks},
       "a token sees one token too few: itself and W - 1 before it"},
      {{all, 0}, "tokens beyond the window are seen"},
      {{window.newest, 0}, "the sinks are not seen any more"},
      {{window.newest, window.sinks + 1}, "there is one sink too many"}};
  for (const auto& [other, hint] : hints) {
    const Array wrong = part(other.newest, other.sinks);
    if (!Agree(wrong, right, tolerance) && Agree(answer, wrong, tolerance)) {
      return hint;
    }
  }
  return "";
}

// The sequence in calls of `pieces` tokens, each compared with full attention
// under the mask.
void ComparePieces(Exam& exam, const ForgetfulInput& input,
                   const TrialWindow& window,
                   const std::vector<std::size_t>& pieces) {
  const Array masked =
      AttendedOf(input, WindowRule({window.newest, window.sinks}));
  exam.Case(Describe(input) + "; " + WindowText(window));
  const Handle layer = NewLayer(exam, input.sizes, window);
  std::size_t begin = 0;
  for (const std::size_t piece : pieces) {
    const std::string about =
        fmt::format("{}; {}; {} after {}", Describe(input), WindowText(window),
                    Count(piece, "token"), begin);
    exam.Case(about);
    const Values answer = exam.AskStudent(
        "rolling.attend", TokensQuestion(layer, input, begin, piece));
    CompareArrays(exam, exam.Get<Array>(answer, 0),
                  Slice(masked, 2, begin, begin + piece), kHeadAxes,
                  [&](const Array& wrong) {
                    return RecogniseWindow(wrong, input, window, begin,
                                           exam.Setting("tolerance"));
                  });
    begin += piece;
    CompareNumber(exam, "PastLen()", exam.Get<std::int64_t>(answer, 1),
                  Int(begin),
                  "it counts the tokens of the sequence, held or not");
  }
}

std::vector<std::size_t> Steps(std::size_t tokens) {
  return std::vector<std::size_t>(tokens, 1);
}

// Calls of random lengths that add up to `tokens`, one of them longer than any
// small window.
std::vector<std::size_t> AnyPieces(Random& random, std::size_t tokens) {
  std::vector<std::size_t> pieces =
      RandomPieces(random, tokens, Between(random, 2, 5));
  if (random.NextBelow(2) == 0) pieces.push_back(0);
  return pieces;
}

// --- slots ---

void Slots(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t newest = Between(random, 3, 9);
  const std::size_t sinks = Between(random, 2, 5);
  for (const TrialWindow& window : std::vector<TrialWindow>{
           {newest, 0},
           {newest, sinks},
           {1, 0},
           {1, sinks},
           {Between(random, 260, 300), Between(random, 0, 3)},
           {newest, Between(random, 260, 300)}}) {
    std::vector<std::size_t> positions;
    for (std::size_t p = 0; p < 3 * window.newest + 4 && p < 40; ++p) {
      positions.push_back(p);
      positions.push_back(p + window.sinks);
    }
    for (int far = 0; far < 8; ++far) {
      positions.push_back(Between(random, 500, 100'000));
    }
    positions.push_back((std::size_t{1} << 33U) + Between(random, 0, 99));
    for (const std::size_t position : positions) {
      exam.Case(fmt::format("{}, position {}", WindowText(window), position));
      const Values answer = exam.AskStudent(
          "rolling.slot",
          {Int(window.newest), Int(window.sinks), Int(position)});
      CompareNumber(exam, "SlotOf", exam.Get<std::int64_t>(answer, 0),
                    Int(window.Slot(position)),
                    position < window.sinks
                        ? "a sink keeps the slot of its position"
                        : "the slots after the sinks are taken in turn, W of "
                          "them");
    }
  }
  exam.Case("");
  exam.ExpectRefusal("rolling.slot", {Int(0), Int(2), Int(5)},
                     "a window of 0 tokens");
}

// What is in the slots of each row, to the bit.
void CompareHeld(Exam& exam, Handle layer, const ForgetfulInput& input,
                 const TrialWindow& window, std::size_t given) {
  for (std::size_t b = 0; b < input.sizes.batch; ++b) {
    const std::size_t pad = input.left_pad.empty() ? 0 : input.left_pad[b];
    const std::size_t tokens = given - std::min(given, pad);
    const std::size_t held = std::min(tokens, window.Slots());
    exam.Case(fmt::format("{}; {}; {} of a row given, without padding",
                          Describe(input), WindowText(window),
                          Count(tokens, "token")));
    const Values answer =
        exam.AskStudent("rolling.held", {layer, Int(b), Int(held)});
    const auto expected = [&](const Array& all) {
      Array slots = {
          .shape = {input.sizes.kv_heads, held, input.sizes.head_dim},
          .values = std::vector<float>(input.sizes.kv_heads * held *
                                       input.sizes.head_dim)};
      for (std::size_t g = 0; g < input.sizes.kv_heads; ++g) {
        for (std::size_t p = 0; p < tokens; ++p) {
          const std::size_t from =
              ((b * input.sizes.kv_heads + g) * input.sizes.tokens + pad + p) *
              input.sizes.head_dim;
          const std::size_t to =
              (g * held + window.Slot(p)) * input.sizes.head_dim;
          std::copy_n(all.values.begin() + Int(from), input.sizes.head_dim,
                      slots.values.begin() + Int(to));
        }
      }
      return slots;
    };
    const Axes axes = {"head", "slot", "feature"};
    const auto compare = [&](std::size_t index, const Array& all,
                             const char* name) {
      const auto difference =
          Difference(exam.Get<Array>(answer, index), expected(all), 0, axes);
      if (difference) exam.Fail(fmt::format("the {}: {}", name, *difference));
    };
    compare(0, input.keys, "keys in the slots");
    compare(1, input.values, "values in the slots");
  }
}

void Holding(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t round = 0; round < 4; ++round) {
    const TrialWindow window = {Between(random, 2, 5), round};
    ForgetfulInput input = RandomForgetfulInput(
        random, RandomForgetfulSizes(random, Between(random, 14, 18)));
    if (round % 2 == 1) PadRows(random, input);
    exam.Case(Describe(input) + "; " + WindowText(window));
    const Handle layer = NewLayer(exam, input.sizes, window);
    std::size_t given = 0;
    for (const std::size_t piece :
         RandomPieces(random, input.sizes.tokens, 5)) {
      exam.AskStudent("rolling.attend",
                      TokensQuestion(layer, input, given, piece));
      given += piece;
      CompareHeld(exam, layer, input, window, given);
    }
  }
}

// --- attention ---

void Stepping(Exam& exam) {
  Random& random = exam.Randomness();
  const std::size_t tokens = Between(random, 9, 12);
  const ForgetfulInput input =
      RandomForgetfulInput(random, RandomForgetfulSizes(random, tokens));
  for (const std::size_t newest : {std::size_t{1}, Between(random, 2, 5),
                                   tokens - 1, tokens, tokens + 1}) {
    for (const std::size_t sinks :
         {std::size_t{0}, std::size_t{1}, Between(random, 2, 4), tokens - 1,
          tokens, tokens + 1}) {
      ComparePieces(exam, input, {newest, sinks}, Steps(tokens));
    }
  }
}

void LongPieces(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t round = 0; round < 8; ++round) {
    const std::size_t tokens = Between(random, 15, 40);
    const TrialWindow window = {Between(random, 1, 6), round % 4};
    const ForgetfulInput input =
        RandomForgetfulInput(random, RandomForgetfulSizes(random, tokens));
    ComparePieces(exam, input, window,
                  round == 0 ? std::vector<std::size_t>{tokens}
                             : AnyPieces(random, tokens));
  }
}

void PaddedRows(Exam& exam) {
  Random& random = exam.Randomness();
  for (std::size_t round = 0; round < 6; ++round) {
    const std::size_t tokens = Between(random, 12, 20);
    ForgetfulSizes sizes = RandomForgetfulSizes(random, tokens);
    sizes.batch = 4;
    ForgetfulInput input = RandomForgetfulInput(random, sizes);
    PadRows(random, input);
    if (round == 5) input.left_pad[3] = tokens + 3;
    const TrialWindow window = {Between(random, 1, 5), round % 3};
    ComparePieces(exam, input, window,
                  round % 2 == 0 ? AnyPieces(random, tokens) : Steps(tokens));
  }
}

void AllSizes(Exam& exam) {
  Random& random = exam.Randomness();
  const auto large = [&] { return Between(random, 260, 290); };
  const std::size_t wide = Between(random, 260, 280);
  const ForgetfulSizes few = {
      .batch = 3, .heads = 4, .kv_heads = 2, .tokens = 9, .head_dim = 3};
  const TrialWindow narrow = {3, Between(random, 1, 2)};
  const auto with = [&](std::size_t ForgetfulSizes::*size, std::size_t number) {
    ForgetfulSizes sizes = few;
    sizes.*size = number;
    return sizes;
  };
  std::vector<std::pair<ForgetfulSizes, TrialWindow>> kinds = {
      {with(&ForgetfulSizes::tokens, 3 * large()),
       {large(), Between(random, 1, 4)}},
      {with(&ForgetfulSizes::tokens, 2 * large()),
       {Between(random, 3, 9), large()}},
      {with(&ForgetfulSizes::batch, large()), narrow},
      {with(&ForgetfulSizes::head_dim, large()), narrow},
      {with(&ForgetfulSizes::heads, 2 * large()), narrow},
      {few, narrow}};
  kinds.back().first.heads = 2 * (kinds.back().first.kv_heads = wide);
  // Two sizes at once. Hundreds of rows with hundreds of heads would be as many
  // threads, if each head had one.
  for (const auto& [newest, sinks] :
       {TrialWindow{258, 2}, TrialWindow{2, 258}}) {
    for (const auto& [heads, head_dim] :
         {std::pair{large(), std::size_t{1}}, {1, large()}}) {
      kinds.push_back({{.batch = 1,
                        .heads = heads,
                        .kv_heads = 1,
                        .tokens = 270,
                        .head_dim = head_dim},
                       {newest, sinks}});
    }
  }
  for (const auto& [batch, heads, kv_heads] :
       std::vector<std::array<std::size_t, 3>>{
           {large(), 1, 1}, {1, large(), 1}, {1, wide, wide}}) {
    kinds.push_back({{.batch = batch,
                      .heads = heads,
                      .kv_heads = kv_heads,
                      .tokens = 3,
                      .head_dim = large()},
                     narrow});
  }
  for (const auto& [sizes, window] : kinds) {
    ForgetfulInput input = RandomForgetfulInput(random, sizes);
    // Queries of size 4 over hundreds of features would see one key alone.
    if (sizes.head_dim > 64) {
      for (float& query : input.queries.values) query /= 8;
    }
    SpreadPadding(random, input);
    const std::size_t last = std::min<std::size_t>(sizes.tokens / 3, 270);
    ComparePieces(exam, input, window, {sizes.tokens - last - 1, last, 1});
  }
}

// --- in a model ---

void Positions(Exam& exam) {
  Random& random = exam.Randomness();
  constexpr std::size_t kTokens = 26;
  for (const TrialWindow& window :
       {TrialWindow{Between(random, 2, 4), 0},
        TrialWindow{Between(random, 1, 3), Between(random, 1, 3)}}) {
    const TrialModel model = MakeModel(exam, kTokens, "");
    TrialTokens tokens = RandomTrialTokens(exam, model, 3, kTokens);
    tokens.left_pad = RandomLeftPad(random, 3, kTokens);
    const Values masked = exam.AskReference(
        "rolling.masked_model",
        {model.weights, Int(window.newest), Int(window.sinks)});
    const Handle reference = exam.Get<Handle>(masked, 0);
    const Array expected = exam.Get<Array>(
        exam.AskReference("model.forward",
                          {reference, tokens.ids, Int(tokens.batch),
                           tokens.left_pad, Int(0)}),
        0);
    exam.Case(WindowText(window) + " in a model");
    const Values made = exam.AskStudent(
        "rolling.model", {model.weights, Int(window.newest), Int(window.sinks),
                          Int(tokens.batch)});
    const Handle student = exam.Get<Handle>(made, 0);
    std::vector<std::size_t> pieces = RandomPieces(random, kTokens - 4, 3);
    pieces.insert(pieces.end(), 4, 1);
    CompareForwards(exam, student, tokens, expected, pieces);
    const Values past = exam.AskStudent("model.past_len", {student});
    exam.Case(fmt::format("{} in a model, after {} tokens", WindowText(window),
                          kTokens));
    CompareNumber(exam, "PastLen()", exam.Get<std::int64_t>(past, 0),
                  Int(kTokens),
                  "it is the position of the next token, however few are held");
  }
}

// Logits of the last of `tokens`, through a new model of the student's.
Array LastLogits(Exam& exam, const TrialModel& model, std::size_t newest,
                 const TrialTokens& tokens, std::size_t prompt) {
  const Handle student = exam.Get<Handle>(
      exam.AskStudent("rolling.model",
                      {model.weights, Int(newest), Int(0), Int(1)}),
      0);
  Values answer;
  std::size_t begin = 0;
  for (std::size_t end = prompt; end <= tokens.SeqLen(); ++end) {
    const TrialTokens part = tokens.Part(begin, end);
    answer = exam.AskStudent(
        "model.forward", {student, part.ids, Int(1), part.left_pad, Int(1)});
    begin = end;
  }
  const Array& logits = exam.Get<Array>(answer, 0);
  const std::vector<std::size_t> shape = {1, 1, model.shape.vocab_size};
  if (logits.shape != shape || logits.values.size() != shape[2]) {
    exam.Fail("the logits have another shape");
  }
  return logits;
}

void ReceptiveField(Exam& exam) {
  Random& random = exam.Randomness();
  for (const std::size_t newest :
       {std::size_t{1}, std::size_t{2}, Between(random, 3, 5)}) {
    const TrialModel model = MakeModel(exam, 40, "");
    const std::size_t reach = model.shape.layers * (newest - 1);
    const std::size_t before = Between(random, 3, 8);
    const std::size_t last = reach + before;
    const TrialTokens tokens = RandomTrialTokens(exam, model, 1, last + 1);
    const auto logits_with = [&](std::size_t changed, std::int64_t by) {
      TrialTokens other = tokens;
      other.ids[changed] =
          (other.ids[changed] + by) % Int(model.shape.vocab_size);
      return LastLogits(exam, model, newest, other, before);
    };
    exam.Case(fmt::format("{}, a window of {}, {} and more",
                          Count(model.shape.layers, "layer"), newest,
                          Count(last, "token")));
    const Array logits = logits_with(0, 0);
    if (logits_with(last - reach, 1).values == logits.values) {
      exam.Fail(fmt::format(
          "the token {} before the last changes none of its logits: L layers "
          "see L (W - 1) tokens back",
          reach));
    }
    for (std::size_t s = 0; s + reach < last; ++s) {
      if (logits_with(s, 1).values != logits.values) {
        exam.Fail(fmt::format(
            "the token {} before the last changes its logits: L layers see "
            "L (W - 1) tokens back, here {}, and not a bit further",
            last - s, reach));
      }
    }
  }
}

// --- costs and refusals ---

Verdict RollingMemory(Exam& exam) {
  constexpr ForgetfulSizes kSizes = {
      .batch = 1, .heads = 2, .kv_heads = 2, .tokens = 0, .head_dim = 64};
  constexpr TrialWindow kWindow = {60, 4};
  constexpr std::size_t kCall = 16;
  constexpr std::size_t kCalls = 1500;
  constexpr double kMib = 1 << 20;
  exam.AllAnswerers().student->Restart();
  exam.Case(WindowText(kWindow));
  const Handle layer = NewLayer(exam, kSizes, kWindow);
  const auto stream = [&](std::size_t calls) {
    return exam.AskStudent("rolling.stream",
                           {layer, RandomSeed(exam.Randomness()), Int(calls),
                            Int(kCall), Int(kSizes.heads)});
  };
  const std::int64_t formula =
      Int(2 * kSizes.kv_heads * kWindow.Slots() * kSizes.head_dim * 4);
  const auto compare_bytes = [&](const std::string& when) {
    const Values answer = exam.AskStudent("rolling.bytes", {layer});
    exam.Case(WindowText(kWindow) + ", " + when);
    CompareNumber(exam, "Bytes()", exam.Get<std::int64_t>(answer, 0), formula);
  };
  compare_bytes("before the first token");
  stream(8);  // more tokens than there are slots
  const double before = ResidentMib(exam);
  stream(kCalls);
  const double grown = ResidentMib(exam) - before;
  exam.AllAnswerers().student->Restart();
  const double all = 2.0 * kSizes.kv_heads * kCall * kCalls * kSizes.head_dim *
                     sizeof(float) / kMib;
  const std::string measured = fmt::format(
      "{:.1f} MiB more memory after {} tokens; all of their keys and values "
      "would be {:.0f} MiB",
      grown, kCall * kCalls, all);
  const bool constant = grown <= exam.Setting("slack_mib");
  exam.NoteCost(constant);
  exam.Case("");
  if (!constant) {
    exam.Fail("memory grows with the tokens that the cache has been given: " +
              measured +
              ". What the window does not reach is overwritten, not kept");
  }
  return {.share = 1, .came_back = "", .measured = measured};
}

void RollingWork(Exam& exam) {
  Random& random = exam.Randomness();
  const TrialWindow window = {Between(random, 5, 9), Between(random, 1, 3)};
  const std::size_t tokens = Between(random, 90, 120);
  const ForgetfulInput input =
      RandomForgetfulInput(random, RandomForgetfulSizes(random, tokens));
  const ForgetfulSizes& sizes = input.sizes;
  exam.Case(Describe(input) + "; " + WindowText(window));
  const Handle layer = NewLayer(exam, sizes, window);
  const std::size_t pair = sizes.batch * sizes.heads * 2 * sizes.head_dim;
  std::size_t begin = 0;
  for (const std::size_t piece :
       {std::size_t{3}, tokens - 5, std::size_t{1}, std::size_t{1}}) {
    exam.Case(fmt::format("{}; {}; {} after {}", Describe(input),
                          WindowText(window), Count(piece, "token"), begin));
    CountedWork work(exam);
    exam.AskStudent("rolling.attend",
                    TokensQuestion(layer, input, begin, piece));
    const Integers macs = work.Macs();
    std::size_t seen = 0;
    for (std::size_t p = begin; p < begin + piece; ++p) {
      seen += std::min(p + 1, window.Slots());
    }
    CompareNoOtherWork(exam, macs, WorkKind::kAttention);
    CompareWork(exam, macs, WorkKind::kAttention,
                {.least = pair * seen,
                 .most = pair * piece * (window.sinks + 2 * window.newest)});
    begin += piece;
  }
}

void RollingRefusals(Exam& exam) {
  Random& random = exam.Randomness();
  ForgetfulSizes sizes = {
      .batch = 2, .heads = 4, .kv_heads = 2, .tokens = 14, .head_dim = 5};
  const TrialWindow window = {3, 1};
  const ForgetfulInput input = RandomForgetfulInput(random, sizes);
  const Array masked =
      AttendedOf(input, WindowRule({window.newest, window.sinks}));
  exam.Case(Describe(input) + "; " + WindowText(window));
  const Handle layer = NewLayer(exam, sizes, window);
  const auto array = [&](std::size_t heads, std::size_t tokens,
                         std::size_t head_dim) {
    return RandomArray(random, {2, heads, tokens, head_dim});
  };
  const auto refuse = [&](const Array& queries, const Array& keys,
                          const Array& values, const Integers& left_pad,
                          const std::string& what) {
    exam.Case("");
    exam.ExpectRefusal("rolling.attend",
                       {layer, queries, keys, values, left_pad}, what);
  };
  for (std::size_t begin = 0; begin < sizes.tokens; begin += 2) {
    const Array queries = array(4, 2, 5);
    const Array keys = array(2, 2, 5);
    refuse(array(3, 2, 5), keys, keys, {}, "3 query heads on 2");
    refuse(queries, array(4, 2, 5), keys, {}, "keys of 4 heads for 2");
    refuse(queries, keys, array(2, 3, 5), {}, "2 keys and 3 values");
    refuse(queries, keys, array(2, 2, 4), {}, "values of another head_dim");
    refuse(queries, keys, keys, {0, 0, 0}, "left_pad of 3 entries for 2 rows");
    exam.Case(
        fmt::format("2 tokens after {}, and calls that were refused", begin));
    const Values answer = exam.AskStudent(
        "rolling.attend", TokensQuestion(layer, input, begin, 2));
    CompareArrays(exam, exam.Get<Array>(answer, 0),
                  Slice(masked, 2, begin, begin + 2), kHeadAxes);
  }
  // Another sequence in the same layer begins at position 0.
  exam.AskStudent("rolling.reset", {layer});
  exam.Case("the first tokens after Reset()");
  const Values answer =
      exam.AskStudent("rolling.attend", TokensQuestion(layer, input, 0, 6));
  CompareArrays(exam, exam.Get<Array>(answer, 0), Slice(masked, 2, 0, 6),
                kHeadAxes);
}

const RegisterChecks kRollingChecks({
    AllOrNothing("rolling.slots", {}, Slots),
    AllOrNothing("rolling.held", {}, Holding),
    AllOrNothing("rolling.steps", {"tolerance"}, Stepping),
    AllOrNothing("rolling.pieces", {"tolerance"}, LongPieces),
    AllOrNothing("rolling.padding", {"tolerance"}, PaddedRows),
    AllOrNothing("rolling.sizes", {"tolerance"}, AllSizes),
    AllOrNothing("rolling.positions", {"tolerance"}, Positions),
    AllOrNothing("rolling.receptive_field", {}, ReceptiveField),
    {"rolling.memory", {"slack_mib"}, RollingMemory},
    AllOrNothing("rolling.work", {}, RollingWork),
    AllOrNothing("rolling.refusals", {"tolerance"}, RollingRefusals),
});

}  // namespace
}  // namespace kvlab::grading
