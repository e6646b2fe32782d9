#include "autograder/class/similarity/given_code.h"

#include <cstddef>
#include <string>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

constexpr const char* kStub = R"(#include "attention.h"

// Given. The largest of a row, for a softmax that does not overflow.
float Largest(const Row& row) {
  return *std::max_element(row.begin(), row.end());
}

Row Softmax(const Row& row) {
  // TODO(1.1)
  throw NotImplemented("Softmax", "module 1, task 1");
}
)";

GivenCode Handout() {
  GivenCode given;
  given.Add(kStub);
  return given;
}

TEST(GivenCodeTest, NothingOfAStubIsItsAuthorsOwn) {
  EXPECT_EQ(Handout().Without(kStub).OwnLines(), 0);
}

TEST(GivenCodeTest, GivenCodeMayMoveAndHaveAnotherLayout) {
  const std::string moved = R"(
Row Softmax(const Row& row)
{ throw NotImplemented( "Softmax", "module 1, task 1" ); }   // not yet
float Largest(const Row& row) { return *std::max_element(
    row.begin(), row.end()); })";
  EXPECT_EQ(Handout().Without(moved).OwnLines(), 0);
}

TEST(GivenCodeTest, WhatIsFilledInIsLeftWhereItWas) {
  const std::string done = R"(#include "attention.h"
float Largest(const Row& row) {
  return *std::max_element(row.begin(), row.end());
}
Row Softmax(const Row& row) {
  Row result = exp(row - Largest(row));  // a comment
  return result / sum(result);
}
)";
  const OwnCode own = Handout().Without(done);
  EXPECT_EQ(own.OwnLines(), 3);  // the last brace follows no given code
  EXPECT_FALSE(own.own[4]);
  EXPECT_TRUE(own.own[5]);
  EXPECT_TRUE(own.own[6]);
  const std::string line = "\n  Row result = exp(row - Largest(row));";
  EXPECT_NE(own.text.find(line), std::string::npos);
  EXPECT_EQ(own.text.find("comment"), std::string::npos);
  EXPECT_EQ(own.text.size(), done.size());
}

TEST(GivenCodeTest, AnyBytesAreRead) {
  const GivenCode given = Handout();
  for (const std::string text : {"", "\n", "\"", "'\\", "R\"(", "R\"", "/*",
                                 "/", "#include", "1'", "\xff\xfe", "\"\\"}) {
    const OwnCode own = given.Without(text);
    const std::size_t ends_line = text.ends_with('\n') ? 0 : 1;
    EXPECT_EQ(own.text.size(), text.size() + ends_line) << text;
    for (const char byte : own.text) {
      EXPECT_TRUE(byte == '\n' || (byte >= ' ' && byte <= '~')) << text;
    }
  }
}

}  // namespace
}  // namespace kvlab::grading
