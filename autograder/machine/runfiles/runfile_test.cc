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

TEST(RunfileTest, IsBesideTheTestThatStartsAProgramWithoutItsFolder) {
  const fs::path of_test = fs::path(testing::TempDir()) / "a_test.runfiles";
  fs::create_directories(of_test / "kvlab");
  std::ofstream(of_test / "kvlab" / "data") << "x";
  ASSERT_EQ(setenv("TEST_SRCDIR", of_test.c_str(), 1), 0);
  EXPECT_EQ(Runfile("data"), of_test / "kvlab" / "data");
}

TEST(RunfileTest, IsBesideTheProgramOutsideOfTests) {
  ASSERT_EQ(unsetenv("TEST_SRCDIR"), 0);
  EXPECT_EQ(Runfile("data").filename(), "data");
  EXPECT_NE(Runfile("data").string().find("runfile_test.runfiles"),
            std::string::npos);
}

}  // namespace
}  // namespace kvlab::grading
