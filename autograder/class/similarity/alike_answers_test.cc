#include "autograder/class/similarity/alike_answers.h"

#include <map>
#include <string>
#include <vector>

#include "autograder/class/similarity/alike_pairs.h"
#include "gtest/gtest.h"
#include "quiz/quiz.h"

namespace kvlab::grading {
namespace {

constexpr const char* kFile = "modules/04_profiling/answers.json";

// Three numbers, each from one of a hundred cases.
Quiz ThreeQuestions() {
  std::string toml;
  for (const char* id : {"a", "b", "c"}) {
    toml += std::string("[[questions]]\nid = \"") + id +
            "\"\ntext = \"How many are {n}?\"\nunit = \"tokens\"\ncases = [";
    for (int n = 0; n < 100; ++n) toml += "{ n = " + std::to_string(n) + " },";
    toml += "]\n";
  }
  return ParseQuiz(toml, "quiz.toml");
}

Author Answering(const std::string& name, const std::string& id,
                 const std::string& answers) {
  Author author;
  author.name = name;
  author.papers[kFile] =
      R"({"student": ")" + id + R"(", "answers": {)" + answers + "}}";
  return author;
}

std::vector<AlikeAnswers> Found(const std::vector<Author>& authors) {
  return FindAlikeAnswers(authors, {{kFile, ThreeQuestions()}});
}

TEST(AlikeAnswersTest, AnswersCopiedUnderAnotherIdAreFound) {
  const std::string answers = R"("a": 1, "b": 2, "c": 3)";
  const auto found =
      Found({Answering("ann", "ann", answers),
             Answering("bob", "bob", R"("a": 1, "b": 2, "c": 4)"),
             Answering("eve", "eve", answers)});
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(found[0].one, 0);
  EXPECT_EQ(found[0].other, 2);
  EXPECT_EQ(found[0].both_answered, 3);
  EXPECT_EQ(found[0].asked_otherwise, 3);
  EXPECT_EQ(found[0].same_id, "");
}

TEST(AlikeAnswersTest, OneIdForTwoPeopleIsFound) {
  const auto found = Found({Answering("ann", "ann", R"("a": 1)"),
                            Answering("bob", "Ann ", R"("a": 2)")});
  ASSERT_EQ(found.size(), 1);
  EXPECT_EQ(found[0].same_id, "ann");
}

TEST(AlikeAnswersTest, FewAnswersMayBeTheSame) {
  EXPECT_TRUE(Found({Answering("ann", "ann", R"("a": 1, "b": 2)"),
                     Answering("bob", "bob", R"("a": 1, "b": 2)")})
                  .empty());
}

TEST(AlikeAnswersTest, WhatIsNotAnAnswerSheetIsLeftOut) {
  std::vector<Author> authors = {Answering("ann", "ann", R"("a": 1)"),
                                 Answering("bob", "ann", R"("a": 1)")};
  authors[1].papers[kFile] = "\xff[";
  EXPECT_TRUE(Found(authors).empty());
}

}  // namespace
}  // namespace kvlab::grading
