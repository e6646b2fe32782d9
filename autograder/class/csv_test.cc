// What platforms write is read, and comes back with one column changed.
#include "autograder/class/csv.h"

#include <array>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

using testing::HasSubstr;

CsvFile Parse(const std::string& bytes) {
  return CsvFile::Parse(bytes, "grades.csv");
}

std::string ErrorOf(const std::string& bytes) {
  try {
    Parse(bytes);
  } catch (const DataError& error) {
    return error.what();
  }
  return "none";
}

TEST(CsvTest, FieldsAreReadAsRfc4180SaysIt) {
  const CsvFile file =
      Parse("name,said\n\"O'Brien, Ann\",\"a \"\"word\"\"\nand more\"\nbob,\n");
  EXPECT_EQ(file.Head().Text(1), "said");
  ASSERT_EQ(file.Rows().size(), 2U);
  EXPECT_EQ(file.Rows()[0].Text(0), "O'Brien, Ann");
  EXPECT_EQ(file.Rows()[0].Text(1), "a \"word\"\nand more");
  EXPECT_EQ(file.Rows()[1].Text(1), "");
  EXPECT_EQ(file.Rows()[1].Text(7), "") << "a column that it does not have";
  EXPECT_EQ(file.Rows()[1].line, 4U) << "a quoted line end counts";
}

TEST(CsvTest, SeparatorsLineEndsAndByteOrderMarksOfAnyKind) {
  for (const std::string bytes :
       {"id,points\r\nann,1\r\nbob,2\r\n", "id;points\nann;1\nbob;2",
        "id\tpoints\rann\t1\rbob\t2\r",
        "\xEF\xBB\xBFid,points\n\n\nann,1\n\nbob,2\n\n"}) {
    const CsvFile file = Parse(bytes);
    EXPECT_EQ(file.Column("id"), 0U) << bytes;
    ASSERT_EQ(file.Rows().size(), 2U) << bytes;
    EXPECT_EQ(file.Rows()[0].Text(1), "1") << bytes;
    EXPECT_EQ(file.Rows()[1].Text(0), "bob") << bytes;
  }
}

TEST(CsvTest, ReplacingAFieldChangesNoOtherByte) {
  // Quotes without need, spaces, a lone carriage return, and no last line end.
  const std::string before =
      "\xEF\xBB\xBF\"id\", mark,\"note\"\r\n\"ann\",,\"a \"\"b\"\"\"\r"
      "bob,\"7\", x \n\r\n eve ,1,\"\r\n\"";
  const CsvFile file = Parse(before);
  EXPECT_EQ(file.With({}), before);
  EXPECT_EQ(file.With({{{0, 1}, "90"}, {{1, 1}, "87.5"}, {{2, 1}, "0"}}),
            "\xEF\xBB\xBF\"id\", mark,\"note\"\r\n\"ann\",90,\"a "
            "\"\"b\"\"\"\rbob,\"87.5\", x \n\r\n eve ,0,\"\r\n\"");
}

TEST(CsvTest, ATextThatNeedsQuotesGetsThem) {
  EXPECT_EQ(Parse("a;b\n1;2").With({{{0, 1}, "2;\"3\""}}),
            "a;b\n1;\"2;\"\"3\"\"\"");
  EXPECT_EQ(Parse("a;b\n1;2").With({{{0, 1}, "2,5"}}), "a;b\n1;2,5");
}

TEST(CsvTest, ARowWithoutTheColumnIsRefusedByItsLine) {
  try {
    Parse("a,b\n1,2\n3\n").With({{{1, 1}, "4"}});
    FAIL();
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("grades.csv, line 3"));
  }
}

TEST(CsvTest, DamagedFilesAreRefusedByName) {
  EXPECT_THAT(ErrorOf("a,b\n1,\"2\n"), HasSubstr("line 2: a quote is never"));
  EXPECT_THAT(ErrorOf("a,b\n\"1\"x,2\n"), HasSubstr("text follows a closing"));
  EXPECT_THAT(ErrorOf(std::string("a,b\n1,\0", 7)), HasSubstr("not a text in"));
  EXPECT_THAT(ErrorOf("a,b\n\xFF,2\n"), HasSubstr("not a text in UTF-8"));
  EXPECT_THAT(ErrorOf("\xFF\xFE\x61"), HasSubstr("not a text in UTF-8"));
}

TEST(CsvTest, TwoColumnsOfOneNameAreNotGuessedBetween) {
  const CsvFile file = Parse("id,grade,grade\n");
  EXPECT_EQ(file.Column("points"), std::nullopt);
  EXPECT_THROW(file.Column("grade"), DataError);
}

TEST(CsvTest, NothingBecomesAFormula) {
  const std::array<std::string, 7> fields = {
      "=1+1", "+1", "-1", "@sum", "\tx", "a,b", "=cmd|' /C calc'!\"A0\""};
  EXPECT_EQ(CsvLine(fields),
            "'=1+1,'+1,'-1,'@sum,'\tx,\"a,b\",\"'=cmd|' /C calc'!\"\"A0\"\"\""
            "\n");
}

}  // namespace
}  // namespace kvlab::grading
