// Output of g++ 12 for real mistakes, in testdata/, and the message made of it.
#include "autograder/machine/compile_errors/compiler_errors.h"

#include <fstream>
#include <iterator>
#include <string>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

std::string Said(const std::string& name) {
  std::ifstream stream(
      "autograder/machine/compile_errors/testdata/" + name + ".txt",
      std::ios::binary);
  EXPECT_TRUE(stream) << name;
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::string Told(const std::string& name) { return CompilerErrors(Said(name)); }

// How often `part` occurs in `text`.
int Count(const std::string& text, const std::string& part) {
  int count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos;) {
    ++count;
    ++at;
  }
  return count;
}

TEST(CompilerErrorsTest, AnErrorOfTheirsIsToldAsItWasSaid) {
  EXPECT_EQ(Told("missing_semicolon") + "\n", Said("missing_semicolon"));
}

TEST(CompilerErrorsTest, WhatEndsACompilationIsOneLine) {
  EXPECT_EQ(Told("missing_header"),
            "modules/01_attention/attention.cc:1:10: fatal error: "
            "kit/tensors.h: No such file or directory\n"
            "    1 | #include \"kit/tensors.h\"\n"
            "      |          ^~~~~~~~~~~~~~~");
}

TEST(CompilerErrorsTest, AnErrorDeepInTemplatesNamesTheLineThatLedThere) {
  const std::string told = Told("deep_template");
  EXPECT_TRUE(told.starts_with(
      "modules/01_attention/attention.cc:10:32:   required from here\n"
      "array:55:19: error: size '18446744073709551614' of array exceeds "
      "maximum "
      "object size '9223372036854775807'\n"))
      << told;
  EXPECT_EQ(told.find("/usr/include"), std::string::npos) << told;
  EXPECT_EQ(told.find("./kit"), std::string::npos) << told;
}

TEST(CompilerErrorsTest, ErrorsThatTheSameLineLedToAreCounted) {
  const std::string told = Told("deep_template");
  EXPECT_EQ(Count(Said("deep_template"), "attention.cc:16:12:   required"), 3);
  EXPECT_EQ(Count(told, "attention.cc:16:12:   required from here"), 1) << told;
  EXPECT_TRUE(told.ends_with(
      "[2 notes on lines of the kit, xtensor and the standard library]"))
      << told;
}

TEST(CompilerErrorsTest, LongLinesAreCut) {
  EXPECT_GT(Said("deep_template").size(), 16000U);
  EXPECT_LT(Told("deep_template").size(), 1500U);
  EXPECT_NE(Told("deep_template").find(" more characters]\n"),
            std::string::npos);
}

TEST(CompilerErrorsTest, NotesAboutOtherPeoplesHeadersAreCounted) {
  const std::string said = Said("no_match");
  const std::string told = Told("no_match");
  EXPECT_EQ(Count(said, "\n"), 397);
  EXPECT_LT(Count(told, "\n"), 30) << told;
  EXPECT_NE(told.find("modules/01_attention/attention.cc:6:13: error: no "
                      "matching function for call to 'CheckShape(const "
                      "kvlab::Tensor3&)'\n"
                      "    6 |   CheckShape(x);\n"
                      "      |   ~~~~~~~~~~^~~\n"
                      "modules/01_attention/attention.cc:6:13: note:   "
                      "candidate expects 3 arguments, 1 provided\n"
                      "[4 notes on lines of the kit, xtensor and the standard "
                      "library]"),
            std::string::npos)
      << told;
}

TEST(CompilerErrorsTest, AMacroThatBreaksAHeaderIsTracedToItsInclude) {
  EXPECT_EQ(Told("macro_in_kit"),
            "In file included from modules/01_attention/attention.cc:3:\n"
            "sstream:447:7: error: 'struct "
            "std::__cxx11::basic_stringbuf<_CharT, _Traits, "
            "_Alloc>::__xfer_bufptrs' redeclared with different access");
}

TEST(CompilerErrorsTest, OnlyTheFirstErrorsAreTold) {
  std::string said;
  for (int line = 1; line <= 20; ++line) {
    said += "modules/01_attention/attention.cc:" + std::to_string(line) +
            ":1: error: 'x' does not name a type\n";
  }
  const std::string told = CompilerErrors(said);
  EXPECT_EQ(Count(told, "error: "), 5) << told;
  EXPECT_TRUE(
      told.ends_with("[15 more errors; they often follow from the first]"))
      << told;
}

TEST(CompilerErrorsTest, BytesThatAreNoTextAreReplaced) {
  const std::string told = CompilerErrors(
      "modules/01_attention/attention.cc:1:8: error: stray\n"
      "    1 | int caf\xe9 = 1; // \xe4\xb8\xad\x1b[31m\n");
  EXPECT_NE(told.find("    1 | int caf\uFFFD = 1; // \u4e2d\uFFFD[31m"),
            std::string::npos)
      << told;
}

TEST(CompilerErrorsTest, ALineIsNotCutInsideACharacter) {
  std::string line = "modules/01_attention/attention.cc:1:1: error: ";
  for (int i = 0; i < 500; ++i) line += "\u4e2d";
  EXPECT_TRUE(CompilerErrors(line).ends_with("\u4e2d [146 more characters]"))
      << CompilerErrors(line);
}

TEST(CompilerErrorsTest, TheAssemblersErrorsCount) {
  EXPECT_EQ(CompilerErrors("modules/a/b.cc: Assembler messages:\n"
                           "modules/a/b.cc:1: Error: file not found: secret\n"),
            "modules/a/b.cc: Assembler messages:\n"
            "modules/a/b.cc:1: Error: file not found: secret");
}

TEST(CompilerErrorsTest, WhatIsNoErrorOfALineIsToldAsItIs) {
  EXPECT_EQ(CompilerErrors("g++: fatal error: Killed signal terminated program "
                           "cc1plus\ncompilation terminated.\n"),
            "g++: fatal error: Killed signal terminated program cc1plus\n"
            "compilation terminated.");
  EXPECT_EQ(CompilerErrors(""), "");
}

}  // namespace
}  // namespace kvlab::grading
