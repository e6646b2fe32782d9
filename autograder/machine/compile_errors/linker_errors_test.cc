// What ld said about a file that defines names of the kit and of another
// module, calls an undefined function, and forgets a const.
#include "autograder/machine/compile_errors/linker_errors.h"

#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

std::string Told() {
  std::ifstream stream("autograder/machine/compile_errors/testdata/link.txt");
  return LinkerErrors(std::string(std::istreambuf_iterator<char>(stream), {}));
}

void ExpectTold(const std::string& part) {
  EXPECT_NE(Told().find(part), std::string::npos) << Told();
}

TEST(LinkerErrorsTest, ANameThatNobodyDefinesIsToldWithWhoUsesIt) {
  ExpectTold(
      "undefined reference to `kvlab::Helper(double)'\n"
      "  used in: modules/01_attention/attention.cc\n");
  ExpectTold("undefined reference to `kvlab::MergeHeads(xt::xtensor_container");
  ExpectTold("  used in: the grader\n");
}

TEST(LinkerErrorsTest, ANameOfTheKitsIsToldWithBothOwners) {
  ExpectTold(
      "multiple definition of `kvlab::ErrorText(std::__cxx11::basic_string"
      "<char, std::char_traits<char>, std::allocator<char> > const&)'\n"
      "  in: the kit and modules/01_attention/attention.cc\n");
  ExpectTold(
      "multiple definition of `kvlab::LayerNorm(int)'\n"
      "  in: the grader's own modules/01_attention and "
      "modules/01_attention/attention.cc\n");
}

TEST(LinkerErrorsTest, SaysWhatHelps) {
  ExpectTold("fix: define each name as its header declares it");
  ExpectTold("fix: a name that is defined twice clashes with another one");
}

TEST(LinkerErrorsTest, NothingOfTheGradersOwnFilesIsShown) {
  for (const std::string ours : {"/archives", "/objects", ".a(", ".text",
                                 "_operations", "/usr/bin/ld"}) {
    EXPECT_EQ(Told().find(ours), std::string::npos) << Told();
  }
}

TEST(LinkerErrorsTest, ANameIsToldOnceHoweverOftenItIsUsed) {
  const std::string use =
      "/usr/bin/ld: /objects/01_attention.attention.cc.o: in function "
      "`main':\nattention.cc:(.text+0x1): undefined reference to `f()'\n";
  EXPECT_EQ(LinkerErrors(use + use),
            "undefined reference to `f()'\n"
            "  used in: modules/01_attention/attention.cc\n"
            "fix: define each name as its header declares it, with the same "
            "namespace, class, arguments and const");
}

TEST(LinkerErrorsTest, WhatIsNoNameIsToldAsItIs) {
  EXPECT_EQ(
      LinkerErrors("collect2: fatal error: ld terminated with signal 9\n"),
      "collect2: fatal error: ld terminated with signal 9");
}

}  // namespace
}  // namespace kvlab::grading
