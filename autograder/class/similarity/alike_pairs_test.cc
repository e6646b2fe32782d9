#include "autograder/class/similarity/alike_pairs.h"

#include <cstddef>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/class/similarity/given_code.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

constexpr const char* kFile = "modules/01_attention/attention.cc";

// Twenty statements of eight operators each, drawn for the author: 30 tokens
// have 14 of them, so no two authors share a passage by chance. `name` is what
// the variable is called.
std::string CodeOf(std::size_t author, const std::string& name) {
  std::mt19937_64 random(author);
  constexpr std::string_view kOperators = "+-*/%^|&";
  std::string code = "void F(int " + name + ") {\n";
  for (std::size_t line = 0; line < 20; ++line) {
    code += "  " + name + " = " + name;
    for (std::size_t i = 0; i < kOperators.size(); ++i) {
      code += ' ';
      code += kOperators[random() % kOperators.size()];
      code += ' ' + name;
    }
    code += ";\n";
  }
  return code + "}\n";
}

Author With(const std::string& name, const std::string& code) {
  Author author;
  author.name = name;
  author.sources[kFile] = code;
  return author;
}

// Whether this Debian has the tool, installed or not: Debian 13 does not.
bool CanBeInstalled() {
  return std::system("apt-cache show similarity-tester >/dev/null 2>&1") == 0;
}

// Skipped only where no set-up could install the tool.
class AlikePairsTest : public testing::Test {
 protected:
  void SetUp() override {
    const std::vector<Author> two = {With("ann", CodeOf(1, "a")),
                                     With("bob", CodeOf(2, "b"))};
    try {
      FindAlikeCode(two, {});
    } catch (const DataError& error) {
      if (std::string_view(error.what()).find("it is not installed") !=
              std::string_view::npos &&
          !CanBeInstalled()) {
        GTEST_SKIP() << error.what();
      }
      throw;
    }
  }
};

TEST_F(AlikePairsTest, ACopyWithOtherNamesAndLayoutIsFound) {
  const std::vector<Author> authors = {
      With("ann", CodeOf(1, "a")), With("bob", CodeOf(2, "x")),
      With("eve", "// by me\n\n" + CodeOf(1, "mine"))};
  const AlikeCode found = FindAlikeCode(authors, {});
  ASSERT_EQ(found.pairs.size(), 1);
  const AlikePair& pair = found.pairs.front();
  EXPECT_EQ(pair.one, 0);
  EXPECT_EQ(pair.other, 2);
  EXPECT_EQ(pair.lines_of_one, 22);
  EXPECT_EQ(pair.share_of_other, 1);
  ASSERT_EQ(pair.passages.size(), 1);
  EXPECT_EQ(pair.passages[0].in_one.first, 1);
  EXPECT_EQ(pair.passages[0].in_other.first, 3);
  EXPECT_EQ(pair.passages[0].file_of_other, kFile);
}

TEST_F(AlikePairsTest, WhatEverybodyWasGivenIsNotAlike) {
  GivenCode given;
  given.Add(CodeOf(1, "a"));
  const std::vector<Author> authors = {With("ann", CodeOf(1, "a")),
                                       With("bob", CodeOf(1, "a"))};
  EXPECT_TRUE(FindAlikeCode(authors, given).pairs.empty());
}

TEST_F(AlikePairsTest, WhatManyWroteDoesNotCount) {
  std::vector<Author> authors;
  for (std::size_t i = 0; i < 6; ++i) {
    authors.push_back(
        With(std::to_string(i), CodeOf(1, "a") + CodeOf(10 + i / 2, "b")));
  }
  const AlikeCode found = FindAlikeCode(authors, {});
  // Six share the first half, and each two the second.
  EXPECT_EQ(found.most_common, 3);
  ASSERT_EQ(found.pairs.size(), 3);
  for (const AlikePair& pair : found.pairs) {
    EXPECT_EQ(pair.other, pair.one + 1);
    EXPECT_NEAR(pair.Share(), 0.5, 0.05);  // the run ends within a line
  }
}

TEST_F(AlikePairsTest, EarlierTermsAreComparedWithThisOneOnly) {
  std::vector<Author> authors = {With("ann", CodeOf(1, "a")),
                                 With("2026/bob", CodeOf(1, "b")),
                                 With("2026/eve", CodeOf(1, "c"))};
  authors[1].is_earlier = true;
  authors[2].is_earlier = true;
  const AlikeCode found = FindAlikeCode(authors, {});
  ASSERT_EQ(found.pairs.size(), 2);
  EXPECT_EQ(found.pairs[0].one, 0);
  EXPECT_EQ(found.pairs[1].one, 0);
}

TEST_F(AlikePairsTest, OneSubmissionOrNoneHasNoPairs) {
  EXPECT_TRUE(FindAlikeCode({}, {}).pairs.empty());
  const std::vector<Author> one = {With("ann", CodeOf(1, "a"))};
  EXPECT_TRUE(FindAlikeCode(one, {}).pairs.empty());
}

}  // namespace
}  // namespace kvlab::grading
