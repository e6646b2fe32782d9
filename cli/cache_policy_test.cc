// Tests the contract of cache_policy.h: every form of --cache, its edges, and
// what is no policy.
#include "modules/05_beyond/cache_policy.h"

#include <cstddef>
#include <cstdint>
#include <string>

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

// The largest number that a size can be, and one more.
constexpr const char* kLargest = "18446744073709551615";
constexpr const char* kTooLarge = "18446744073709551616";

std::string ErrorOf(const std::string& text) {
  try {
    ParseCachePolicy(text);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

TEST(ParseCachePolicyTest, WordsAlone) {
  EXPECT_EQ(ParseCachePolicy("full").kind, CacheKind::kFull);
  EXPECT_EQ(ParseCachePolicy("paged").kind, CacheKind::kPaged);
  EXPECT_EQ(ParseCachePolicy("int8").kind, CacheKind::kInt8);
  EXPECT_EQ(ParseCachePolicy("recompute").kind, CacheKind::kRecompute);
}

TEST(ParseCachePolicyTest, AWindowHasNoSinks) {
  const CachePolicy policy = ParseCachePolicy("window:64");
  EXPECT_EQ(policy.kind, CacheKind::kWindow);
  EXPECT_EQ(policy.window.newest, 64U);
  EXPECT_EQ(policy.window.sinks, 0U);
}

TEST(ParseCachePolicyTest, SinksComeBeforeTheNewest) {
  const CachePolicy policy = ParseCachePolicy("sinks:4+60");
  EXPECT_EQ(policy.kind, CacheKind::kSinks);
  EXPECT_EQ(policy.window.sinks, 4U);
  EXPECT_EQ(policy.window.newest, 60U);
}

TEST(ParseCachePolicyTest, HalfOfABudgetIsForTheNewestAndNeverNone) {
  const CachePolicy policy = ParseCachePolicy("evict:64");
  EXPECT_EQ(policy.kind, CacheKind::kEvict);
  EXPECT_EQ(policy.budget.tokens, 64U);
  EXPECT_EQ(policy.budget.newest, 32U);
  EXPECT_EQ(ParseCachePolicy("evict:1").budget.newest, 1U);
  EXPECT_EQ(ParseCachePolicy("evict:3").budget.newest, 2U);
}

TEST(ParseCachePolicyTest, ReadsEverySize) {
  EXPECT_EQ(ParseCachePolicy("window:1").window.newest, 1U);
  EXPECT_EQ(ParseCachePolicy(std::string("window:") + kLargest).window.newest,
            SIZE_MAX);
  EXPECT_EQ(ParseCachePolicy(std::string("evict:") + kLargest).budget.newest,
            SIZE_MAX / 2 + 1);
}

TEST(ParseCachePolicyTest, EveryNameIsReadAsItself) {
  for (const char* name : {"full", "paged", "window:7", "sinks:3+9", "evict:5",
                           "int8", "recompute"}) {
    EXPECT_EQ(NameOf(ParseCachePolicy(name)), name);
  }
}

TEST(ParseCachePolicyTest, WhatIsNoPolicyIsQuotedWithAReasonAndAFix) {
  for (const char* text :
       {"", "Full", "full ", " full", "fuller", "full:1", "paged:16", "window",
        "sinks", "evict", "int8:4", "recompute:", "none"}) {
    const std::string error = ErrorOf(text);
    EXPECT_NE(error.find("there is no cache '" + std::string(text) + "'"),
              std::string::npos)
        << error;
    EXPECT_NE(error.find("why: a cache is named by what it keeps"),
              std::string::npos)
        << error;
    EXPECT_NE(error.find("fix: one of full|paged|window:W"), std::string::npos)
        << error;
  }
}

TEST(ParseCachePolicyTest, WhatIsNoNumberOfTokensIsQuotedWithAnExample) {
  for (const char* kind : {"window:", "evict:", "sinks:1+", "sinks:"}) {
    for (const std::string count : {"", "0", "-1", "+1", "1.5", "1e3", " 1",
                                    "1 ", "0x10", "many", kTooLarge}) {
      const std::string after = kind == std::string("sinks:") ? "+1" : "";
      const std::string text = kind + count + after;
      // "sinks:+1+1" has no sinks, and "sinks:1++1" no number after them.
      const std::string error = ErrorOf(text);
      EXPECT_NE(error.find("there is no cache '" + text + "'"),
                std::string::npos)
          << text << ": " << error;
      EXPECT_NE(error.find("is not a whole number of tokens"),
                std::string::npos)
          << text << ": " << error;
      EXPECT_NE(error.find("fix: for example, "), std::string::npos) << error;
    }
  }
}

TEST(ParseCachePolicyTest, SinksNeedBothNumbers) {
  EXPECT_NE(ErrorOf("sinks:4").find("it needs two numbers"), std::string::npos);
  EXPECT_NE(ErrorOf("sinks:1+2+3").find("'2+3' is not a whole number"),
            std::string::npos);
}

TEST(IsExactTest, WhatKeepsEveryTokenIsExactAtAnyLength) {
  for (const char* name : {"full", "paged", "recompute"}) {
    EXPECT_TRUE(IsExact(ParseCachePolicy(name), SIZE_MAX)) << name;
    EXPECT_EQ(WhyNotExact(ParseCachePolicy(name)), "") << name;
  }
}

TEST(IsExactTest, WhatForgetsIsExactUntilItIsFull) {
  for (const char* name : {"window:9", "sinks:2+7", "evict:9"}) {
    EXPECT_TRUE(IsExact(ParseCachePolicy(name), 9)) << name;
    EXPECT_FALSE(IsExact(ParseCachePolicy(name), 10)) << name;
    EXPECT_NE(WhyNotExact(ParseCachePolicy(name)), "") << name;
  }
}

TEST(IsExactTest, EightBitsNeverAre) {
  EXPECT_FALSE(IsExact(ParseCachePolicy("int8"), 1));
  EXPECT_NE(WhyNotExact(ParseCachePolicy("int8")), "");
}

TEST(CheckPolicyFitsTest, AModelHasAPositionForEverySlot) {
  constexpr std::size_t kPositions = 16;
  for (const char* name : {"full", "paged", "int8", "recompute", "window:16",
                           "sinks:1+15", "evict:16"}) {
    EXPECT_NO_THROW(CheckPolicyFits(ParseCachePolicy(name), kPositions))
        << name;
  }
  const std::string largest = kLargest;
  for (const std::string& name :
       {std::string("window:17"), std::string("sinks:1+16"),
        std::string("evict:17"), "window:" + largest,
        "sinks:" + largest + "+" + largest}) {
    try {
      CheckPolicyFits(ParseCachePolicy(name), kPositions);
      ADD_FAILURE() << name << " was accepted";
    } catch (const DataError& error) {
      const std::string said = error.what();
      EXPECT_NE(said.find("'" + name + "' is too large"), std::string::npos)
          << said;
      EXPECT_NE(said.find("limit is 16 tokens"), std::string::npos) << said;
    }
  }
}

}  // namespace
}  // namespace kvlab
