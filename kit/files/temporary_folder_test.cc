#include "kit/files/temporary_folder.h"

#include <filesystem>
#include <fstream>

#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab {
namespace {

namespace fs = std::filesystem;

TEST(TemporaryFolderTest, GoesWithAllThatIsInIt) {
  fs::path path;
  {
    const TemporaryFolder folder(testing::TempDir());
    path = folder.Path();
    fs::create_directory(path / "inner");
    std::ofstream(path / "inner/file") << "text";
    EXPECT_TRUE(fs::exists(path / "inner/file"));
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(TemporaryFolderTest, EachIsAnotherBelowItsParent) {
  const TemporaryFolder one(testing::TempDir());
  const TemporaryFolder other(testing::TempDir());
  EXPECT_NE(one.Path(), other.Path());
  EXPECT_TRUE(fs::equivalent(one.Path().parent_path(), testing::TempDir()));
}

TEST(TemporaryFolderTest, NamesAParentThatIsNotThere) {
  const fs::path missing = fs::path(testing::TempDir()) / "missing";
  EXPECT_THROW(TemporaryFolder{missing}, DataError);
}

}  // namespace
}  // namespace kvlab
