#include "kit/error.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kvlab {
namespace {

using ::testing::HasSubstr;

TEST(ContractErrorTest, SaysWhatWhyAndFix) {
  EXPECT_EQ(std::string(
                ContractError("Append: no room", "7 + 2 exceeds 8", "stop at 8")
                    .what()),
            "Append: no room\n  why: 7 + 2 exceeds 8\n  fix: stop at 8");
}

TEST(DataErrorTest, SaysWhatWhyAndFix) {
  EXPECT_EQ(
      std::string(
          DataError("a.json: is empty", "it has no bytes", "copy it").what()),
      "a.json: is empty\n  why: it has no bytes\n  fix: copy it");
}

TEST(NotImplementedTest, NamesTheFunctionTheTaskAndTheTodo) {
  const std::string message =
      NotImplemented("LayerCache::Append", "module 3, task 2").what();
  EXPECT_THAT(message, HasSubstr("LayerCache::Append"));
  EXPECT_THAT(message, HasSubstr("module 3, task 2"));
  EXPECT_THAT(message, HasSubstr("TODO(3.2)"));
}

}  // namespace
}  // namespace kvlab
