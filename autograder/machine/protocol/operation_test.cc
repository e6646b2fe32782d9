#include "autograder/machine/protocol/operation.h"

#include <cstddef>
#include <memory>
#include <stdexcept>
#include <string>

#include "autograder/machine/protocol/message.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

const RegisterOperation kEcho("test.echo",
                              [](ObjectStore&, const Values& arguments) {
                                return arguments;
                              });

// Throws what its first argument names.
const RegisterOperation kThrow(
    "test.throw", [](ObjectStore&, const Values& arguments) -> Values {
      const auto& what = std::get<std::string>(arguments.at(0));
      if (what == "contract") throw ContractError("Append", "why", "fix");
      if (what == "stub") throw NotImplemented("Append", "module 3, task 3");
      if (what == "long") throw std::runtime_error(std::string(100000, 'x'));
      if (what == "number") throw 42;
      throw std::runtime_error(what);
    });

Reply Thrown(const std::string& what) {
  ObjectStore objects;
  return Dispatch(objects, {"test.throw", {what}});
}

TEST(DispatchTest, ReturnsWhatTheOperationReturns) {
  ObjectStore objects;
  const Values values = {std::string("text"), 1.5, Handle{3}};
  const Reply reply = Dispatch(objects, {"test.echo", values});
  EXPECT_EQ(reply.status, Status::kOk);
  EXPECT_EQ(reply.values, values);
}

TEST(DispatchTest, TellsRefusalsFromStubsAndFromOtherExceptions) {
  EXPECT_EQ(Thrown("contract").status, Status::kContractError);
  EXPECT_EQ(Thrown("contract").message, "Append\n  why: why\n  fix: fix");
  EXPECT_EQ(Thrown("stub").status, Status::kNotImplemented);
  EXPECT_EQ(Thrown("bad luck").status, Status::kException);
  EXPECT_EQ(Thrown("bad luck").message, "bad luck");
  EXPECT_EQ(Thrown("number").status, Status::kException);
}

TEST(DispatchTest, CutsLongMessages) {
  EXPECT_EQ(Thrown("long").message, std::string(kMaxMessageBytes, 'x'));
}

TEST(DispatchTest, NamesAnOperationThatIsNotLinked) {
  ObjectStore objects;
  const Reply reply = Dispatch(objects, {"test.none", {}});
  EXPECT_EQ(reply.status, Status::kException);
  EXPECT_EQ(reply.message, "no operation test.none");
}

TEST(DispatchTest, AWrongArgumentIsAnExceptionNotACrash) {
  ObjectStore objects;
  EXPECT_EQ(Dispatch(objects, {"test.throw", {}}).status, Status::kException);
  EXPECT_EQ(Dispatch(objects, {"test.throw", {1.0}}).status,
            Status::kException);
}

TEST(ObjectStoreTest, RefusesHandlesOfOtherTypesAndOfDroppedObjects) {
  ObjectStore objects;
  const Handle handle = objects.Keep(std::make_shared<int>(7));
  EXPECT_EQ(objects.Get<int>(handle), 7);
  EXPECT_THROW(objects.Get<double>(handle), std::bad_any_cast);
  objects.Drop(handle);
  EXPECT_THROW(objects.Get<int>(handle), std::out_of_range);
}

}  // namespace
}  // namespace kvlab::grading
