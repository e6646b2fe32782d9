// Tests the contract of toml_table.h.
#include "kit/files/toml_table.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TomlTable Parse(const std::string& text) {
  return ParseToml(text, "a.toml", "the test reads it");
}

template <typename Action>
std::string ErrorOf(const Action& action) {
  return MessageOf<DataError>(action);
}

TEST(TomlTableTest, ReadsEachKindOfValue) {
  TomlTable table = Parse(
      "text = 'a'\nnumber = 2.5\ncount = 3\nflag = true\nlist = ['b', 'c']\n"
      "time = 2027-01-15T23:59:00+01:00\nnumbers = { x = 1, y = 2.5 }\n");
  EXPECT_EQ(table.Text("text"), "a");
  EXPECT_EQ(table.Number("number"), 2.5);
  EXPECT_EQ(table.CountOr("count", 0), 3);
  EXPECT_TRUE(table.FlagIfAny("flag"));
  EXPECT_THAT(table.TextsIfAny("list"), ElementsAre("b", "c"));
  EXPECT_EQ(table.Time("time").offset->minutes, 60);
  EXPECT_THAT(table.NumbersIfAny("numbers"),
              ElementsAre(std::pair("x", 1.0), std::pair("y", 2.5)));
  EXPECT_NO_THROW(table.ExpectNoMore());
}

TEST(TomlTableTest, WhatIsMissingHasADefaultWhereTheNameSaysSo) {
  TomlTable table = Parse("");
  EXPECT_EQ(table.TextOr("text", "d"), "d");
  EXPECT_EQ(table.AmountOr("amount", 7), 7);
  EXPECT_EQ(table.PercentOr("percent", 8), 8);
  EXPECT_EQ(table.CountOr("count", 9), 9);
  EXPECT_FALSE(table.FlagIfAny("flag"));
  EXPECT_TRUE(table.TextsIfAny("list").empty());
  EXPECT_TRUE(table.NumbersIfAny("numbers").empty());
  EXPECT_TRUE(table.TablesIfAny("tables").empty());
}

TEST(TomlTableTest, AnErrorSaysWhereWhatWhyAndWhatToDo) {
  TomlTable table = Parse("a = 1\nb = 2\n");
  EXPECT_EQ(ErrorOf([&] { table.Text("b"); }),
            "a.toml:2: 'b' must be a string\n"
            "  why: the test reads it\n"
            "  fix: put it in quotes");
}

TEST(TomlTableTest, RefusesValuesOfAnotherKind) {
  TomlTable table = Parse(
      "text = 1\nempty = ''\nnumber = 'a'\nnan = nan\nnegative = -1\n"
      "half = 0.5\nhuge = 1e7\nflag = 1\nlist = 'a'\nmixed = [1]\n"
      "local = 2027-01-15T23:59:00\ntable = 1\ntables = [1]\n"
      "numbers = { x = 'a' }\n");
  const std::vector<std::pair<std::string, std::string>> errors = {
      {ErrorOf([&] { table.Text("text"); }), "'text' must be a string"},
      {ErrorOf([&] { table.NonEmptyText("empty"); }),
       "'empty' must not be empty"},
      {ErrorOf([&] { table.Number("number"); }), "'number' must be a number"},
      {ErrorOf([&] { table.Number("nan"); }), "'nan' must be a number"},
      {ErrorOf([&] { table.AmountOr("negative", 0); }), "is negative"},
      {ErrorOf([&] { table.PercentOr("negative", 0); }), "a percentage"},
      {ErrorOf([&] { table.PositiveNumber("huge"); }), "out of range"},
      {ErrorOf([&] { table.CountOr("half", 0); }), "a whole number"},
      {ErrorOf([&] { table.FlagIfAny("flag"); }), "true or false"},
      {ErrorOf([&] { table.TextsIfAny("list"); }), "must be a list"},
      {ErrorOf([&] { table.TextsIfAny("mixed"); }), "only strings"},
      {ErrorOf([&] { table.Time("local"); }), "a date with time and zone"},
      {ErrorOf([&] { table.Table("table"); }), "must be a table"},
      {ErrorOf([&] { table.Tables("tables"); }), "a list of tables"},
      {ErrorOf([&] { table.NumbersIfAny("numbers"); }), "'x' must be a number"},
      {ErrorOf([&] { table.Text("missing"); }), "'missing' is missing"}};
  for (const auto& [error, says] : errors) {
    EXPECT_THAT(error, HasSubstr(says));
    EXPECT_THAT(error, HasSubstr("a.toml:"));
  }
}

TEST(TomlTableTest, AKeyThatIsNeverReadIsAnError) {
  TomlTable table = Parse("a = 1\ncolour = 'red'\n");
  table.Number("a");
  EXPECT_THAT(ErrorOf([&] { table.ExpectNoMore(); }),
              HasSubstr("a.toml:2: 'colour' is not known here"));
}

TEST(TomlTableTest, NumbersAreAllThatATableHolds) {
  TomlTable table = Parse("x = 1\ny = 2\n");
  EXPECT_THAT(table.Numbers(),
              ElementsAre(std::pair("x", 1.0), std::pair("y", 2.0)));
  EXPECT_NO_THROW(table.ExpectNoMore());
}

TEST(TomlTableTest, ATableOutlivesTheOneAroundIt) {
  std::vector<TomlTable> parts =
      Parse("[[part]]\nn = 1\n[[part]]\nn = 2\n").Tables("part");
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[1].Number("n"), 2);
  EXPECT_EQ(Parse("[one]\nn = 3\n").Table("one").Number("n"), 3);
}

TEST(TomlTableTest, WhatIsNotTomlIsRefusedWithItsLine) {
  EXPECT_THAT(ErrorOf([] { Parse("a = 1\n[broken\n"); }),
              HasSubstr("a.toml:2: "));
}

TEST(TomlTableTest, ReadsAFileOrSaysThatItCannot) {
  const std::filesystem::path file =
      std::filesystem::path(::testing::TempDir()) / "some.toml";
  std::ofstream(file) << "n = 4\n";
  EXPECT_EQ(ReadToml(file, "the test reads it").Number("n"), 4);
  std::filesystem::remove(file);
  EXPECT_THAT(ErrorOf([&] { ReadToml(file, "the test reads it"); }),
              HasSubstr(file.string() + ": cannot be read\n  why: the test"));
}

}  // namespace
}  // namespace kvlab
