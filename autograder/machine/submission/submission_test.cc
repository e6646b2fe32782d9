#include "autograder/machine/submission/submission.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "archive.h"
#include "archive_entry.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing/testing.h"
#include "zip.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

const std::vector<ModuleFiles> kModules = {
    {1, "Attention", "01_attention", {"attention.cc"}, {}},
    {2, "Transformer", "02_transformer", {"layers.cc", "gpt2.cc"}, {}},
};

const std::string kAttention = "modules/01_attention/attention.cc";
const std::string kLayers = "modules/02_transformer/layers.cc";
const std::string kGpt2 = "modules/02_transformer/gpt2.cc";

class SubmissionTest : public ::testing::Test {
 protected:
  SubmissionTest() {
    fs::remove_all(root_);
    fs::create_directories(root_ / "folder");
  }
  ~SubmissionTest() override { fs::remove_all(root_); }

  const fs::path& Root() const { return root_; }
  fs::path Folder() const { return root_ / "folder"; }

  void Write(const std::string& name, const std::string& content) const {
    fs::create_directories((Folder() / name).parent_path());
    std::ofstream(Folder() / name, std::ios::binary) << content;
  }

  Submission ReadFolder() const { return ReadSubmission(Folder(), kModules); }

  struct ZipEntry {
    std::string name;
    std::string content;
    mode_t mode = S_IFREG | 0644;
  };
  fs::path Zip(const std::vector<ZipEntry>& entries) const {
    fs::path path = root_ / "submission.zip";
    int error = 0;
    zip_t* archive =
        ::zip_open(path.c_str(), ZIP_CREATE | ZIP_TRUNCATE, &error);
    for (const ZipEntry& entry : entries) {
      zip_source_t* source = ::zip_source_buffer(archive, entry.content.data(),
                                                 entry.content.size(), 0);
      const zip_int64_t index =
          ::zip_file_add(archive, entry.name.c_str(), source, 0);
      EXPECT_GE(index, 0) << ::zip_strerror(archive);
      ::zip_file_set_external_attributes(archive, index, 0, ZIP_OPSYS_UNIX,
                                         static_cast<zip_uint32_t>(entry.mode)
                                             << 16U);
    }
    EXPECT_EQ(::zip_close(archive), 0) << ::zip_strerror(archive);
    return path;
  }

  enum class Packing { kPlain, kGzip };

  fs::path Tar(const std::vector<ZipEntry>& entries, Packing packing) const {
    fs::path path = root_ / "submission.tar.gz";
    archive* written = ::archive_write_new();
    ::archive_write_set_format_pax_restricted(written);
    if (packing == Packing::kGzip) ::archive_write_add_filter_gzip(written);
    EXPECT_EQ(::archive_write_open_filename(written, path.c_str()), ARCHIVE_OK);
    for (const ZipEntry& one : entries) {
      archive_entry* entry = ::archive_entry_new();
      ::archive_entry_set_pathname(entry, one.name.c_str());
      ::archive_entry_set_mode(entry, one.mode);
      if (S_ISLNK(one.mode)) {
        ::archive_entry_set_symlink(entry, one.content.c_str());
      }
      const bool has_content = S_ISREG(one.mode);
      ::archive_entry_set_size(
          entry, static_cast<la_int64_t>(has_content ? one.content.size() : 0));
      EXPECT_EQ(::archive_write_header(written, entry), ARCHIVE_OK);
      if (has_content) {
        ::archive_write_data(written, one.content.data(), one.content.size());
      }
      ::archive_entry_free(entry);
    }
    EXPECT_EQ(::archive_write_close(written), ARCHIVE_OK);
    ::archive_write_free(written);
    return path;
  }

  Submission ReadZip(const std::vector<ZipEntry>& entries) const {
    return ReadSubmission(Zip(entries), kModules);
  }

  // Puts `to` (of the same length) in place of every `from` in the archive.
  static void Patch(const fs::path& archive, const std::string& from,
                    const std::string& to) {
    std::string bytes = Slurp(archive);
    for (std::size_t at = 0;
         (at = bytes.find(from, at)) != std::string::npos;) {
      bytes.replace(at, from.size(), to);
    }
    std::ofstream(archive, std::ios::binary) << bytes;
  }

  static std::string Slurp(const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

 private:
  fs::path root_ = fs::path(::testing::TempDir()) /
                   ("submission" + std::to_string(::getpid()));
};

TEST_F(SubmissionTest, TakesWhatModulesNameAndListsTheRest) {
  Write("modules/01_attention/attention.cc", "one\r\n");
  Write("modules/01_attention/attention.h", "not ours to take");
  Write("02_transformer/layers.cc", "two");
  Write("notes.txt", "hello");
  const Submission submission = ReadFolder();
  ASSERT_EQ(submission.files.size(), 3U);
  EXPECT_EQ(submission.files.at(kAttention).content, "one\r\n");
  EXPECT_EQ(submission.files.at(kAttention).found_at, kAttention);
  EXPECT_EQ(submission.files.at(kLayers).content, "two");
  EXPECT_FALSE(submission.files.at(kGpt2).IsPresent());
  EXPECT_EQ(submission.files.at(kGpt2).problem, "it is missing");
  EXPECT_EQ(submission.ignored,
            (std::vector<std::string>{"modules/01_attention/attention.h",
                                      "notes.txt"}));
  EXPECT_EQ(submission.ignored_count, 2U);
}

TEST_F(SubmissionTest, ATopFolderAroundItAllIsFine) {
  Write("me/handout/modules/01_attention/attention.cc", "one");
  EXPECT_EQ(ReadFolder().files.at(kAttention).content, "one");
  const Submission zip = ReadZip({{"handout/01_attention/attention.cc", "1"},
                                  {"handout\\02_transformer\\gpt2.cc", "2"},
                                  {"./02_transformer/layers.cc", "3"}});
  EXPECT_EQ(zip.files.at(kAttention).content, "1");
  EXPECT_EQ(zip.files.at(kGpt2).content, "2");
  EXPECT_EQ(zip.files.at(kLayers).content, "3");
}

TEST_F(SubmissionTest, AnEmptyFileIsPresent) {
  Write(kAttention, "");
  EXPECT_TRUE(ReadFolder().files.at(kAttention).IsPresent());
}

TEST_F(SubmissionTest, AFileThatIsThereTwiceIsRefused) {
  Write("modules/01_attention/attention.cc", "one");
  Write("01_attention/attention.cc", "two");
  Write("backup/01_attention/attention.cc", "three");
  const SubmittedFile file = ReadFolder().files.at(kAttention);
  EXPECT_NE(file.problem.find("twice"), std::string::npos);
  EXPECT_EQ(file.content, "");
}

// As two archives hold it, one of them unpacked beside the other.
TEST_F(SubmissionTest, TheSameFileTwiceLeavesNoDoubt) {
  Write("modules/01_attention/attention.cc", "one");
  Write("01_attention/attention.cc", "one");
  EXPECT_EQ(ReadFolder().files.at(kAttention).content, "one");
}

// What Gradescope, PrairieLearn and Canvas make of files that are dragged into
// their pages one by one.
TEST_F(SubmissionTest, AFlatUploadIsTakenByName) {
  Write("attention.cc", "one");
  Write("layers.cc", "two");
  const Submission submission = ReadFolder();
  EXPECT_EQ(submission.files.at(kAttention).content, "one");
  EXPECT_EQ(submission.files.at(kLayers).content, "two");
  EXPECT_EQ(submission.files.at(kGpt2).problem, "it is missing");
  EXPECT_EQ(submission.taken_by_name.size(), 2U);
  EXPECT_EQ(submission.ignored_count, 0U);
}

TEST_F(SubmissionTest, FoldersOfOtherNamesDoNotMatter) {
  Write("Module 1/src/attention.cc", "one");
  Write("1/2/3/4/5/6/7/8/02_transformer/layers.cc", "two");
  Write("02_Transformer/GPT2.CC", "three");
  const Submission submission = ReadFolder();
  EXPECT_EQ(submission.files.at(kAttention).content, "one");
  EXPECT_EQ(submission.files.at(kLayers).content, "two");
  EXPECT_EQ(submission.files.at(kGpt2).content, "three");
}

// As Windows' archiver packs them and Linux unpacks them.
TEST_F(SubmissionTest, BackslashesInFileNamesAreSeparators) {
  Write("hw\\01_attention\\attention.cc", "one");
  EXPECT_EQ(ReadFolder().files.at(kAttention).content, "one");
}

TEST_F(SubmissionTest, FilesOfTheHandoutAreNotTheStudents) {
  Write("handout/cli/gpt2.cc", "the course's");
  Write("handout/modules/01_attention/attention.cc", "one");
  const Submission submission = ReadFolder();
  EXPECT_EQ(submission.files.at(kAttention).content, "one");
  EXPECT_EQ(submission.files.at(kGpt2).problem, "it is missing");
}

TEST_F(SubmissionTest, TheBetterNameCounts) {
  Write("old/attention.cc", "old");
  Write("01_attention/attention.cc", "new");
  Write("01_attention/attention (1).cc", "older");
  const Submission submission = ReadFolder();
  EXPECT_EQ(submission.files.at(kAttention).content, "new");
  EXPECT_EQ(submission.ignored_count, 2U);
}

TEST_F(SubmissionTest, TwoFlatFilesOfOneNameAreRefused) {
  Write("a/attention.cc", "one");
  Write("b/attention.cc", "two");
  const SubmittedFile file = ReadFolder().files.at(kAttention);
  EXPECT_NE(file.problem.find("twice"), std::string::npos) << file.problem;
}

// Two modules may have files of one name; then the folder must say which.
TEST_F(SubmissionTest, ANameOfTwoModulesNeedsItsFolder) {
  const std::vector<ModuleFiles> modules = {{1, "A", "01_a", {"x.cc"}, {}},
                                            {2, "B", "02_b", {"x.cc"}, {}}};
  Write("x.cc", "whose?");
  Write("02_B/x.cc", "two");
  const Submission submission = ReadSubmission(Folder(), modules);
  EXPECT_EQ(submission.files.at("modules/01_a/x.cc").problem, "it is missing");
  EXPECT_EQ(submission.files.at("modules/02_b/x.cc").content, "two");
}

TEST_F(SubmissionTest, WhatWasHandedInOnceMoreHasANumber) {
  Write("attention (1).cc", "one");
  Write("layers-2.cc", "two");
  Write("gpt2(10).cc", "three");
  const Submission submission = ReadFolder();
  EXPECT_EQ(submission.files.at(kAttention).content, "one");
  EXPECT_EQ(submission.files.at(kLayers).content, "two");
  EXPECT_EQ(submission.files.at(kGpt2).content, "three");
}

TEST_F(SubmissionTest, WhatArchiversAndEditorsLeaveIsNotMentioned) {
  const Submission submission =
      ReadZip({{"hw/01_attention/attention.cc", "one"},
               {"__MACOSX/hw/01_attention/._attention.cc", "x"},
               {"hw/01_attention/._attention.cc", "x"},
               {"hw/.DS_Store", "x"},
               {"hw/Thumbs.db", "x"},
               {"hw/.git/config", "x"},
               {"hw/.vscode/settings.json", "x"}});
  EXPECT_EQ(submission.files.at(kAttention).content, "one");
  EXPECT_EQ(submission.ignored_count, 0U);
}

TEST_F(SubmissionTest, AnArchiveInTheSubmissionIsReadAsAFolder) {
  const std::string inner = Slurp(Zip({{"01_attention/attention.cc", "one"}}));
  const std::string middle =
      Slurp(Zip({{"submission.zip", inner}, {"layers.cc", "two"}}));
  // As PrairieLearn has it, and as it is when it was packed once more.
  Write("submission.zip", middle);
  for (const Submission& submission :
       {ReadFolder(), ReadSubmission(Folder() / "submission.zip", kModules)}) {
    EXPECT_EQ(submission.files.at(kAttention).content, "one");
    EXPECT_EQ(submission.files.at(kLayers).content, "two");
    EXPECT_EQ(submission.ignored_count, 0U);
  }
  EXPECT_EQ(ReadFolder().files.at(kAttention).found_at,
            "submission.zip/submission.zip/01_attention/attention.cc");
}

TEST_F(SubmissionTest, ArchivesThatDisagreeAreRefused) {
  Write("a.zip", Slurp(Zip({{"01_attention/attention.cc", "one"}})));
  Write("b.zip", Slurp(Zip({{"01_attention/attention.cc", "two"}})));
  const SubmittedFile file = ReadFolder().files.at(kAttention);
  EXPECT_NE(file.problem.find("a.zip/01_attention"), std::string::npos)
      << file.problem;
  EXPECT_NE(file.problem.find("b.zip/01_attention"), std::string::npos);
}

TEST_F(SubmissionTest, ArchivesAreNotUnpackedForEver) {
  std::string packed = Slurp(Zip({{"01_attention/attention.cc", "one"}}));
  for (int i = 0; i < 5; ++i) packed = Slurp(Zip({{"again.zip", packed}}));
  Write("again.zip", packed);
  const Submission submission = ReadFolder();
  EXPECT_FALSE(submission.files.at(kAttention).IsPresent());
  ASSERT_EQ(submission.notes.size(), 1U);
  EXPECT_NE(submission.notes[0].find("hand in what ./kvlab submit packs"),
            std::string::npos);
}

TEST_F(SubmissionTest, AnInnerArchiveThatIsNoneIsTold) {
  Write("broken.zip", "this is text");
  Write("homework.rar", "Rar!");
  Write("attention.cc", "one");
  const Submission submission = ReadFolder();
  EXPECT_EQ(submission.files.at(kAttention).content, "one");
  EXPECT_EQ(submission.notes.size(), 2U);
}

TEST_F(SubmissionTest, ATarArchiveIsReadWithAndWithoutGzip) {
  for (const Packing packing : {Packing::kPlain, Packing::kGzip}) {
    const Submission submission =
        ReadSubmission(Tar({{"hw/", "", S_IFDIR | 0755},
                            {"hw/01_attention/attention.cc", "one"},
                            {"hw/layers.cc", "two"},
                            {"hw/notes.txt", std::string(3000000, 'n')},
                            {"hw/02_transformer/gpt2.cc", "three"}},
                           packing),
                       kModules);
    EXPECT_EQ(submission.files.at(kAttention).content, "one");
    EXPECT_EQ(submission.files.at(kLayers).content, "two");
    EXPECT_EQ(submission.files.at(kGpt2).content, "three");
    EXPECT_EQ(submission.ignored, (std::vector<std::string>{"hw/notes.txt"}));
    EXPECT_TRUE(submission.notes.empty());
  }
}

TEST_F(SubmissionTest, LinksAndDevicesInTarArchivesAreRefused) {
  const Submission submission = ReadSubmission(
      Tar({{"01_attention/attention.cc", "/etc/passwd", S_IFLNK | 0777},
           {"02_transformer/layers.cc", "", S_IFCHR | 0666},
           {"../02_transformer/gpt2.cc", "x"}},
          Packing::kGzip),
      kModules);
  for (const std::string& path : {kAttention, kLayers}) {
    EXPECT_EQ(submission.files.at(path).problem,
              "it is a link or not a regular file");
  }
  EXPECT_EQ(submission.files.at(kGpt2).problem, "it is missing");
}

TEST_F(SubmissionTest, ABombInATarArchiveIsReadNoFurtherThanTheCap) {
  std::string zeros;
  zeros.resize(300000000);
  const Submission submission =
      ReadSubmission(Tar({{"01_attention/attention.cc", zeros},
                          {"02_transformer/layers.cc", "two"}},
                         Packing::kGzip),
                     kModules);
  EXPECT_EQ(submission.files.at(kAttention).problem,
            "it is longer than 1048576 bytes");
  EXPECT_EQ(submission.files.at(kLayers).problem, "it is missing");
  ASSERT_EQ(submission.notes.size(), 1U);
  EXPECT_NE(submission.notes[0].find("too much to unpack"), std::string::npos);
}

TEST_F(SubmissionTest, CopiesThatToolsLeaveDoNotCount) {
  Write("modules/01_attention/attention.cc", "one");
  Write("bazel-handout/modules/01_attention/attention.cc", "one");
  EXPECT_EQ(ReadFolder().files.at(kAttention).content, "one");
}

TEST_F(SubmissionTest, OneLongFileIsRefusedAndTheLongestIsNot) {
  Write(kAttention, std::string(kMaxSourceBytes, 'x'));
  Write(kLayers, std::string(kMaxSourceBytes + 1, 'x'));
  const Submission submission = ReadFolder();
  EXPECT_TRUE(submission.files.at(kAttention).IsPresent());
  EXPECT_EQ(submission.files.at(kLayers).problem,
            "it is longer than 1048576 bytes");
  EXPECT_EQ(submission.files.at(kLayers).content, "");
}

TEST_F(SubmissionTest, LinksPipesAndFoldersAreNoFiles) {
  Write("secret", "not yours");
  fs::create_directories(Folder() / "01_attention");
  fs::create_symlink("../secret", Folder() / "01_attention/attention.cc");
  fs::create_directories(Folder() / "02_transformer");
  ASSERT_EQ(::mkfifo((Folder() / "02_transformer/layers.cc").c_str(), 0600), 0);
  fs::create_directories(Folder() / "02_transformer/gpt2.cc");
  const Submission submission = ReadFolder();
  EXPECT_EQ(submission.files.at(kAttention).problem, "it is a symbolic link");
  EXPECT_EQ(submission.files.at(kLayers).problem, "it is not a regular file");
  EXPECT_EQ(submission.files.at(kGpt2).problem, "it is missing");
}

TEST_F(SubmissionTest, LinkedFoldersAreNotEntered) {
  fs::create_directories(Root() / "elsewhere");
  std::ofstream(Root() / "elsewhere/attention.cc") << "not yours";
  fs::create_symlink(Root() / "elsewhere", Folder() / "01_attention");
  EXPECT_FALSE(ReadFolder().files.at(kAttention).IsPresent());
}

TEST_F(SubmissionTest, LinksAndDevicesInZipsAreRefused) {
  const Submission submission =
      ReadZip({{"01_attention/attention.cc", "/etc/passwd", S_IFLNK | 0777},
               {"02_transformer/layers.cc", "", S_IFCHR | 0666}});
  for (const std::string& path : {kAttention, kLayers}) {
    EXPECT_EQ(submission.files.at(path).problem,
              "it is a symbolic link or not a regular file");
  }
}

TEST_F(SubmissionTest, NamesThatLeadOutAreIgnored) {
  const Submission submission =
      ReadZip({{"../01_attention/attention.cc", "x"},
               {"/02_transformer/layers.cc", "x"},
               {"a/../../02_transformer/gpt2.cc", "x"}});
  EXPECT_EQ(submission.ignored_count, 3U);
  for (const auto& [path, file] : submission.files) {
    EXPECT_EQ(file.problem, "it is missing") << path;
  }
}

TEST_F(SubmissionTest, TwoEntriesOfOneNameAreRefused) {
  const fs::path zip = Zip({{"01_attention/attention.cc", "one"},
                            {"01_attention/attentiom.cc", "two"}});
  Patch(zip, "attentiom.cc", "attention.cc");
  const Submission submission = ReadSubmission(zip, kModules);
  EXPECT_NE(submission.files.at(kAttention).problem.find("twice"),
            std::string::npos);
}

TEST_F(SubmissionTest, ABombIsReadNoFurtherThanTheCap) {
  // 20 MB of zeros, some 20 kB packed.
  std::string zeros;
  zeros.resize(20000000);
  const Submission submission = ReadZip({{"01_attention/attention.cc", zeros}});
  EXPECT_EQ(submission.files.at(kAttention).problem,
            "it is longer than 1048576 bytes");
}

TEST_F(SubmissionTest, SizesThatAnArchiveStatesAreNotBelieved) {
  const std::string content(70000, 'x');
  const fs::path zip = Zip({{"01_attention/attention.cc", content}});
  const auto stated = [](std::uint32_t size) {
    return std::string(reinterpret_cast<const char*>(&size), sizeof(size));
  };
  Patch(zip, stated(70000), stated(5));
  // Whatever the library makes of it: never more than was packed.
  const SubmittedFile file = ReadSubmission(zip, kModules).files.at(kAttention);
  EXPECT_LE(file.content.size(), content.size());
}

TEST_F(SubmissionTest, NamesAreMadePrintable) {
  constexpr std::size_t kLong = 60000;
  const std::string long_name(kLong, 'n');
  const Submission submission =
      ReadZip({{"\x1b[31mred\n\xff.txt", ""}, {long_name, ""}});
  ASSERT_EQ(submission.ignored.size(), 2U);
  EXPECT_EQ(submission.ignored[0], "\\x1b[31mred\\x0a\\xff.txt");
  EXPECT_LT(submission.ignored[1].size(), 300U);
}

TEST_F(SubmissionTest, OfManyIgnoredFilesTheFirstAreNamed) {
  std::vector<ZipEntry> entries(1001);
  for (int i = 0; i < 1000; ++i) entries[i].name = std::to_string(i);
  entries[1000] = {"01_attention/attention.cc", "one"};
  const Submission submission = ReadZip(entries);
  EXPECT_EQ(submission.ignored_count, 1000U);
  EXPECT_EQ(submission.ignored.size(), 50U);
  EXPECT_EQ(submission.files.at(kAttention).content, "one");
}

TEST_F(SubmissionTest, WhatIsNeitherFolderNorZipIsAnError) {
  Write("text.zip", "this is text");
  EXPECT_NE(MessageOf<DataError>([this] {
              ReadSubmission(Folder() / "text.zip", kModules);
            }).find("text.zip: not a zip archive that can be opened"),
            std::string::npos);
  EXPECT_THROW(ReadSubmission(Folder() / "none", kModules), DataError);
  EXPECT_THROW(ReadSubmission("/dev/null", kModules), DataError);
}

// Whatever is done to an archive, it is read, refused or an error that says so;
// the sanitizers watch.
TEST_F(SubmissionTest, DamagedArchivesDoNoHarm) {
  constexpr std::uint32_t kSeed = 20240603;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  const std::vector<ZipEntry> entries = {
      {"01_attention/attention.cc", "int main() {}"},
      {"02_transformer/layers.cc", std::string(5000, 'x')}};
  const fs::path zip = Zip(entries);
  const std::vector<std::string> originals = {
      Slurp(zip), Slurp(Tar(entries, Packing::kPlain)),
      Slurp(Tar(entries, Packing::kGzip))};
  for (std::size_t round = 0; round < 1200; ++round) {
    const std::string& original = originals[round % originals.size()];
    std::string bytes = original;
    for (int change = 0; change < 3; ++change) {
      bytes[random() % bytes.size()] = static_cast<char>(random());
    }
    if (round % 4 == 0) bytes.resize(random() % bytes.size());
    std::ofstream(zip, std::ios::binary) << bytes;
    try {
      for (const auto& [path, file] : ReadSubmission(zip, kModules).files) {
        EXPECT_LE(file.content.size(), kMaxSourceBytes);
      }
    } catch (const DataError&) {
    }
  }
}

}  // namespace
}  // namespace kvlab::grading
