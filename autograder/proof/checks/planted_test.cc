// Errors that look plausible, planted one by one: the check must see each, and
// tell its author something useful.
#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/judges/01_attention/attention_input.h"
#include "autograder/proof/checks/fake_answerers.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

// As the solutions, but one operation answers otherwise.
Behaviour Instead(const std::string& operation, const Behaviour& other) {
  return [=](const Request& request, Endpoint& honest) {
    return request.operation == operation ? other(request, honest)
                                          : Honest(request, honest);
  };
}

// As the solutions, but the answer of one operation is changed.
Behaviour Changed(const std::string& operation,
                  const std::function<void(Values&)>& change) {
  return Instead(operation, [=](const Request& request, Endpoint& honest) {
    Reply reply = Honest(request, honest);
    if (reply.status == Status::kOk) change(reply.values);
    return reply;
  });
}

// As the solutions, but one operation does nothing.
Behaviour Ignoring(const std::string& operation) {
  return Instead(operation, [](const Request&, Endpoint&) { return Reply{}; });
}

// As the solutions, but what is refused is accepted.
Behaviour AcceptingAll() {
  return [](const Request& request, Endpoint& honest) {
    Reply reply = Honest(request, honest);
    if (reply.status == Status::kContractError) reply = Reply{};
    return reply;
  };
}

void ExpectCaught(const std::string& check, const FakeAnswerers& answerers,
                  const std::string& message) {
  const Verdict verdict = RunAgainst(CourseCheck(check), answerers);
  EXPECT_EQ(verdict.share, 0) << check;
  EXPECT_NE(verdict.came_back.find(message), std::string::npos)
      << check << ": " << verdict.came_back;
}

// --- attention ---

AttentionInput InputOf(const Request& request) {
  const auto array = [&](std::size_t i) {
    return std::get<Array>(request.arguments.at(i));
  };
  AttentionInput input = {.sizes = {},
                          .queries = array(0),
                          .keys = array(1),
                          .values = array(2),
                          .left_pad = {}};
  const auto& q = input.queries.shape;
  const auto& k = input.keys.shape;
  input.sizes = {.batch = q[0],
                 .heads = q[1],
                 .kv_heads = k[1],
                 .past_len = k[2] - q[2],
                 .new_len = q[2],
                 .head_dim = q[3]};
  for (const std::int64_t pad : std::get<Integers>(request.arguments.at(3))) {
    input.left_pad.push_back(static_cast<std::size_t>(pad));
  }
  return input;
}

FakeAnswerers AttentionWith(Mistake mistake) {
  return {.student = Instead(
              "attention.causal", [=](const Request& request, Endpoint&) {
                Reply reply;
                reply.values = {SlowAttention(InputOf(request), mistake)};
                return reply;
              })};
}

TEST(PlantedTest, MistakesOfAttentionAreNamed) {
  ExpectCaught("causal.full_pass", AttentionWith(Mistake::kNoMask),
               "attention without a mask");
  ExpectCaught("causal.full_pass", AttentionWith(Mistake::kNoScale),
               "not divided by sqrt(head_dim)");
  ExpectCaught("causal.chunk", AttentionWith(Mistake::kTopLeftMask),
               "aligned to the top left");
  ExpectCaught("causal.left_pad", AttentionWith(Mistake::kPadSeen),
               "left padding are seen");
  ExpectCaught("causal.grouped", AttentionWith(Mistake::kInterleavedKvHeads),
               "neighbours share a head");
}

TEST(PlantedTest, MistakesOfAttentionAreNamedWhereAllFeaturesMeet) {
  for (const auto& [mistake, message] :
       std::vector<std::pair<Mistake, std::string>>{
           {Mistake::kNoMask, "attention without a mask"},
           {Mistake::kNoScale, "not divided by sqrt(head_dim)"},
           {Mistake::kTopLeftMask, "aligned to the top left"},
           {Mistake::kPadSeen, "left padding are seen"},
           {Mistake::kInterleavedKvHeads, "neighbours share a head"}}) {
    ExpectCaught("causal.combined", AttentionWith(mistake), message);
  }
}

TEST(PlantedTest, AttentionThatForgetsOldKeysIsNamed) {
  const FakeAnswerers window = {
      .student =
          Instead("attention.causal", [](const Request& request, Endpoint&) {
            Reply reply;
            reply.values = {SlowAttention(
                InputOf(request), SeenKeys{.newest = 64, .end = 100'000})};
            return reply;
          })};
  ExpectCaught("causal.sizes", window, "the newest 64 keys only");
}

TEST(PlantedTest, CallsThatDisturbEachOtherAreCaught) {
  const FakeAnswerers shared = {
      .student = Changed("attention.causal_at_once", [](Values& values) {
        std::get<Array>(values.at(1)).values[7] += 1;
      })};
  ExpectCaught("causal.at_once", shared, "is one for all threads");
}

TEST(PlantedTest, AMistakeFailsItsCheckAndNoOther) {
  for (const char* check : {"causal.full_pass", "causal.left_pad",
                            "causal.grouped", "causal.views"}) {
    EXPECT_EQ(
        RunAgainst(CourseCheck(check), AttentionWith(Mistake::kTopLeftMask))
            .share,
        1)
        << check;
  }
}

// --- refusals ---

TEST(PlantedTest, WhateverAcceptsAllIsCaught) {
  const FakeAnswerers accepting = {.student = AcceptingAll()};
  for (const char* check :
       {"heads.refusals", "causal.refusals", "multi_head.refusals",
        "layer_norm.refusals", "mlp.refusals", "forward.refusals",
        "sampling.greedy", "sampling.sample", "generate.options",
        "memo.look_up", "bytes.overflow", "append.refusals",
        "truncate.refusals", "kv_cache.refusals", "kv_cache.combined",
        "cached.interrupted", "enable.refusals"}) {
    ExpectCaught(check, accepting, "was accepted");
  }
}

TEST(PlantedTest, WhateverRefusesTooLateIsCaught) {
  // appends first, then complains
  const FakeAnswerers late = {
      .student = Instead(
          "layer_cache.append", [](const Request& request, Endpoint& honest) {
            Reply reply = Honest(request, honest);
            if (reply.status == Status::kContractError) {
              honest.Call({"layer_cache.truncate",
                           {request.arguments[0], std::int64_t{1}}},
                          {});
            }
            return reply;
          })};
  ExpectCaught("append.refusals", late, "after a third token where there is");
}

// --- models ---

TEST(PlantedTest, AModelThatSeesTheFutureIsCaughtByName) {
  // each logit knows all tokens of the pass
  const FakeAnswerers leaking = {
      .student = Instead(
          "model.forward", [](const Request& request, Endpoint& honest) {
            Reply reply = Honest(request, honest);
            std::int64_t sum = 0;
            for (const auto id : std::get<Integers>(request.arguments.at(1))) {
              sum += id;
            }
            for (float& logit : std::get<Array>(reply.values.at(0)).values) {
              logit += 0.01F * static_cast<float>(sum);
            }
            return reply;
          })};
  ExpectCaught("forward.no_future", leaking, "the model sees the future");
}

TEST(PlantedTest, AModelThatIgnoresItsInputIsCaughtByName) {
  const FakeAnswerers constant = {
      .student = Changed("model.forward", [](Values& values) {
        std::ranges::fill(std::get<Array>(values[0]).values, 0.5F);
      })};
  ExpectCaught("forward.no_future", constant, "they do not depend on");
  ExpectCaught("forward.logits", constant,
               "the same numbers came back for every position");
}

TEST(PlantedTest, WorkThatIsNotNeededIsCaught) {
  // every pass counts as twice the work
  const FakeAnswerers wasteful = {
      .student = Changed("work.counted", [](Values& values) {
        for (std::int64_t& macs : std::get<Integers>(values[0])) macs *= 2;
      })};
  ExpectCaught("causal.work", wasteful, "is one made twice");
  ExpectCaught("multi_head.work", wasteful, "is one made twice");
  ExpectCaught("forward.work", wasteful, "is one made twice");
  ExpectCaught("cached.work", wasteful, "for queries, keys and values");
  ExpectCaught("forward.last_position", wasteful, "the head did");
  ExpectCaught("generate_cached.work", wasteful, "too large");
}

TEST(PlantedTest, WorkThatIsNotCountedIsCaught) {
  const FakeAnswerers silent = {
      .student = Changed("work.counted", [](Values& values) {
        for (std::int64_t& macs : std::get<Integers>(values[0])) macs = 0;
      })};
  for (const char* check : {"causal.work", "multi_head.work", "forward.work"}) {
    ExpectCaught(check, silent, "a loop in place of one calls CountMacs");
  }
}

// As the solutions, but one operation gets other arguments.
FakeAnswerers AskedOtherwise(const std::string& operation,
                             const std::function<void(Values&)>& change) {
  return {.student = [=](const Request& request, Endpoint& honest) {
    Request other = request;
    if (request.operation == operation) change(other.arguments);
    return Honest(other, honest);
  }};
}

TEST(PlantedTest, WhatAModelTakesForGrantedIsNamed) {
  const FakeAnswerers default_epsilon =
      AskedOtherwise("weights.random", [](Values& arguments) {
        if (arguments.size() > 3) arguments[3] = 1e-5;
      });
  ExpectCaught("block.combined", default_epsilon, "use an epsilon of 1e-5");
  ExpectCaught("forward.combined", default_epsilon, "use an epsilon of 1e-5");
  const FakeAnswerers tied =
      AskedOtherwise("weights.random", [](Values& arguments) {
        auto& variant = std::get<std::string>(arguments.at(2));
        const std::size_t at = variant.find(" untied");
        if (at != std::string::npos) variant.erase(at, 7);
      });
  ExpectCaught("forward.combined", tied, "the head is wte");
}

TEST(PlantedTest, AVarianceThatHasLostItsDigitsIsExplained) {
  const FakeAnswerers noisy = {
      .student = Changed("transformer.layer_norm", [](Values& values) {
        float& first = std::get<Array>(values.at(0)).values[3];
        first = 1.05F * first + 0.02F;
      })};
  ExpectCaught("layer_norm.far_from_zero", noisy, "subtract the mean first");
}

TEST(PlantedTest, WrongSamplingIsNamed) {
  const char* sample = "sampling.sample";
  const FakeAnswerers reaching = AskedOtherwise(sample, [](Values& arguments) {
    for (float& uniform : std::get<Array>(arguments.at(3)).values) {
      uniform = std::nextafter(uniform, -1.0F);
    }
  });
  ExpectCaught("sampling.boundaries", reaching,
               "not the one at which it reaches it");
  const FakeAnswerers lukewarm =
      AskedOtherwise(sample, [](Values& arguments) { arguments.at(1) = 1.0; });
  ExpectCaught("sampling.sample", lukewarm,
               "this is sampling at temperature 1");
  const FakeAnswerers unlimited = AskedOtherwise(sample, [](Values& arguments) {
    if (std::get<double>(arguments.at(1)) > 0) {
      arguments.at(2) = std::int64_t{0};
    }
  });
  ExpectCaught("sampling.sample", unlimited, "top_k is ignored");
  const FakeAnswerers greedy = AskedOtherwise(
      "sampling.next_tokens", [](Values& arguments) { arguments.at(1) = 0.0; });
  ExpectCaught("sampling.next_tokens", greedy, "these are the greedy choices");
}

TEST(PlantedTest, WrongSeedsAndOptionsOfGenerationAreNamed) {
  const char* generate = "generate.baseline";
  const FakeAnswerers short_seed =
      AskedOtherwise(generate, [](Values& arguments) {
        std::get<std::int64_t>(arguments.at(7)) &= 0xFFFFFFFF;
      });
  ExpectCaught("generate.options", short_seed, "lost its upper 32 bits");
  ExpectCaught("generate.combined", short_seed, "lost its upper 32 bits");
  const FakeAnswerers cold = AskedOtherwise(
      generate, [](Values& arguments) { arguments.at(5) = 0.0; });
  ExpectCaught("generate.options", cold, "these are the greedy tokens");
}

TEST(PlantedTest, ABaselineThatDoesNotRecomputeIsCaught) {
  const FakeAnswerers lazy = {
      .student = Changed("work.counted", [](Values& values) {
        for (std::int64_t& macs : std::get<Integers>(values[0])) macs /= 4;
      })};
  ExpectCaught("generate.recomputes", lazy, "too small");
}

TEST(PlantedTest, TokensOfTheWrongRowAreCaught) {
  const FakeAnswerers swapped = {
      .student = Changed("generate.cached", [](Values& values) {
        auto& tokens = std::get<Integers>(values[0]);
        std::rotate(tokens.begin(), tokens.begin() + 1, tokens.end());
      })};
  ExpectCaught("generate_cached.tokens", swapped,
               "is another one than the model chooses");
}

TEST(PlantedTest, TokensThatAreNotHandedOnAreCaught) {
  const FakeAnswerers silent = {
      .student = Changed("generate.cached", [](Values& values) {
        std::get<Integers>(values[1]).clear();
      })};
  ExpectCaught("generate_cached.tokens", silent, "on_tokens was not given");
}

// --- caches ---

TEST(PlantedTest, WhatForgetsToForgetIsCaught) {
  ExpectCaught("truncate.tokens", {.student = Ignoring("layer_cache.truncate")},
               "PastLen() is 7, which is too large");
  ExpectCaught("kv_cache.truncate", {.student = Ignoring("kv_cache.truncate")},
               "PastLen()");
  ExpectCaught("kv_cache.reset", {.student = Ignoring("kv_cache.reset")},
               "after Reset()");
  ExpectCaught("enable.reset", {.student = Ignoring("cached.reset")},
               "prompt 2 after Reset()");
  ExpectCaught("enable.disable", {.student = Ignoring("cached.disable")},
               "Enabled() is still true");
}

TEST(PlantedTest, ViewsThatMoveAreCaught) {
  std::int64_t moved = 0;
  const FakeAnswerers moving = {
      .student = Changed("layer_cache.storage", [&](Values& values) {
        std::get<Integers>(values[0])[0] += 64 * ++moved;
      })};
  ExpectCaught("views.stable", moving, "they are at different addresses");
}

TEST(PlantedTest, AttentionThatIgnoresItsCacheIsNamed) {
  std::int64_t heads = 0;
  const FakeAnswerers forgetful = {
      .student = [&](const Request& request, Endpoint& honest) {
        if (request.operation == "cached_attention.new") {
          heads = std::get<std::int64_t>(request.arguments.at(0));
        }
        if (request.operation != "cached_attention.forward") {
          return Honest(request, honest);
        }
        const Values& asked = request.arguments;  // weights, layer, x behind
        return honest.Call({"attention.multi_head",
                            {asked[1], asked[2], asked[3], heads, Integers()}},
                           {});
      }};
  ExpectCaught("cached.steps", forgetful, "the cache was not used");
  EXPECT_EQ(RunAgainst(CourseCheck("cached.prefill"), forgetful).share, 1);
}

TEST(PlantedTest, ACacheThatNestsIsCaught) {
  std::int64_t count = 0;
  const FakeAnswerers nesting = {
      .student = Changed("cached.state", [&](Values& values) {
        std::get<Integers>(values[0])[3] += ++count;
      })};
  ExpectCaught("enable.twice", nesting, "they refer to two caches");
}

// --- cost ---

// Counts what each call is said to cost, one after the other, and again from
// the first.
std::function<std::uint64_t()> Costs(std::vector<std::uint64_t> costs) {
  return [costs, next = std::size_t{0}]() mutable {
    return costs.at(next++ % costs.size());
  };
}

TEST(PlantedTest, StepsThatRecomputeAreCaughtByTheirGrowth) {
  ExpectCaught("cached.instructions",
               {.instructions = Costs({100'000, 200'000, 400'000, 810'000})},
               "a step at 256 tokens costs 8.1 times one at 32");
}

TEST(PlantedTest, CountsTooSmallForTheProductsAreCaught) {
  ExpectCaught("cached.instructions",
               {.instructions = Costs({1000, 1001, 1002, 1003})},
               "was tampered with");
}

TEST(PlantedTest, StepsThatGrowFasterThanLinearAreCaught) {
  ExpectCaught("cached.instructions",
               {.instructions = Costs({100'000, 104'000, 120'000, 184'000})},
               "grows faster than its number of tokens");
}

TEST(PlantedTest, StepsThatGrowLinearlyPass) {
  EXPECT_EQ(
      RunAgainst(CourseCheck("cached.instructions"),
                 {.instructions = Costs({98'000, 113'000, 143'000, 202'000,
                                         // one layer: step, attention, twice
                                         50'000, 10'000, 90'000, 48'000})})
          .share,
      1);
}

// Steps from token 256 on that take their time, under a counter that says
// nothing of it.
TEST(PlantedTest, CountsThatTimeContradictsAreCaught) {
  // Behaviours are copied, so their state is kept outside.
  const auto held = std::make_shared<std::size_t>(0);
  const Behaviour slow_when_long = [held](const Request& request,
                                          Endpoint& honest) {
    if (request.operation == "model.with_cache") *held = 0;
    if (request.operation == "model.forward") {
      *held += std::get<Integers>(request.arguments.at(1)).size();
      if (*held >= 256) {
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
      }
    }
    return honest.Call(request, {});
  };
  ExpectCaught("cached.instructions",
               {.student = slow_when_long,
                .instructions = Costs({98'000, 113'000, 143'000, 202'000})},
               "the count was tampered with, or the work was done elsewhere");
}

TEST(PlantedTest, StepsThatCopyWhatIsStoredAreCaught) {
  ExpectCaught("cached.instructions",
               {.instructions = Costs({98'000, 113'000, 143'000, 202'000,
                                       50'000, 10'000, 120'000, 48'000})},
               "a step copies or searches the stored tokens");
}

TEST(PlantedTest, ViewsAndTruncationsThatTouchTokensAreCaught) {
  ExpectCaught("views.cost", {.instructions = Costs({1000, 900, 9000, 900})},
               "the views cost more the more tokens are held");
  ExpectCaught("views.cost", {.instructions = Costs({1000, 900, 1001, 9000})},
               "forgetting tokens costs more the more are held");
  ExpectCaught("kv_cache.cost",
               {.instructions = Costs({1000, 900, 800, 1000, 900, 9000})},
               "Reset(): 800 instructions in a cache of 16 tokens");
}

TEST(PlantedTest, StepsThatAreNotCountedAreCaught) {
  // attention in loops of one's own, uncounted
  const FakeAnswerers uncounted = {
      .student = Changed("work.counted", [](Values& values) {
        std::get<Integers>(values[0])[1] = 0;
      })};
  ExpectCaught("cached.work", uncounted,
               "products in loops of your own are counted with CountMacs");
}

TEST(PlantedTest, CachesThatAreNeverFreedAreCaught) {
  ExpectCaught("enable.memory", {.frees_caches = false},
               "The last handle frees its cache");
}

TEST(PlantedTest, AWindowOfTheNewestKeysIsNamed) {
  // attention over the newest 512 keys, for single tokens
  std::int64_t heads = 0;
  Array all;
  const FakeAnswerers windowed = {.student = [&](const Request& request,
                                                 Endpoint& honest) {
    const Values& asked = request.arguments;
    if (request.operation == "cached_attention.new") {
      heads = std::get<std::int64_t>(asked.at(0));
      all = {};
    }
    Reply reply = Honest(request, honest);
    if (request.operation != "cached_attention.forward") return reply;
    const auto& x = std::get<Array>(asked.at(3));
    all.shape = {1, all.values.size() / x.shape[2] + x.shape[1], x.shape[2]};
    all.values.insert(all.values.end(), x.values.begin(), x.values.end());
    if (x.shape[1] != 1 || all.shape[1] <= 512) return reply;
    const auto hidden = static_cast<std::int64_t>(all.shape[1]) - 512;
    const Array whole = std::get<Array>(
        honest
            .Call({"attention.multi_head",
                   {asked[1], asked[2], all, heads, Integers{hidden}}},
                  {})
            .values.at(0));
    std::copy(whole.values.end() - static_cast<std::ptrdiff_t>(x.shape[2]),
              whole.values.end(),
              std::get<Array>(reply.values.at(0)).values.begin());
    return reply;
  }};
  ExpectCaught("cached.long", windowed,
               "this is attention over the newest 512 keys alone");
}

TEST(PlantedTest, ACallersCacheThatStaysFullIsCaught) {
  std::int64_t past_len = 0;
  const FakeAnswerers full = {
      .student = [&](const Request& request, Endpoint& honest) {
        Reply reply = Honest(request, honest);
        if (request.operation == "generate.cached") past_len = 12;
        if (request.operation == "cached.state") {
          std::get<Integers>(reply.values.at(0))[1] += past_len;
        }
        return reply;
      }};
  ExpectCaught("generate_cached.cleans_up", full,
               "a cache that the caller had enabled, after generating");
}

TEST(PlantedTest, ASecondHandleThatEmptiesTheCacheIsCaught) {
  bool enabled = false;
  const FakeAnswerers emptying = {
      .student = [&](const Request& request, Endpoint& honest) {
        Reply reply = Honest(request, honest);
        if (request.operation == "cached.enable" && enabled) {
          honest.Call({"cached.reset", reply.values}, {});
        }
        if (request.operation == "cached.enable") enabled = true;
        return reply;
      }};
  ExpectCaught("enable.twice", emptying,
               "the second handle is one to the same cache, with the tokens");
}

TEST(PlantedTest, DisablingThatEmptiesTheCacheIsCaught) {
  const FakeAnswerers emptying = {
      .student = Instead("cached.disable",
                         [](const Request& request, Endpoint& honest) {
                           Reply reply = Honest(request, honest);
                           honest.Call({"cached.reset", request.arguments}, {});
                           return reply;
                         })};
  ExpectCaught("enable.disable", emptying,
               "Disable() leaves the handle its cache");
}

TEST(PlantedTest, AppendsThatCopyAreCaught) {
  // two appends to each of two caches
  ExpectCaught("append.cost", {.instructions = Costs({9000, 3000, 9000, 9000})},
               "one token costs more the larger the cache");
}

TEST(PlantedTest, MemoryBesideTheFormulaIsCaught) {
  ExpectCaught("enable.memory", {.cache_growth = 2},
               "the cache's memory is not what the formula says");
  ExpectCaught("enable.memory", {.cache_growth = 0},
               "the cache's memory is not what the formula says");
}

TEST(PlantedTest, MemoryThatGrowsWhileDecodingIsCaught) {
  ExpectCaught("enable.memory", {.pass_growth = 100000},
               "memory grows while decoding");
}

// 30 kB for each of 40 passes stay within the slack of 2 MiB; by the time that
// half of a cache is full, they do not.
TEST(PlantedTest, MemoryThatGrowsSlowlyIsCaughtInACacheHalfFull) {
  ExpectCaught("enable.memory", {.pass_growth = 30000},
               "memory grows while decoding");
}

// As the solutions, but what is read back is not what was stored.
Behaviour ReadsBack(const std::function<float(float)>& change) {
  return Changed("cached.places", [change](Values& values) {
    for (Value& value : values) {
      for (float& x : std::get<Array>(value).values) x = change(x);
    }
  });
}

TEST(PlantedTest, KeysThatAreNotStoredAreCaught) {
  ExpectCaught("enable.memory",
               {.student = ReadsBack([](float) { return 0.0F; })},
               "keys read back from layer 0");
  ExpectCaught("enable.memory",
               {.student = ReadsBack([](float x) {
                  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) &
                                              ~std::uint32_t{0x1fff});
                })},
               "keys read back from layer 0");
}

// Each layer is read, and keys and values in each.
TEST(PlantedTest, OneOfManyThatIsNotStoredIsCaught) {
  const auto only = [](std::int64_t layer, std::size_t index) {
    return Instead(
        "cached.places", [=](const Request& request, Endpoint& honest) {
          Reply reply = Honest(request, honest);
          if (std::get<std::int64_t>(request.arguments.at(1)) == layer) {
            std::get<Array>(reply.values.at(index)).values[5] = 9;
          }
          return reply;
        });
  };
  ExpectCaught("enable.memory", {.student = only(3, 0)},
               "keys read back from layer 3");
  ExpectCaught("enable.memory", {.student = only(2, 1)},
               "values read back from layer 2");
}

// --- formulas and instruments ---

// As the solutions, but number `index` of one operation's answer is `factor`
// times as large.
FakeAnswerers Misreporting(const std::string& operation, std::size_t index,
                           double factor) {
  return {.student = Changed(operation, [=](Values& values) {
            if (auto* number = std::get_if<double>(&values.at(index))) {
              *number *= factor;
            } else if (auto* integer =
                           std::get_if<std::int64_t>(&values.at(index))) {
              *integer = static_cast<std::int64_t>(
                  static_cast<double>(*integer) * factor);
            } else {
              for (std::int64_t& each : std::get<Integers>(values.at(index))) {
                each = static_cast<std::int64_t>(static_cast<double>(each) *
                                                 factor);
              }
            }
          })};
}

TEST(PlantedTest, FormulasThatAreOffByAFactorAreToldTheFactor) {
  ExpectCaught("memory.shapes", Misreporting("memory.bytes", 0, 0.5),
               "bytes came back, 0.5 times what is right");
  ExpectCaught("cost.pass_work", Misreporting("cost.pass_work", 0, 2),
               "2 times what is right");
  ExpectCaught("cost.generation_traffic",
               Misreporting("cost.generation_traffic", 0, 3),
               "3 times what is right");
}

TEST(PlantedTest, ABenchmarkThatMisreportsItsRunIsCaught) {
  const char* operation = "benchmark.generation";
  ExpectCaught("benchmark.times", Misreporting(operation, 3, 0.99),
               "the time to the first token is 0.99 times what is right");
  ExpectCaught("benchmark.times", Misreporting(operation, 4, 0.5),
               "the total time is 0.5 times what is right");
  ExpectCaught("benchmark.times", Misreporting(operation, 5, 1.01),
               "the time per token is 1.01 times what is right");
  ExpectCaught("benchmark.run", Misreporting(operation, 6, 2),
               "tokens per second is 2 times what is right");
  ExpectCaught("benchmark.run", Misreporting(operation, 7, 2),
               "the work that was done meanwhile is");
  ExpectCaught("benchmark.memory", Misreporting(operation, 2, 0.5),
               "the memory before is");
}

TEST(PlantedTest, NumbersThatAreNearlyRightAreToldTheirDifference) {
  const FakeAnswerers off_by_two = {
      .student = Changed("memory.bytes", [](Values& values) {
        std::get<std::int64_t>(values.at(0)) -= 2;
      })};
  ExpectCaught("memory.large", off_by_two, "2 too small");
}

TEST(PlantedTest, NumbersBeyond31BitsThatWereAnIntAreCaught) {
  const Behaviour in_int = [](const Request& request, Endpoint& honest) {
    Reply reply = Honest(request, honest);
    for (Value& value : reply.values) {
      if (auto* number = std::get_if<std::int64_t>(&value)) {
        *number = static_cast<std::int32_t>(*number);
      }
    }
    return reply;
  };
  ExpectCaught("memory.large", {.student = in_int}, "a cache of 2^31 layers");
  ExpectCaught("memory.large_budgets", {.student = in_int},
               "a budget for about 2^31 tokens");
}

TEST(PlantedTest, RefusalsThatAreMissingAreCaughtInEachCheckOfThem) {
  for (const char* check :
       {"memory.overflow", "memory.refusals", "cost.pass_refusals",
        "cost.work_refusals", "cost.traffic_refusals", "benchmark.refusals",
        "summarise.spread", "compare.refusals", "power_law.refusals",
        "roofline.bandwidth", "roofline.place"}) {
    ExpectCaught(check, {.student = AcceptingAll()},
                 "was accepted; the header asks for a ContractError");
  }
}

// As the solutions, but two readings of a benchmark change places.
Behaviour ReadingInAnotherOrder(std::size_t a, std::size_t b) {
  return Changed("benchmark.generation", [=](Values& values) {
    auto& events = std::get<Integers>(values.at(8));
    std::swap(events.at(a), events.at(b));
  });
}

TEST(PlantedTest, ReadingsInAnotherOrderAreCaught) {
  const char* check = "benchmark.instruments";
  ExpectCaught(check, {.student = ReadingInAnotherOrder(0, 1)},
               "does not begin with a look at the memory");
  ExpectCaught(check, {.student = ReadingInAnotherOrder(2, 3)},
               "memory was read before the clock");
  ExpectCaught(check, {.student = ReadingInAnotherOrder(2, 4)},
               "on_tokens was called before the clock was read");
}

TEST(PlantedTest, AnExponentIsReportedBeforeItsFactor) {
  const Behaviour both = Changed("power_law.fit", [](Values& values) {
    std::get<double>(values.at(0)) *= 7;
    std::get<double>(values.at(1)) += 1;
  });
  ExpectCaught("power_law.exponent", {.student = both},
               "the exponent is off by 1,");
  ExpectCaught("power_law.exponent", Misreporting("power_law.fit", 0, 1.01),
               "the exponent is right, and the factor is 1.01 times");
}

TEST(PlantedTest, TrialsThatDoNotTakeTurnsAreCaught) {
  const Behaviour sorted = Changed("compare.run", [](Values& values) {
    std::ranges::sort(std::get<Integers>(values.at(0)));
  });
  ExpectCaught("compare.order", {.student = sorted}, "do not take turns");
}

TEST(PlantedTest, IntervalsOfAnotherWidthAreCaught) {
  ExpectCaught("power_law.interval", Misreporting("power_law.fit", 3, 1.001),
               "the width of the interval is");
  ExpectCaught("power_law.exponent", Misreporting("power_law.fit", 1, 1.001),
               "the exponent is off by");
}

TEST(PlantedTest, TheOtherRoofIsCaught) {
  const Behaviour other = Changed("roofline.place", [](Values& values) {
    auto& peak_binds = std::get<std::int64_t>(values.at(5));
    peak_binds = 1 - peak_binds;
  });
  ExpectCaught("roofline.place", {.student = other}, "the other roof binds");
}

// --- speed ---

Behaviour Taking(const std::string& operation, double seconds) {
  return Instead(operation, [=](const Request& request, Endpoint& honest) {
    Reply reply = Honest(request, honest);
    reply.seconds = seconds;
    return reply;
  });
}

double SpeedShare(double baseline_seconds, double student_seconds) {
  return RunAgainst(CourseCheck("speed.50"),
                    {.student = Taking("generate.cached", student_seconds),
                     .baseline = Taking("generate.baseline", baseline_seconds)})
      .share;
}

TEST(SpeedTest, PointsComeInTwoTiers) {
  EXPECT_EQ(SpeedShare(1.6, 1), 1);
  EXPECT_EQ(SpeedShare(1.3, 1), 0.5);
  EXPECT_EQ(SpeedShare(1.1, 1), 0);
}

// The others warm up.
bool IsTimed(const Request& request) {
  constexpr std::size_t kNewTokens = 4;  // its place among the arguments
  return std::get<std::int64_t>(request.arguments.at(kNewTokens)) ==
         kTimedTokens;
}

// The table asks for 1.5 and 1.2, of which nothing here is in reach.
Verdict SpeedBesideAReferenceOfOneSecond(double student_seconds) {
  return RunAgainst(CourseCheck("speed.50"),
                    {.student = Taking("generate.cached", student_seconds),
                     .baseline =
                         [](const Request& request, Endpoint& honest) {
                           Reply reply = Honest(request, honest);
                           reply.seconds = 1;
                           return reply;
                         },
                     .of_reference = 0.6});
}

TEST(SpeedTest, AShareOfWhatTheReferenceReachesIsEnough) {
  EXPECT_EQ(SpeedBesideAReferenceOfOneSecond(1.5).share, 1);    // 67 %
  EXPECT_EQ(SpeedBesideAReferenceOfOneSecond(1.9).share, 0.5);  // 53 %
  EXPECT_EQ(SpeedBesideAReferenceOfOneSecond(2.5).share, 0);    // 40 %
}

void ExpectMeasured(const Verdict& verdict, const std::string& text) {
  EXPECT_NE(verdict.measured.find(text), std::string::npos) << verdict.measured;
}

TEST(SpeedTest, TheReportSaysThatTheShareWasMetAndWhy) {
  ExpectMeasured(
      SpeedBesideAReferenceOfOneSecond(1.5),
      "met: full points by a share of the reference's speed (full points from "
      "60 %, half from 48 %), since the reference was 1.0 times as fast in the "
      "same pairs, and yours has 67 % of its speed; by the course's table "
      "(full points from 1.5, half from 1.2) it would be none: on this machine "
      "a cache gains less");
}

TEST(SpeedTest, TheReportSaysThatTheTableWasMet) {
  // Recomputing takes 1.6 s and the reference's cache 0.5 s.
  const Verdict verdict = RunAgainst(
      CourseCheck("speed.50"),
      {.student = Taking("generate.cached", 1),
       .baseline =
           [](const Request& request, Endpoint& honest) {
             Reply reply = Honest(request, honest);
             reply.seconds = request.operation == "generate.cached" ? 0.5 : 1.6;
             return reply;
           },
       .of_reference = 0.6});
  EXPECT_EQ(verdict.share, 1);
  ExpectMeasured(verdict,
                 "met: full points by the course's table (full points from "
                 "1.5, half from 1.2); by a share of the reference's speed "
                 "(full points from 60 %, half from 48 %) it would be half, "
                 "since the reference was 3.2 times as fast in the same pairs, "
                 "and yours has 50 % of its speed");
}

TEST(SpeedTest, TheReportSaysThatNeitherWasMet) {
  ExpectMeasured(SpeedBesideAReferenceOfOneSecond(2.5),
                 "met: neither the course's table (full points from 1.5, half "
                 "from 1.2) nor a share of the reference's speed");
}

// A reference whose own ratios are far apart decides nothing: neither points
// nor a zero.
TEST(SpeedTest, AThresholdThatNoisyRatiosLeaveOpenBlocksTheCheck) {
  std::size_t asked = 0;
  const Verdict verdict = RunAgainst(
      CourseCheck("speed.50"),
      {.student = Taking("generate.cached", 1),
       .baseline = [&](const Request& request, Endpoint& honest) {
         Reply reply = Honest(request, honest);
         const bool timed =
             request.operation == "generate.baseline" && IsTimed(request);
         reply.seconds = timed && asked++ % 2 == 0 ? 3 : 1;
         return reply;
       }});
  EXPECT_TRUE(verdict.blocked) << verdict.measured;
  EXPECT_NE(verdict.came_back.find("a threshold is in the interval"),
            std::string::npos)
      << verdict.came_back;
}

TEST(SpeedTest, ABaselineThatHadNoProcessorBlocksTheCheck) {
  const Verdict verdict =
      RunAgainst(CourseCheck("speed.50"),
                 {.student = Taking("generate.cached", 1),
                  .baseline = Taking("generate.baseline", 100),
                  .cpu_seconds = [] { return std::optional<double>(1); }});
  EXPECT_TRUE(verdict.blocked);
  EXPECT_NE(verdict.came_back.find("neither earned nor lost"),
            std::string::npos)
      << verdict.came_back;
}

// A baseline that waited for a processor looks slow: its pair counts for
// nothing, however fast the student's turn looks beside it.
TEST(SpeedTest, APairWhoseBaselineHadNoProcessorIsNotCounted) {
  double used = 0;        // processor time that each side reports
  std::size_t asked = 0;  // timed baselines
  const auto baseline = [&](const Request& request, Endpoint& honest) {
    Reply reply = Honest(request, honest);
    const bool recomputes = request.operation == "generate.baseline";
    if ((!recomputes && request.operation != "generate.cached") ||
        !IsTimed(request)) {
      return reply;
    }
    const bool starved = recomputes && asked++ < 2;
    reply.seconds = starved ? 100 : 1;
    used += starved ? 10 : 1;
    return reply;
  };
  const Verdict verdict =
      RunAgainst(CourseCheck("speed.50"),
                 {.student = Taking("generate.cached", 1),
                  .baseline = baseline,
                  .cpu_seconds = [&] { return std::optional<double>(used); }});
  EXPECT_FALSE(verdict.blocked) << verdict.came_back;
  EXPECT_EQ(verdict.share, 0) << verdict.measured;
  EXPECT_EQ(asked, 2U + 3U);
}

TEST(SpeedTest, AWorkerThatDoesNotRestEarnsNothing) {
  double used = 0;
  ExpectCaught("speed.50",
               {.baseline = Taking("generate.baseline", 1),
                .cpu_seconds = [&] { return std::optional<double>(++used); }},
               "goes on working between two calls");
}

// Else it could be judged again, with the reference's code for what is slow,
// and would earn more than one that is nearly fast enough.
TEST(SpeedTest, AnAnswerThatComesTooLateIsACostThatIsTooHigh) {
  const Verdict verdict = RunAgainst(
      CourseCheck("speed.50"),
      {.student = Instead("generate.cached",
                          [](const Request& request, Endpoint& honest) {
                            Reply reply = Honest(request, honest);
                            if (IsTimed(request)) {
                              reply.status = Status::kTimedOut;
                            }
                            return reply;
                          }),
       .baseline = Taking("generate.baseline", 1)});
  EXPECT_EQ(verdict.share, 0);
  EXPECT_NE(verdict.came_back.find("no answer within"), std::string::npos)
      << verdict.came_back;
  EXPECT_EQ(verdict.affordable, false);
}

TEST(SpeedTest, PairsAreAddedWhileTheyDisagree) {
  const std::vector<double> seconds = {0.5, 1, 0.5, 1, 0.5, 0.5, 0.5, 0.5, 0.5};
  std::size_t asked = 0;
  const Verdict verdict = RunAgainst(
      CourseCheck("speed.50"),
      {.student = Instead("generate.cached",
                          [&](const Request& request, Endpoint& honest) {
                            Reply reply = Honest(request, honest);
                            if (IsTimed(request)) {
                              reply.seconds = seconds[asked++ % seconds.size()];
                            }
                            return reply;
                          }),
       .baseline = Taking("generate.baseline", 1)});
  EXPECT_GT(asked, 3U);
  EXPECT_EQ(verdict.share, 1) << verdict.came_back;
}

TEST(SpeedTest, FastAndWrongEarnsNothing) {
  const FakeAnswerers wrong = {
      .student = Changed("generate.cached",
                         [](Values& values) {
                           auto& tokens = std::get<Integers>(values[0]);
                           tokens.back() = (tokens.back() + 1) % 1024;
                         }),
      .baseline = Taking("generate.baseline", 100)};
  ExpectCaught("speed.50", wrong, "not the one with the largest logit");
}

TEST(SpeedTest, IdsOutsideTheVocabularyAreRefused) {
  for (const std::int64_t id : {std::int64_t{-1}, std::int64_t{1024}}) {
    const FakeAnswerers wrong = {
        .student = Changed(
            "generate.cached",
            [id](Values& values) { std::get<Integers>(values[0])[2] = id; }),
        .baseline = Taking("generate.baseline", 100)};
    ExpectCaught("speed.50", wrong, "not in the vocabulary");
  }
}

TEST(SpeedTest, TooFewTokensEarnNothing) {
  const FakeAnswerers few = {
      .student = Changed(
          "generate.cached",
          [](Values& values) { std::get<Integers>(values[0]).pop_back(); }),
      .baseline = Taking("generate.baseline", 100)};
  ExpectCaught("speed.50", few, "tokens came back");
}

}  // namespace
}  // namespace kvlab::grading
