#include "autograder/report/html_report.h"

#include <string>

#include "autograder/report/course_version.h"
#include "autograder/report/sample_report.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string Cut(const std::string& text, const std::string& from,
                const std::string& to) {
  const std::size_t begin = text.find(from);
  EXPECT_NE(begin, std::string::npos) << from;
  return text.substr(begin, text.find(to, begin) - begin);
}

TEST(HtmlReportTest, ACheckThatLostPointsSaysWhatIsToBeDone) {
  const std::string page = HtmlReport(MixedSample().report);
  const std::string check = Cut(page, "id=\"check-1.1.2\"", "</details>");
  EXPECT_TRUE(Has(check, "open=\"\"")) << check;
  EXPECT_TRUE(Has(check, "passed in part")) << check;
  EXPECT_TRUE(Has(check, "0.5 of 2")) << check;
  EXPECT_TRUE(Has(check, "What was asked.")) << check;
  EXPECT_TRUE(Has(check, "NaN at row 3")) << check;
  EXPECT_TRUE(Has(check, "Why it matters.")) << check;
  EXPECT_TRUE(Has(check, "header.h, Function")) << check;
}

TEST(HtmlReportTest, ACheckThatPassedIsFolded) {
  const std::string page = HtmlReport(MixedSample().report);
  const std::string check = Cut(page, "id=\"check-1.1.1\"", "</details>");
  EXPECT_FALSE(Has(check, "open")) << check;
  EXPECT_TRUE(Has(check, "7 times as fast")) << check;
}

TEST(HtmlReportTest, CausesStandFirstAndConsequencesAreCounted) {
  const std::string page = HtmlReport(MixedSample().report);
  const std::string first = Cut(page, "id=\"first\"", "</section>");
  EXPECT_TRUE(Has(first, "href=\"#check-1.1.2\"")) << first;
  EXPECT_TRUE(Has(first, "href=\"#part-2\"")) << first;  // does not compile
  EXPECT_FALSE(Has(first, "#check-1.1.3")) << first;     // follows from 1.1.2
  EXPECT_TRUE(Has(first, "2 more checks")) << first;
}

TEST(HtmlReportTest, WhatCouldNotBeRunShowsTheCompilersWordsOnce) {
  const std::string page = HtmlReport(MixedSample().report);
  const std::string words = "error: &#39;x&#39; was not declared";
  EXPECT_TRUE(Has(page, words));
  EXPECT_EQ(page.find(words), page.rfind(words));
}

TEST(HtmlReportTest, WhatWasMeasuredIsDrawnAndTabulated) {
  const std::string page = HtmlReport(MixedSample().report);
  const std::string measured = Cut(page, "id=\"measured\"", "</section>");
  EXPECT_TRUE(Has(measured, "<svg")) << measured;
  EXPECT_TRUE(Has(measured, "14.2×")) << measured;
  EXPECT_TRUE(Has(measured, "after 40 tokens")) << measured;
  EXPECT_FALSE(Has(HtmlReport(BrokenSample().report), "<svg"));
}

TEST(HtmlReportTest, ABonusIsNamedAndItsLimitToo) {
  const std::string page = HtmlReport(BonusSample().report);
  EXPECT_TRUE(Has(page, "<strong>19</strong> of 15 points"));
  EXPECT_TRUE(Has(page, "Bonus: 4 of at most 4 points on top of the 15."));
  EXPECT_TRUE(Has(page, "Module 3: memoization (bonus)"));
}

TEST(HtmlReportTest, AllPointsAreSaidToBeAll) {
  EXPECT_TRUE(Has(HtmlReport(PerfectSample().report),
                  "Every check earned its points."));
}

TEST(HtmlReportTest, NoWordOfASubmissionBecomesMarkup) {
  const std::string page = HtmlReport(HostileSample().report);
  EXPECT_TRUE(Has(page, "&lt;script&gt;"));
  EXPECT_FALSE(Has(page, "<script"));
  EXPECT_FALSE(Has(page, "<img"));
  EXPECT_EQ(page.find('\0'), std::string::npos);
  EXPECT_EQ(page.find('\x1B'), std::string::npos);
}

TEST(HtmlReportTest, ThePageNeedsNothingButItself) {
  const std::string page = HtmlReport(PerfectSample().report);
  for (const std::string outside : {" src=", "@import", "url(", "<link"}) {
    EXPECT_FALSE(Has(page, outside)) << outside;
  }
}

TEST(HtmlReportTest, ThePageNamesTheVersionOfTheCourse) {
  const std::string page = HtmlReport(MixedSample().report);
  EXPECT_TRUE(Has(Cut(page, "<footer", "</footer>"),
                  std::string("kvlab ") + kCourseVersion));
}

TEST(HtmlReportTest, TheSeedIsNotTold) {
  EXPECT_FALSE(Has(HtmlReport(MixedSample().report), "424242"));
}

}  // namespace
}  // namespace kvlab::grading
