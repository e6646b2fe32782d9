#include "autograder/report/legible.h"

#include <string>

#include "autograder/report/html.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

constexpr const char* kBox = "\xEF\xBF\xBD";  // U+FFFD

TEST(LegibleTest, TextInAnyWritingStays) {
  for (const std::string text :
       {"", "a b\n\tc", "ä €", "\xE6\xBC\xA2 \xF0\x9F\x98\x80"}) {
    EXPECT_EQ(Legible(text), text);
  }
}

TEST(LegibleTest, WhatIsNoTextBecomesABox) {
  EXPECT_EQ(Legible(std::string("a\0b", 3)), std::string("a") + kBox + "b");
  EXPECT_EQ(Legible("\x1B[0m"), std::string(kBox) + "[0m");
  EXPECT_EQ(Legible("\r"), kBox);
  EXPECT_EQ(Legible("\xFF"), kBox);
  EXPECT_EQ(Legible("a\xE2\x82"), std::string("a") + kBox + kBox);  // cut off
  EXPECT_EQ(Legible("\xEF\xBF\xBF"), kBox);                         // U+FFFF
  EXPECT_EQ(Legible("\xC2\x85"), kBox);  // U+0085, a control character
}

TEST(LegibleTest, TheWritingDirectionCannotBeTurned) {
  EXPECT_EQ(Legible(std::string("\xE2\x80") + "\xAE"), kBox);  // U+202E
  EXPECT_EQ(Legible(std::string("\xE2\x81") + "\xA6"), kBox);  // U+2066
}

TEST(HtmlTest, TextAndAttributesAreEscaped) {
  EXPECT_EQ(Text("<a href=\"x\">&'</a>").Markup(),
            "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(Tag("p", {{"title", "\"><b>"}}, Text("x")).Markup(),
            "<p title=\"&quot;&gt;&lt;b&gt;\">x</p>");
  EXPECT_EQ(VoidTag("meta", {{"name", "<"}}).Markup(), "<meta name=\"&lt;\">");
}

}  // namespace
}  // namespace kvlab::grading
