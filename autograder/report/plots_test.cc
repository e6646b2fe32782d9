#include "autograder/report/plots.h"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "autograder/report/drawing.h"
#include "autograder/report/sample_report.h"
#include "gtest/gtest.h"
#include "pugixml.hpp"

namespace kvlab::grading {
namespace {

pugi::xml_document Parsed(const Html& svg) {
  pugi::xml_document document;
  EXPECT_TRUE(document.load_string(svg.Markup().c_str())) << svg.Markup();
  return document;
}

std::vector<pugi::xml_node> Marks(const pugi::xml_document& svg,
                                  const std::string& element) {
  std::vector<pugi::xml_node> marks;
  for (const auto& node : svg.first_child().children(element.c_str())) {
    marks.push_back(node);
  }
  return marks;
}

TEST(AxisTest, ALogarithmicAxisPutsFactorsAtEqualDistances) {
  const Axis axis = {
      .scale = Axis::Scale::kLog, .from = 1, .to = 100, .start = 0, .end = 200};
  EXPECT_NEAR(axis.At(1), 0, 1e-9);
  EXPECT_NEAR(axis.At(10), 100, 1e-9);
  EXPECT_NEAR(axis.At(100), 200, 1e-9);
}

TEST(AxisTest, NumbersBeyondItsEndsStayOnThePaper) {
  const Axis axis = {.from = 0, .to = 10, .start = 50, .end = 0};
  EXPECT_EQ(axis.At(-5), 50);
  EXPECT_EQ(axis.At(1e300), 0);
  EXPECT_EQ(axis.At(std::numeric_limits<double>::quiet_NaN()), 50);
}

// Faster is higher: a smaller y.
TEST(PlotsTest, EachSpeedupIsADotAtItsHeight) {
  const pugi::xml_document svg = Parsed(SpeedupPlot({{.new_tokens = 50,
                                                      .pairs = 9,
                                                      .median = 10,
                                                      .least = 8,
                                                      .most = 11,
                                                      .reference = 20,
                                                      .full_from = 5,
                                                      .half_from = 2.5},
                                                     {.new_tokens = 500,
                                                      .pairs = 3,
                                                      .median = 100,
                                                      .least = 90,
                                                      .most = 120,
                                                      .reference = 200,
                                                      .full_from = 50,
                                                      .half_from = 25}}));
  const auto dots = Marks(svg, "circle");
  ASSERT_EQ(dots.size(), 3U);  // one is the legend's
  EXPECT_LT(dots[1].attribute("cy").as_double(),
            dots[0].attribute("cy").as_double());
  EXPECT_GT(dots[1].attribute("cx").as_double(),
            dots[0].attribute("cx").as_double());
}

TEST(PlotsTest, MemoryThatGrowsLeavesTheFormulasLine) {
  const pugi::xml_document svg = Parsed(MemoryPlot(
      {{.batch = 1,
        .formula_mib = 16,
        .samples = {{.tokens = 0, .mib = 16}, {.tokens = 40, .mib = 32}}}}));
  const auto dots = Marks(svg, "circle");
  ASSERT_EQ(dots.size(), 3U);
  EXPECT_LT(dots[1].attribute("cy").as_double(),
            dots[0].attribute("cy").as_double());
}

TEST(PlotsTest, WhatIsSeenIsAlsoSaid) {
  const std::string description = Parsed(SpeedupPlot({{.new_tokens = 50,
                                                       .pairs = 9,
                                                       .median = 14.2,
                                                       .least = 12,
                                                       .most = 15,
                                                       .reference = 16,
                                                       .full_from = 5,
                                                       .half_from = 2.5}}))
                                      .first_child()
                                      .child_value("desc");
  EXPECT_NE(description.find("50 tokens: yours 14.2 times"), std::string::npos)
      << description;
}

// A worker that answers in 0 s, or never.
TEST(PlotsTest, ImpossibleNumbersDoNotSpoilThePicture) {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::string svg = SpeedupPlot({{.new_tokens = 50,
                                        .pairs = 1,
                                        .median = infinity,
                                        .least = 0,
                                        .most = infinity,
                                        .reference = std::nan(""),
                                        .full_from = 5,
                                        .half_from = 2.5}})
                              .Markup();
  for (const std::string bad : {"=\"nan", "=\"-nan", "inf,", "=\"inf"}) {
    EXPECT_EQ(svg.find(bad), std::string::npos) << bad;
  }
}

}  // namespace
}  // namespace kvlab::grading
