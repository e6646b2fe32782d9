#include "autograder/submission/submission.h"

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

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing.h"
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
  EXPECT_EQ(submission.files.at(kLayers).problem, "it is no regular file");
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
              "it is a symbolic link or no regular file");
  }
}

TEST_F(SubmissionTest, NamesThatLeadOutAreIgnored) {
  const Submission submission =
      ReadZip({{"../01_attention/attention.cc", "x"},
               {"/02_transformer/layers.cc", "x"},
               {"a/../../02_transformer/gpt2.cc", "x"},
               {"1/2/3/4/5/6/01_attention/attention.cc", "x"}});
  EXPECT_EQ(submission.ignored_count, 4U);
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
            }).find("text.zip: this is no zip archive"),
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
  const fs::path zip =
      Zip({{"01_attention/attention.cc", "int main() {}"},
           {"02_transformer/layers.cc", std::string(5000, 'x')}});
  const std::string original = Slurp(zip);
  for (int round = 0; round < 400; ++round) {
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
