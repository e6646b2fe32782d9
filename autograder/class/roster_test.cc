// Who is in the class, and how a name in a platform's file finds them.
#include "autograder/class/roster.h"

#include <string>

#include "autograder/class/csv.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

using testing::HasSubstr;

Roster Parse(const std::string& csv) {
  return Roster::Parse(CsvFile::Parse(csv, "roster.csv"), "roster.csv");
}

std::string ErrorOf(const std::string& csv) {
  try {
    Parse(csv);
  } catch (const DataError& error) {
    return error.what();
  }
  return "none";
}

std::string IdOf(const Roster& roster, const std::string& key) {
  const PersonFound found = roster.Find(key);
  return found.person == nullptr ? found.problem : found.person->id;
}

TEST(RosterTest, AnExtensionHasADateLateDaysAndAReason) {
  const Roster roster = Parse(
      "id,name,email,section,due,free_days,reason\n"
      "ann,Ann Lee,ann@example.org,A,2027-01-20T23:59:00+01:00,,ill\n"
      "bob,,,,,5,\"jury, duty\"\n"
      "eve,,,,,,\n");
  ASSERT_EQ(roster.People().size(), 3U);
  const Person& ann = roster.People()[0];
  EXPECT_EQ(ann.name, "Ann Lee");
  EXPECT_EQ(ann.section, "A");
  EXPECT_EQ(TimeText(*ann.due), "2027-01-20 23:59:00 +01:00");
  EXPECT_EQ(ann.free_days, std::nullopt);
  const Person& bob = roster.People()[1];
  EXPECT_EQ(bob.due, std::nullopt);
  EXPECT_EQ(bob.free_days, 5);
  EXPECT_EQ(bob.reason, "jury, duty");
  EXPECT_EQ(roster.People()[2].free_days, std::nullopt);
}

TEST(RosterTest, APersonIsFoundByIdNumberOrAddress) {
  const Roster roster = Parse(
      "id,email,platform_id\n"
      "ann,ann@example.org,4711\n"
      "o'brien@example.edu,,815\n"
      "a/b,,\n");
  EXPECT_EQ(IdOf(roster, "ann"), "ann");
  EXPECT_EQ(IdOf(roster, "4711"), "ann");
  EXPECT_EQ(IdOf(roster, "Ann@Example.org"), "ann");
  EXPECT_EQ(IdOf(roster, "815"), "o'brien@example.edu");
  EXPECT_EQ(IdOf(roster, "a/b"), "a/b");
  EXPECT_EQ(IdOf(roster, "an"), "is not on the roster");
  EXPECT_EQ(IdOf(roster, ""), "is not on the roster");
  EXPECT_EQ(IdOf(roster, "\xFF"), "is not on the roster");
}

TEST(RosterTest, AnotherUnicodeFormIsTheSamePerson) {
  const Roster roster = Parse("id\nm\u00FCller\n");
  EXPECT_EQ(IdOf(roster, "mu\u0308ller"), "m\u00FCller");
  EXPECT_EQ(IdOf(roster, "M\u00DCLLER"), "m\u00FCller");
}

TEST(RosterTest, TwoWhoDifferInCaseOrFormStayTwo) {
  const Roster roster = Parse("id\nann\nAnn\nm\u00FCller\nmu\u0308ller\n");
  EXPECT_EQ(IdOf(roster, "ann"), "ann");
  EXPECT_EQ(IdOf(roster, "Ann"), "Ann");
  EXPECT_EQ(IdOf(roster, "ANN"), "may be any of ann, Ann");
  EXPECT_EQ(IdOf(roster, "mu\u0308ller"), "mu\u0308ller");
}

TEST(RosterTest, AnIdComesBeforeANumberOfSomeoneElse) {
  const Roster roster = Parse("id,platform_id\n17,18\n18,19\n");
  EXPECT_EQ(IdOf(roster, "18"), "18");
  EXPECT_EQ(IdOf(roster, "19"), "18");
}

TEST(RosterTest, MistakesAreNamedWithTheirLine) {
  EXPECT_THAT(ErrorOf("id,fre_days\nann,1\n"), HasSubstr("'fre_days' is unkn"));
  EXPECT_THAT(ErrorOf("name\nann\n"), HasSubstr("no column 'id'"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("no column 'id'"));
  EXPECT_THAT(ErrorOf("id\nann\nbob\nann\n"),
              HasSubstr("line 4: the id 'ann'"));
  EXPECT_THAT(ErrorOf("id,name\n,x\n"), HasSubstr("line 2: there is no id"));
  EXPECT_THAT(ErrorOf("id,due,reason\nann,2027-01-15,ill\n"),
              HasSubstr("'2027-01-15' is not a valid date with time and zone"));
  EXPECT_THAT(ErrorOf("id,free_days,reason\nann,two,ill\n"),
              HasSubstr("'two' must be a count of days"));
  EXPECT_THAT(ErrorOf("id,free_days,reason\nann,-1,ill\n"),
              HasSubstr("'-1' must be a count of days"));
  EXPECT_THAT(ErrorOf("id,free_days\nann,2\n"),
              HasSubstr("an extension without a reason"));
}

}  // namespace
}  // namespace kvlab::grading
