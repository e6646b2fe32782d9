#include "autograder/report/demo_plot.h"

#include <cstddef>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>

#include "gtest/gtest.h"
#include "pugixml.hpp"

namespace kvlab::grading {
namespace {

const std::string kHead =
    "# a machine <of> 1985\n"
    "new_tokens,speedup,speedup_low,speedup_high,work_ratio\n";

std::string Contents(const char* path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(DemoPictureTest, TheReadmesPictureShowsTheTableBesideIt) {
  EXPECT_TRUE(Contents("docs/speedup.svg") ==
              DemoPicture(Contents("docs/speedup.csv")))
      << "draw it again: docs/draw_speedup";
}

// Faster is higher: a smaller y.
TEST(DemoPictureTest, EachRowIsADotBelowItsCeiling) {
  pugi::xml_document svg;
  const std::string picture =
      DemoPicture(kHead + "10,4,3,5,8\n100,30,20,40,60\n");
  ASSERT_TRUE(svg.load_string(picture.c_str())) << picture;
  const auto dots = svg.select_nodes("//circle");
  ASSERT_EQ(dots.size(), 3U);  // one is the legend's
  const auto height = [&](std::size_t dot) {
    return dots[dot].node().attribute("cy").as_double();
  };
  EXPECT_GT(height(1), height(2));
  const std::string ceiling = svg.select_node("//polyline[@class='formula']")
                                  .node()
                                  .attribute("points")
                                  .value();
  EXPECT_LT(std::stod(ceiling.substr(ceiling.find(',') + 1)), height(1));
  EXPECT_NE(picture.find("on a machine &lt;of&gt; 1985"), std::string::npos);
}

TEST(DemoPictureTest, AnotherTableIsRefused) {
  for (const std::string& table :
       {std::string(), kHead, kHead + "10,4,3,5\n", kHead + "10,0,0,5,8\n",
        kHead + "10,fast,3,5,8\n", std::string("new_tokens,speedup\n10,4\n")}) {
    EXPECT_THROW(DemoPicture(table), std::runtime_error) << table;
  }
}

}  // namespace
}  // namespace kvlab::grading
