#include "autograder/machine/runfiles/runfile.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

TEST(RunfileTest, IsBesideTheProgram) {
  EXPECT_TRUE(fs::exists(Runfile("autograder/machine/runfiles/runfile.h")));
}

TEST(RunfileTest, IsBesideTheTestEvenIfTheProgramHasAFolder) {
  const fs::path of_test = fs::path(testing::TempDir()) / "a_test.runfiles";
  const fs::path name = "autograder/machine/runfiles/runfile.h";
  fs::create_directories((of_test / "kvlab" / name).parent_path());
  std::ofstream(of_test / "kvlab" / name) << "x";
  ASSERT_EQ(setenv("TEST_SRCDIR", of_test.c_str(), 1), 0);
  EXPECT_EQ(Runfile(name), of_test / "kvlab" / name);
}

TEST(RunfileTest, IsBesideTheProgramThatHasMoreThanTheTest) {
  const fs::path of_test = fs::path(testing::TempDir()) / "b_test.runfiles";
  fs::create_directories(of_test / "kvlab");
  ASSERT_EQ(setenv("TEST_SRCDIR", of_test.c_str(), 1), 0);
  EXPECT_TRUE(fs::exists(Runfile("autograder/machine/runfiles/runfile.h")));
}

TEST(RunfileTest, IsBesideTheProgramOutsideOfTests) {
  ASSERT_EQ(unsetenv("TEST_SRCDIR"), 0);
  EXPECT_EQ(Runfile("data").filename(), "data");
  EXPECT_NE(Runfile("data").string().find("runfile_test.runfiles"),
            std::string::npos);
}

}  // namespace
}  // namespace kvlab::grading
