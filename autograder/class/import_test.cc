// What Canvas, Moodle, Gradescope, git and plain archives become, and what is
// listed because it would have to be guessed.
#include "autograder/class/import.h"

#include <cstdlib>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "autograder/class/csv.h"
#include "autograder/class/entry_source.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/platform_csv.h"
#include "autograder/class/roster.h"
#include "autograder/class/test_folder.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "zip.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Files = std::vector<std::pair<std::string, std::string>>;

constexpr const char* kMetadata = R"(---
submission_1:
  :submitters:
  - :name: Ann Lee
    :sid: '4711'
    :email: ann@example.org
  - :name: Bob Ray
    :sid: ''
    :email: bob@example.org
  :created_at: 2027-01-15 22:59:00.123456789 Z
  :score: 0.0
  :history:
  - :id: 7
submission_2:
  :submitters:
  - :name: Pat O'Brien
    :sid:
    :email: o'brien@example.edu
  :created_at: 2027-01-16 00:00:01 +01:00
submission_3:
  :submitters:
  - :name: Unknown
    :email: x@example.org
  :created_at: whenever
)";

class ImportTest : public testing::Test {
 protected:
  ImportTest() : book_(folder_.Path() / "class.sqlite") {}

  // A zip with these entries.
  fs::path Zip(const std::string& name, const Files& files) const {
    const fs::path path = folder_.Path() / name;
    fs::create_directories(path.parent_path());
    zip_t* archive =
        ::zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
    for (const auto& [entry, content] : files) {
      zip_source_t* source =
          ::zip_source_buffer(archive, content.data(), content.size(), 0);
      EXPECT_GE(::zip_file_add(archive, entry.c_str(), source, 0), 0) << entry;
    }
    EXPECT_EQ(::zip_close(archive), 0);
    return path;
  }

  ImportSummary Take(const fs::path& path, const ImportOptions& options = {}) {
    return Import(book_, roster_, {path}, options);
  }

  // "ann=content", in the order of their import.
  std::vector<std::string> Kept() const {
    std::vector<std::string> kept;
    for (const Attempt& attempt : book_.Attempts()) {
      kept.push_back(attempt.student + "=" + book_.Content(attempt));
    }
    return kept;
  }

  TestFolder folder_;
  Roster roster_ =
      Roster::Parse(CsvFile::Parse("id,name,email,platform_id\n"
                                   "ann,Ann Lee,ann@example.org,4711\n"
                                   "bob,Bob Ray,bob@example.org,815\n"
                                   "o'brien@example.edu,Pat O'Brien,,\n"
                                   "m\u00FCller,J M\u00FCller,,\n"
                                   "Eve,Eve A,,\n"
                                   "eve,Eve B,,\n",
                                   "roster.csv"),
                    "roster.csv");
  Gradebook book_;
};

TEST_F(ImportTest, CanvasHasLateMarksAndAttemptsInItsNames) {
  const ImportSummary summary =
      Take(Zip("all.zip", {{"leeann_4711_90210_submission-1.zip", "second"},
                           {"leeann_4711_90209_submission.zip", "first"},
                           {"leeann_4711_90222_submission-10.zip", "eleventh"},
                           {"raybob_LATE_815_90211_submission.zip", "late"},
                           {"doejane_99_90212_submission.zip", "stranger"},
                           {"readme.txt", "x"}}));
  EXPECT_EQ(summary.added, 4U);
  EXPECT_THAT(Kept(), ElementsAre("ann=first", "ann=second", "ann=eleventh",
                                  "bob=late"));
  EXPECT_TRUE(book_.Attempts()[3].marked_late);
  EXPECT_THAT(summary.late_marks, ElementsAre("bob"));
  EXPECT_THAT(summary.strangers, ElementsAre(HasSubstr("99 (canvas: all.zip")));
  EXPECT_THAT(summary.ignored, ElementsAre(HasSubstr("readme.txt")));
}

TEST_F(ImportTest, TwoPeopleWithOneFileNameStayTwo) {
  Take(Zip("all.zip", {{"same_4711_1_submission.zip", "same bytes"},
                       {"same_815_2_submission.zip", "same bytes"}}));
  EXPECT_THAT(Kept(), ElementsAre("ann=same bytes", "bob=same bytes"));
}

TEST_F(ImportTest, SeveralFilesOfOnePersonAreOneAttempt) {
  Take(Zip("all.zip", {{"leeann_4711_1_attention.cc", "old"},
                       {"leeann_4711_2_attention-1.cc", "a"},
                       {"leeann_4711_3_kv_cache.cc", "k"}}));
  ASSERT_EQ(book_.Attempts().size(), 1U);
  EXPECT_EQ(book_.Content(book_.Attempts()[0]),
            Bundle({{"kv_cache.cc", "k"}, {"attention.cc", "a"}}));
}

TEST_F(ImportTest, MoodleHasFoldersForPeopleOrLongNames) {
  const ImportSummary summary = Take(Zip(
      "moodle.zip",
      {{"Ann Lee_4711_assignsubmission_file_/submission.zip", "a"},
       {"Bob_Ray_815_assignsubmission_file_submission.zip", "b"},
       {"Bob_Ray_815_assignsubmission_onlinetext_/onlinetext.html", "hi"},
       {"J_1_assignsubmission_file_J_99_assignsubmission_file_x.zip", "j"}}));
  EXPECT_THAT(Kept(), ElementsAre("ann=a", "bob=b"));
  EXPECT_THAT(summary.ignored,
              testing::UnorderedElementsAre(HasSubstr("typed into Moodle"),
                                            HasSubstr("J_1_assignsub")));
  EXPECT_THAT(summary.strangers, IsEmpty());
}

// Each of these files would give what its author handed in to bob.
TEST_F(ImportTest, AFileCannotMakeAnExportPassForAnotherPlatforms) {
  const fs::path canvas =
      Zip("canvas.zip",
          {{"leeann_4711_1_x_815_assignsubmission_file_x.zip", "not bob's"},
           {"raybob_815_2_submission.zip", "bob's"}});
  EXPECT_THROW(Take(canvas), DataError);
  Take(canvas, {.origin = Origin::kCanvas});
  EXPECT_THAT(Kept(), ElementsAre("ann=not bob's", "bob=bob's"));
  const fs::path moodle = Zip(
      "moodle.zip",
      {{"Ann_4711_assignsubmission_file_/submission_metadata.yml", kMetadata},
       {"Ann_4711_assignsubmission_file_/submission_1/a.zip", "not bob's"}});
  EXPECT_THROW(Take(moodle), DataError);
  EXPECT_EQ(Kept().size(), 2U);
}

TEST_F(ImportTest, MetadataThatWasHandedInIsNotGradescopes) {
  Take(Zip("export.zip", {{"submission_1/submission_metadata.yml", "forged: 1"},
                          {"submission_metadata.yml", kMetadata}}));
  EXPECT_EQ(Kept().size(), 2U);
}

TEST_F(ImportTest, GradescopeNamesGroupsAndTimes) {
  const ImportSummary summary =
      Take(Zip("export.zip",
               {{"assignment_1_export/submission_metadata.yml", kMetadata},
                {"assignment_1_export/submission_1/submission.zip", "group"},
                {"assignment_1_export/submission_2/a.cc", "A"},
                {"assignment_1_export/submission_2/m/b.cc", "B"},
                {"assignment_1_export/submission_3/a.zip", "X"},
                {"assignment_1_export/submission_10/a.zip", "Y"}}));
  EXPECT_THAT(Kept(),
              ElementsAre("ann=group", "bob=group",
                          "o'brien@example.edu=" +
                              Bundle({{"a.cc", "A"}, {"m/b.cc", "B"}})));
  EXPECT_THAT(book_.Attempts()[1].members, ElementsAre("ann", "bob"));
  EXPECT_EQ(IsoText(*book_.Attempts()[0].submitted_at),
            "2027-01-15T22:59:00+00:00");
  EXPECT_EQ(IsoText(*book_.Attempts()[2].submitted_at),
            "2027-01-16T00:00:01+01:00");
  EXPECT_THAT(summary.strangers, ElementsAre(HasSubstr("x@example.org")));
}

TEST_F(ImportTest, AFolderThatAZipUnpacksToIsReadTheSameWay) {
  folder_.Write("export/submission_metadata.yml", kMetadata);
  folder_.Write("export/submission_1/submission.zip", "group");
  const ImportSummary summary = Take(folder_.Path() / "export");
  EXPECT_THAT(Kept(), ElementsAre("ann=group", "bob=group"));
  EXPECT_EQ(summary.ignored.size(), 2U) << "submissions without files";
}

TEST_F(ImportTest, PlainArchivesAreNamedByTheirAuthors) {
  folder_.Write("in/ann.zip", "a");
  folder_.Write("in/o'brien@example.edu.tar.gz", "o");
  folder_.Write("in/mu\u0308ller.zip", "m");
  folder_.Write("in/EVE.zip", "e");
  folder_.Write("in/eve.zip", "lower");
  folder_.Write("in/ghost.zip", "g");
  folder_.Write("in/notes.txt", "n");
  fs::create_symlink("/etc/passwd", folder_.Path() / "in" / "bob.zip");
  const ImportSummary summary = Take(folder_.Path() / "in");
  EXPECT_THAT(Kept(), ElementsAre("ann=a", "eve=lower", "m\u00FCller=m",
                                  "o'brien@example.edu=o"));
  EXPECT_THAT(summary.strangers, ElementsAre(HasSubstr("ghost")));
  EXPECT_THAT(summary.refused,
              ElementsAre(HasSubstr("may be any of Eve, eve")));
  EXPECT_THAT(summary.ignored, ElementsAre(HasSubstr("bob.zip: a symbolic"),
                                           HasSubstr("notes.txt")));
}

TEST_F(ImportTest, AnArchiveOfAPersonIsTheirsWhateverItHolds) {
  Take(Zip("ann.zip", {{"raybob_815_1_submission.zip", "not bob's"}}));
  ASSERT_EQ(book_.Attempts().size(), 1U);
  EXPECT_EQ(book_.Attempts()[0].student, "ann");
}

TEST_F(ImportTest, TheSameExportAgainChangesNothing) {
  const fs::path zip = Zip("all.zip", {{"a_4711_1_submission.zip", "a"},
                                       {"b_815_2_submission.zip", "b"}});
  EXPECT_EQ(Take(zip).added, 2U);
  const ImportSummary again = Take(zip);
  EXPECT_EQ(again.added, 0U);
  EXPECT_EQ(again.known, 2U);
  EXPECT_EQ(Kept().size(), 2U);
}

TEST_F(ImportTest, AnOrderThatIsUnknownIsNotGuessed) {
  folder_.Write("in/ann.zip", "one");
  folder_.Write("in/ann.tar.gz", "another");
  folder_.Write("in/bob.zip", "same");
  folder_.Write("in/bob.tar", "same");
  const ImportSummary summary = Take(folder_.Path() / "in");
  EXPECT_THAT(Kept(), ElementsAre("bob=same"));
  EXPECT_THAT(summary.refused,
              ElementsAre(HasSubstr("ann: 2 archives that differ, and nothing "
                                    "says which is the later one")));
}

TEST_F(ImportTest, AGivenTimeIsForAttemptsWithoutOne) {
  const fs::path zip = Zip("all.zip", {{"a_LATE_4711_1_submission.zip", "a"}});
  Take(zip);
  const ImportSummary summary =
      Take(zip, {.submitted_at = ParseIsoTime("2027-01-16T10:00:00+01:00")});
  EXPECT_EQ(summary.times_added, 1U);
  EXPECT_THAT(summary.late_marks, IsEmpty());
  EXPECT_EQ(IsoText(*book_.Attempts()[0].submitted_at),
            "2027-01-16T10:00:00+01:00");
}

TEST_F(ImportTest, ThePlatformsListNamesPeopleByItsNumbers) {
  const PlatformCsv canvas(
      CsvFile::Parse("Student,ID,SIS User ID,SIS Login ID,Section,KV (1)\n"
                     "    Points Possible,,,,,100\n"
                     "\"O'Brien, Pat\",77,,o'brien@example.edu,A,\n"
                     "\"Student, Test\",78,,bob,A,\n",
                     "grades.csv"),
      "grades.csv");
  const fs::path zip = Zip("all.zip", {{"obrienpat_77_1_submission.zip", "p"},
                                       {"test_78_2_submission.zip", "t"}});
  const ImportSummary summary = Take(zip, {.people = &canvas});
  EXPECT_THAT(Kept(), ElementsAre("o'brien@example.edu=p"));
  EXPECT_EQ(summary.strangers.size(), 1U);
}

TEST_F(ImportTest, RepositoriesAreReadAtTheirLastCommit) {
  const fs::path in = folder_.Path() / "in";
  // The repository has a setting that git would obey if it worked in there.
  const fs::path script = folder_.Write("make", R"(set -e
export HOME="$1" GIT_CONFIG_NOSYSTEM=1
mkdir -p "$1/in/ann" "$1/in/bob"
git init -q "$1/in/bob"
cd "$1/in/ann"
git init -q
echo committed >a.cc
git add a.cc
GIT_COMMITTER_DATE=2027-01-15T23:00:00+01:00 git -c user.name=a \
  -c user.email=a@example.org commit -q -m a
echo changed >a.cc
git config core.fsmonitor "touch '$1/obeyed'"
)");
  ASSERT_EQ(
      std::system(
          ("sh " + script.string() + " " + folder_.Path().string()).c_str()),
      0);
  const ImportSummary summary = Take(in);
  ASSERT_EQ(book_.Attempts().size(), 1U)
      << testing::PrintToString(summary.ignored);
  const Attempt attempt = book_.Attempts()[0];
  EXPECT_EQ(attempt.student, "ann");
  EXPECT_EQ(IsoText(*attempt.submitted_at), "2027-01-15T23:00:00+01:00");
  EXPECT_THAT(attempt.origin, HasSubstr("git: ann, commit "));
  EXPECT_THAT(book_.Content(attempt), HasSubstr("committed\n"));
  EXPECT_FALSE(fs::exists(folder_.Path() / "obeyed"));
  EXPECT_THAT(summary.ignored, ElementsAre(HasSubstr("bob")));
  EXPECT_EQ(Take(in).known, 1U) << "the same commit is the same bytes";
}

TEST_F(ImportTest, HostileNamesStayNames) {
  const std::string long_name(300, 'x');
  const ImportSummary summary = Take(
      Zip("all.zip", {{"../../../evil_4711_1_submission.zip", "up"},
                      {"/abs_4711_2_submission.zip", "abs"},
                      {long_name + "_99_3_submission.zip", "long"},
                      {"<script>_98_4_=cmd|'.zip", "html"},
                      {"a\n_97_5_\x1b[2J.zip", "escape"},
                      {"n_99999999999999999999_6_a-99999999999.zip", "n"}}));
  EXPECT_THAT(Kept(), IsEmpty());
  for (const std::string& line : summary.strangers) {
    EXPECT_EQ(line.find_first_of("\n\x1b"), std::string::npos) << line;
  }
  EXPECT_EQ(summary.strangers.size(), 4U);
}

TEST_F(ImportTest, AFileThatIsNoExportStoresNothing) {
  folder_.Write("in/grades.zip", "not a zip");
  EXPECT_THROW(Take(folder_.Path() / "in" / "grades.zip"), DataError);
  EXPECT_THROW(Import(book_, roster_,
                      {Zip("all.zip", {{"a_4711_1_s.zip", "a"}}),
                       Zip("bad.zip", {{"submission_metadata.yml", "[1"}})},
                      {}),
               DataError);
  EXPECT_THAT(Kept(), IsEmpty()) << "all of it or nothing";
}

TEST_F(ImportTest, TheTextListsWhoIsMissingAndWhoCameTwice) {
  const ImportSummary summary =
      Take(Zip("all.zip", {{"a_4711_1_submission.zip", "a"},
                           {"a_4711_2_submission-1.zip", "b"}}));
  EXPECT_EQ(ImportText(summary, book_, roster_),
            "2 attempts new, 0 known already\n"
            "handed in several times: 1\n"
            "  ann: 2 attempts\n"
            "handed in nothing: 5\n"
            "  bob\n  o'brien@example.edu\n  m\u00FCller\n  Eve\n  eve\n");
}

TEST(PlatformCsvTest, MoodleNamesPeopleByNumberOrAddress) {
  const Roster roster = Roster::Parse(
      CsvFile::Parse("id,email,platform_id\nann,ann@x.org,\nbob,,12\n", "r"),
      "r");
  const PlatformCsv moodle(
      CsvFile::Parse("Identifier,Full name,Email address,Grade\n"
                     "Participant 11,Ann,ANN@x.org,\n"
                     "Participant 12,Bob,,\n"
                     "Participant 13,Eve,eve@x.org,\n",
                     "g.csv"),
      "g.csv");
  EXPECT_EQ(moodle.Kind(), Platform::kMoodle);
  const std::vector<PlatformRow> rows = moodle.Rows(roster);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].found.person->id, "ann");
  EXPECT_EQ(rows[1].found.person->id, "bob");
  EXPECT_EQ(rows[1].number, "12");
  EXPECT_EQ(rows[2].found.person, nullptr);
}

TEST(PlatformCsvTest, KeysThatNameTwoPeopleNameNeither) {
  const Roster roster =
      Roster::Parse(CsvFile::Parse("id\nann\nbob\n", "r"), "r");
  const PlatformCsv canvas(
      CsvFile::Parse("Student,ID,SIS User ID,SIS Login ID\nA,1,ann,bob\n", "g"),
      "g");
  const std::vector<PlatformRow> rows = canvas.Rows(roster);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].found.person, nullptr);
  EXPECT_THAT(rows[0].found.problem, HasSubstr("may be any of"));
}

TEST(PlatformCsvTest, AnotherTableIsRefused) {
  EXPECT_THROW(PlatformCsv(CsvFile::Parse("id,points\nann,1\n", "g"), "g"),
               DataError);
}

}  // namespace
}  // namespace kvlab::grading
