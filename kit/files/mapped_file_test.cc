#include "kit/files/mapped_file.h"

#include <sys/stat.h>

#include <filesystem>
#include <memory>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing/checkpoint_testing.h"
#include "kit/testing/testing.h"

namespace kvlab {
namespace {

using ::testing::HasSubstr;

TEST(MappedFileTest, ShowsTheBytesOfTheFile) {
  const std::filesystem::path path = EmptyTestFolder() / "file";
  WriteFile(path, "some bytes");
  EXPECT_EQ(MappedFile::Open(path)->Text(), "some bytes");
}

// A file may be replaced or deleted while a model that was read from it lives.
TEST(MappedFileTest, OutlivesTheNameOfTheFile) {
  const std::filesystem::path path = EmptyTestFolder() / "file";
  WriteFile(path, "some bytes");
  const std::shared_ptr<const MappedFile> file = MappedFile::Open(path);
  std::filesystem::remove(path);
  EXPECT_EQ(file->Text(), "some bytes");
}

TEST(MappedFileTest, WhatWasReleasedIsThereAgainWhenItIsLookedAt) {
  const std::filesystem::path path = EmptyTestFolder() / "file";
  std::string content;
  for (int i = 0; i < 5000; ++i) content += std::to_string(i);
  WriteFile(path, content);
  const std::shared_ptr<const MappedFile> file = MappedFile::Open(path);
  EXPECT_EQ(file->Text(), content);
  file->Release(file->Bytes());
  file->Release(file->Bytes().subspan(100, 9000));
  file->Release(file->Bytes().subspan(3, 5));  // no whole page
  file->Release({});
  EXPECT_EQ(file->Text(), content);
}

TEST(MappedFileTest, AnEmptyFileHasNoBytes) {
  const std::filesystem::path path = EmptyTestFolder() / "file";
  WriteFile(path, "");
  EXPECT_TRUE(MappedFile::Open(path)->Bytes().empty());
}

TEST(MappedFileTest, RefusesWhatIsNotARegularFile) {
  const std::filesystem::path folder = EmptyTestFolder();
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  for (const std::filesystem::path& path : {folder, pipe}) {
    const std::string message =
        MessageOf<DataError>([&] { MappedFile::Open(path); });
    EXPECT_THAT(message, HasSubstr(path.string() + ": is not a regular file"));
  }
}

TEST(MappedFileTest, NamesTheFileThatIsMissing) {
  const std::filesystem::path path = EmptyTestFolder() / "missing";
  const std::string message =
      MessageOf<DataError>([&] { MappedFile::Open(path); });
  EXPECT_THAT(message, HasSubstr(path.string() + ": cannot be opened"));
  EXPECT_THAT(message, HasSubstr("No such file"));
}

}  // namespace
}  // namespace kvlab
