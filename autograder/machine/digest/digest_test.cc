#include "autograder/machine/digest/digest.h"

#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/files/temporary_folder.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

void Write(const fs::path& file, const std::string& text) {
  fs::create_directories(file.parent_path());
  std::ofstream(file) << text;
}

TEST(DigestTest, IsThatOfTheStandard) {
  // FIPS 180-4's example, "abc".
  EXPECT_EQ(Sha256("abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(DigestTest, OfAFileItIsThatOfItsContent) {
  const TemporaryFolder folder;
  Write(folder.Path() / "a", "abc");
  EXPECT_EQ(Sha256OfFiles(folder.Path() / "a"), Sha256("abc"));
  EXPECT_THROW(Sha256OfFiles(folder.Path() / "gone"), DataError);
}

TEST(DigestTest, OfAFolderItDependsOnNamesAndContents) {
  const TemporaryFolder one;
  const TemporaryFolder other;
  for (const auto* folder : {&one, &other}) {
    Write(folder->Path() / "b", "2");
    Write(folder->Path() / "sub/a", "1");
  }
  EXPECT_EQ(Sha256OfFiles(one.Path()), Sha256OfFiles(other.Path()));
  const std::string before = Sha256OfFiles(other.Path());
  Write(other.Path() / "sub/a", "3");
  EXPECT_NE(Sha256OfFiles(other.Path()), before);
  Write(other.Path() / "sub/a", "1");
  fs::rename(other.Path() / "sub/a", other.Path() / "sub/c");
  EXPECT_NE(Sha256OfFiles(other.Path()), before);
}

}  // namespace
}  // namespace kvlab::grading
