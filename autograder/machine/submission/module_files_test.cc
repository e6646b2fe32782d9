#include "autograder/machine/submission/module_files.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "kit/error.h"
#include "kit/testing/testing.h"

namespace kvlab::grading {
namespace {

TEST(ModuleFilesTest, ReadsTheModulesOfTheCourse) {
  const std::vector<ModuleFiles> modules = ReadModuleFiles(".");
  ASSERT_GE(modules.size(), 4U);
  EXPECT_EQ(modules[0].number, 1);
  EXPECT_EQ(modules[0].title, "Attention");
  EXPECT_EQ(modules[0].folder, "01_attention");
  EXPECT_EQ(modules[0].files, std::vector<std::string>{"attention.cc"});
  EXPECT_EQ(modules[2].number, 3);
  EXPECT_TRUE(modules[0].papers.empty());
  EXPECT_EQ(modules[3].papers, std::vector<std::string>{"answers.json"});
  EXPECT_EQ(CoursePath(modules[0], "attention.cc"),
            "modules/01_attention/attention.cc");
}

// The error for a module.toml with this text.
std::string ErrorOf(const std::string& text) {
  const std::filesystem::path root =
      std::filesystem::path(::testing::TempDir()) / "course";
  std::filesystem::create_directories(root / "modules/01_x");
  std::ofstream(root / "modules/01_x/module.toml") << text;
  return MessageOf<DataError>([&root] { ReadModuleFiles(root); });
}

TEST(ModuleFilesTest, SaysWhatADescriptionLacks) {
  const std::string files = "files = ['a.cc']\n";
  EXPECT_NE(ErrorOf("title = 'T'\n" + files).find("no number"),
            std::string::npos);
  EXPECT_NE(ErrorOf("number = 1\n" + files).find("no title"),
            std::string::npos);
  EXPECT_NE(ErrorOf("number = 1\ntitle = 'T'\n").find("no files"),
            std::string::npos);
  EXPECT_NE(ErrorOf("number = ").find("01_x/module.toml"), std::string::npos);
}

TEST(ModuleFilesTest, FilesStayInTheFolderOfTheirModule) {
  const std::string start = "number = 1\ntitle = 'T'\n";
  for (const std::string name : {"../a.cc", "/a.cc", "..", ""}) {
    std::string text = start;
    text.append("files = ['").append(name).append("']");
    EXPECT_NE(ErrorOf(text).find("invalid file name"), std::string::npos)
        << name;
    text = start + "files = ['a.cc']\n";
    text.append("papers = ['").append(name).append("']");
    EXPECT_NE(ErrorOf(text).find("'papers' contains an invalid file name"),
              std::string::npos)
        << name;
  }
}

TEST(ModuleFilesTest, NoModulesAtAllIsAnError) {
  EXPECT_THROW(ReadModuleFiles("/no/such/course"), DataError);
}

}  // namespace
}  // namespace kvlab::grading
