#include "autograder/machine/checker/local_endpoint.h"

#include <cstdint>
#include <memory>
#include <variant>

#include "autograder/machine/protocol/operation.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

const RegisterOperation kMake(
    "counter.make", [](ObjectStore& objects, const Values&) -> Values {
      return {objects.Keep(std::make_shared<std::int64_t>(0))};
    });

const RegisterOperation kCount(
    "counter.count",
    [](ObjectStore& objects, const Values& arguments) -> Values {
      return {++objects.Get<std::int64_t>(std::get<Handle>(arguments.at(0)))};
    });

TEST(LocalEndpointTest, KeepsObjectsBetweenCalls) {
  LocalEndpoint endpoint;
  const Reply made = endpoint.Call({"counter.make", {}}, {});
  ASSERT_EQ(made.status, Status::kOk);
  EXPECT_EQ(endpoint.Call({"counter.count", made.values}, {}).values,
            Values{std::int64_t{1}});
  EXPECT_EQ(endpoint.Call({"counter.count", made.values}, {}).values,
            Values{std::int64_t{2}});
}

TEST(LocalEndpointTest, RestartForgetsObjects) {
  LocalEndpoint endpoint;
  const Reply made = endpoint.Call({"counter.make", {}}, {});
  endpoint.Restart();
  EXPECT_EQ(endpoint.Call({"counter.count", made.values}, {}).status,
            Status::kException);
}

TEST(LocalEndpointTest, HasNoMemoryToBeSeenFromOutside) {
  EXPECT_EQ(LocalEndpoint().ResidentBytes(), std::nullopt);
}

}  // namespace
}  // namespace kvlab::grading
