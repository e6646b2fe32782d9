#include "kit/files/json_object.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// `depth` objects, one inside the other.
std::string Nested(int depth) {
  std::string text = "0";
  for (int i = 0; i < depth; ++i) text = "{\"a\": " + text + "}";
  return text;
}

std::string Refusal(const std::string& text) {
  return MessageOf<DataError>([&] { ParseJsonObject(text, "answers.json"); });
}

TEST(ParseJsonObjectTest, ReadsOneObject) {
  EXPECT_EQ(ParseJsonObject("{\"a\": [1, {\"b\": 2}]}", "x")["a"][1]["b"], 2);
  EXPECT_NO_THROW(ParseJsonObject(Nested(16), "x"));
}

TEST(ParseJsonObjectTest, RefusesWhatIsNotOneObjectInUtf8) {
  EXPECT_THAT(Refusal(""), StartsWith("answers.json"));
  EXPECT_THAT(Refusal("[1]"), HasSubstr("object"));
  EXPECT_THAT(Refusal("{} {}"), StartsWith("answers.json"));
  EXPECT_THAT(Refusal("{\"a\": \"\xff\"}"), StartsWith("answers.json"));
}

TEST(ParseJsonObjectTest, RefusesAKeyTwiceAlsoInside) {
  EXPECT_THAT(Refusal("{\"a\": 1, \"a\": 2}"), HasSubstr("'a'"));
  EXPECT_THAT(Refusal("{\"b\": {\"a\": 1, \"a\": 2}}"), HasSubstr("'a'"));
  EXPECT_NO_THROW(ParseJsonObject("{\"a\": {\"a\": 1}}", "x"));
}

TEST(ParseJsonObjectTest, RefusesDeepNesting) {
  EXPECT_THAT(Refusal(Nested(17)), HasSubstr("nested"));
}

TEST(ParseJsonObjectTest, RefusesANulByte) {
  EXPECT_THAT(Refusal(std::string("{}\0{", 4)), HasSubstr("NUL"));
}

TEST(ParseJsonObjectTest, IgnoresCommentsOnlyWhereTheyAreAllowed) {
  const std::string text = "// mine\n{\"a\": 1 /* one */}";
  EXPECT_EQ(ParseJsonObject(text, "x", JsonComments::kIgnored)["a"], 1);
  EXPECT_THAT(Refusal(text), StartsWith("answers.json"));
}

TEST(QuotedTest, ShowsSixtyBytesAndOnlyPrintableAscii) {
  EXPECT_EQ(Quoted("a b"), "'a b'");
  EXPECT_THAT(Quoted("\x01\xff"), HasSubstr("\\x01\\xff"));
  EXPECT_LT(Quoted(std::string(1000, 'x')).size(), 70U);
}

}  // namespace
}  // namespace kvlab
