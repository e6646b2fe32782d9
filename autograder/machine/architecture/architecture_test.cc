#include "autograder/machine/architecture/architecture.h"

#include <sys/utsname.h>

#include <string>
#include <string_view>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

using ::testing::HasSubstr;

TEST(ArchitectureTest, IsThatOfTheMachine) {
  utsname machine{};
  ASSERT_EQ(::uname(&machine), 0);
  EXPECT_EQ(ThisArchitecture(), std::string_view(machine.machine) == "aarch64"
                                    ? Architecture::kArm
                                    : Architecture::kX86);
}

TEST(ArchitectureTest, OnX86ThereIsNothingToSay) {
  EXPECT_EQ(ArchitectureNotice(Architecture::kX86), "");
}

TEST(ArchitectureTest, OnArmItSaysWhatItNeedsCanAndCannotDo) {
  const std::string notice = ArchitectureNotice(Architecture::kArm);
  EXPECT_THAT(notice, HasSubstr("this machine is 64-bit ARM"));
  EXPECT_THAT(notice, HasSubstr("\n  needs: Debian's g++, valgrind and "
                                "bubblewrap for arm64"));
  EXPECT_THAT(notice, HasSubstr("\n  can: judge results"));
  EXPECT_THAT(notice, HasSubstr("\n  cannot: promise the marks of x86-64 for "
                                "speed, and for instructions"));
  EXPECT_THAT(notice, HasSubstr("\n  fix: grade for the record on x86-64"));
}

}  // namespace
}  // namespace kvlab::grading
