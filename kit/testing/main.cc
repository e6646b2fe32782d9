// The main program of the modules' tests: that of GoogleTest, except that a
// filter which selects no test is an error. Otherwise a mistyped filter passes.
#include <cstdio>

#include "gtest/gtest.h"

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  if (::testing::UnitTest::GetInstance()->test_to_run_count() == 0) {
    std::fprintf(stderr,
                 "no test matches --gtest_filter='%s'\n"
                 "  why: nothing ran, so nothing failed\n"
                 "  fix: the names are Suite.Name, as in the *_test.cc\n",
                 ::testing::GTEST_FLAG(filter).c_str());
    return 1;
  }
  return status;
}
