#include "autograder/machine/text/printable.h"

#include <string>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

TEST(PrintableTest, KeepsCharactersOfAnyLength) {
  const std::string text = "a \u00e9 \u4e2d \U0001F600\nb";
  EXPECT_EQ(Printable(text), text);
}

TEST(PrintableTest, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(Printable("a\xff\xe4\xb8z"), "a\uFFFD\uFFFD\uFFFDz");
  EXPECT_EQ(Printable("cut \xe4"), "cut \uFFFD");
}

TEST(PrintableTest, ReplacesWhatMovesTheCursorOrTurnsTheLine) {
  EXPECT_EQ(Printable("\x1b[31mred"), "\uFFFD[31mred");
  const std::string to_the_left = {'\xE2', '\x80', '\xAE'};  // U+202E
  EXPECT_EQ(Printable("a" + to_the_left + "b"), "a\uFFFDb");
  EXPECT_EQ(Printable(std::string("a\0b", 3)), "a\uFFFDb");
  EXPECT_EQ(Printable("a\tb\r\n"), "a b\n");
}

TEST(PrintableTest, ReplacesWhatNoXmlMayHold) {
  EXPECT_EQ(Printable("\xEF\xBF\xBF"), "\uFFFD");  // U+FFFF
  EXPECT_EQ(Printable("\xC2\x85"), "\uFFFD");      // U+0085, a control
  // U+2066, which turns the line; in two pieces, so that it turns none here.
  EXPECT_EQ(Printable(std::string("\xE2\x81") + "\xA6"), "\uFFFD");
}

TEST(PrintableTest, ALineEndsNowhere) {
  EXPECT_EQ(PrintableLine("one\ntwo\r\n"), "one\uFFFDtwo\uFFFD");
  EXPECT_EQ(PrintableLine("o'brien m\u00fcller"), "o'brien m\u00fcller");
}

TEST(ShortenedTest, NeverCutsACharacter) {
  EXPECT_EQ(Shortened("\u4e2d\u4e2d\u4e2d", 2),
            "\u4e2d\u4e2d [1 more characters]");
  EXPECT_EQ(Shortened("\u4e2d\u4e2d\u4e2d", 3), "\u4e2d\u4e2d\u4e2d");
  EXPECT_EQ(Shortened("", 3), "");
}

}  // namespace
}  // namespace kvlab::grading
