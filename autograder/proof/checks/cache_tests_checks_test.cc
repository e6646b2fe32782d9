// Task 3.11: the solutions' tests and the caches that they are put to, and what
// the checks make of tests that are worth less.
#include <cstdint>
#include <exception>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/judges/03_memoization/broken_cache_kinds.h"
#include "autograder/judges/03_memoization/cache_calls.h"
#include "autograder/judges/03_memoization/specimens/specimens.h"
#include "autograder/proof/checks/fake_answerers.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "kit/tensor/tensor.h"
#include "modules/03_memoization/broken_caches.h"
#include "modules/03_memoization/cache_tests.h"
#include "modules/03_memoization/cache_under_test.h"

namespace kvlab::grading {
namespace {

using ::testing::HasSubstr;

bool Rejects(const std::vector<CacheTest>& tests, CacheMaker& maker) {
  for (const CacheTest& test : tests) {
    try {
      test.run(maker);
    } catch (const std::exception&) {
      return true;
    }
  }
  return false;
}

TEST(SpecimensTest, AreTheRightCacheAndEveryBrokenOneOfTheChecks) {
  std::set<std::string> expected = {"right"};
  for (const BrokenCacheKind& kind : kBrokenCacheKinds) {
    for (const BrokenCache& broken : kind.caches) expected.insert(broken.bug);
  }
  std::set<std::string> specimens;
  for (const auto& [name, make] : Specimens()) specimens.insert(name);
  EXPECT_EQ(specimens, expected);
}

TEST(SpecimensTest, AllBrokenOnesAreRejectedByTheSolutionsTests) {
  for (const auto& [name, make] : Specimens()) {
    EXPECT_EQ(Rejects(CacheTests(), *make()), name != "right") << name;
  }
}

// Otherwise a file that holds nothing else would earn points.
TEST(SpecimensTest, NoneIsRejectedByTheExampleOfTheStub) {
  const CacheTest example = CacheTests().front();
  ASSERT_EQ(example.promise, "a token too many is refused");
  for (const auto& [name, make] : Specimens()) {
    EXPECT_FALSE(Rejects({example}, *make())) << name;
  }
  MakerOf<DropsWhatDoesNotFit> shown;
  EXPECT_TRUE(Rejects({example}, shown));
}

// Nor by tests of what the caches do that students are shown.
TEST(SpecimensTest, NoneIsRejectedByTestsOfTheCachesThatAreShown) {
  const auto one = [](float number) {
    Tensor4 tensor = Tensor4::from_shape({1, 1, 1, 1});
    tensor.fill(number);
    return tensor;
  };
  const CacheShape shape = {.batch = 1,
                            .max_seq_len = 2,
                            .num_layers = 2,
                            .num_kv_heads = 1,
                            .head_dim = 1};
  const CacheTest values = {"values are not keys", [&](CacheMaker& maker) {
                              const auto cache = maker.Make(shape);
                              cache->Append(0, one(1), one(2));
                              cache->Append(0, one(3), one(4));
                              Expect(cache->Values(0)(0, 0, 1, 0) == 4,
                                     "values are values");
                            }};
  MakerOf<StoresKeysAsValues> shown;
  EXPECT_TRUE(Rejects({values}, shown));
  for (const auto& [name, make] : Specimens()) {
    EXPECT_FALSE(Rejects({values}, *make())) << name;
  }
}

std::vector<std::string> AllChecksOfTheTask() {
  std::vector<std::string> names;
  names.reserve(kBrokenCacheKinds.size());
  for (const BrokenCacheKind& kind : kBrokenCacheKinds) {
    names.push_back(std::string("cache_tests.") + kind.name);
  }
  return names;
}

// The verdict on tests whose program answers each step with `step`.
Verdict VerdictOn(const std::string& check,
                  const std::function<Reply(const Request&)>& step) {
  FakeAnswerers fake;
  fake.student = [&](const Request& request, Endpoint& honest) {
    return request.operation == "cache_tests.step" ? step(request)
                                                   : Honest(request, honest);
  };
  return RunAgainst(CourseCheck(check), fake);
}

Reply StepReply(CacheTestStep step, std::int64_t number) {
  Reply reply;
  reply.values = {Integers{static_cast<std::int64_t>(step), number}};
  return reply;
}

Reply Lost(Status status) {
  Reply reply;
  reply.status = status;
  return reply;
}

class CacheTestsCheckTest : public ::testing::TestWithParam<std::string> {};

TEST_P(CacheTestsCheckTest, TestsThatAlwaysFailEarnNothing) {
  const Verdict verdict = VerdictOn(GetParam(), [](const Request&) {
    return StepReply(CacheTestStep::kRejected, 3);
  });
  EXPECT_EQ(verdict.share, 0);
  EXPECT_THAT(verdict.came_back,
              HasSubstr("a correct cache was rejected, by test 3"));
}

TEST_P(CacheTestsCheckTest, TestsThatAlwaysPassEarnNothing) {
  const Verdict verdict = VerdictOn(GetParam(), [](const Request&) {
    return StepReply(CacheTestStep::kAccepted, 12);
  });
  EXPECT_EQ(verdict.share, 0);
  EXPECT_THAT(verdict.came_back, HasSubstr("all of your 12 tests passed on"));
}

TEST_P(CacheTestsCheckTest, AProgramThatEndsEachTimeRejectsTheCorrectCache) {
  const Verdict verdict = VerdictOn(
      GetParam(), [](const Request&) { return Lost(Status::kWorkerCrashed); });
  EXPECT_EQ(verdict.share, 0);
  EXPECT_THAT(verdict.came_back, HasSubstr("a correct cache was rejected, by a "
                                           "test that ends the program"));
}

TEST_P(CacheTestsCheckTest, TestsThatNeverEndEarnNothing) {
  const Verdict verdict = VerdictOn(
      GetParam(), [](const Request&) { return Lost(Status::kTimedOut); });
  EXPECT_EQ(verdict.share, 0);
  EXPECT_THAT(verdict.came_back, HasSubstr("no answer within"));
}

TEST_P(CacheTestsCheckTest, TestsThatCallWithoutEndEarnNothing) {
  const Verdict verdict = VerdictOn(GetParam(), [](const Request&) {
    return StepReply(CacheTestStep::kCalls,
                     static_cast<std::int64_t>(CacheCall::kPastLen));
  });
  EXPECT_EQ(verdict.share, 0);
  EXPECT_THAT(verdict.came_back, HasSubstr("call a cache more than"));
}

// Fails in the runs that `fails` chooses, counted from 0 over a whole check.
Verdict VerdictOnRuns(const std::string& check,
                      const std::function<bool(int)>& fails) {
  int run = 0;
  return VerdictOn(check, [&](const Request&) {
    return fails(run++) ? StepReply(CacheTestStep::kRejected, 1)
                        : StepReply(CacheTestStep::kAccepted, 1);
  });
}

// The order of the six runs is drawn, so a count of runs cannot know it.
TEST_P(CacheTestsCheckTest, TestsThatCountTheirRunsEarnNothing) {
  for (bool (*fails)(int) :
       {+[](int run) { return run % 2 == 0; },
        +[](int run) { return run % 2 == 1; }, +[](int run) { return run < 3; },
        +[](int run) { return run >= 3; }}) {
    EXPECT_EQ(VerdictOnRuns(GetParam(), fails).share, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(All, CacheTestsCheckTest,
                         ::testing::ValuesIn(AllChecksOfTheTask()),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) {
                             if (c == '.') c = '_';
                           }
                           return name;
                         });

}  // namespace
}  // namespace kvlab::grading
