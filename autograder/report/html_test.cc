#include "autograder/report/html.h"

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

TEST(HtmlTest, TextAndAttributesAreEscaped) {
  EXPECT_EQ(Text("<a href=\"x\">&'</a>").Markup(),
            "&lt;a href=&quot;x&quot;&gt;&amp;&#39;&lt;/a&gt;");
  EXPECT_EQ(Tag("p", {{"title", "\"><b>"}}, Text("x")).Markup(),
            "<p title=\"&quot;&gt;&lt;b&gt;\">x</p>");
  EXPECT_EQ(VoidTag("meta", {{"name", "<"}}).Markup(), "<meta name=\"&lt;\">");
}

}  // namespace
}  // namespace kvlab::grading
