// What the checker makes of workers that misbehave, in real sandboxes.
#include "autograder/machine/checker/worker_endpoint.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "autograder/machine/checker/counting_endpoint.h"
#include "autograder/machine/sandbox/sandbox_error.h"
#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/sandbox_user.h"
#include "autograder/machine/sandbox/staging_folder.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

class WorkerEndpointTest : public ::testing::TestWithParam<Confinement> {
 protected:
  WorkerOptions Options(const std::string& program) {
    WorkerOptions options;
    options.program =
        staging_.Copy("autograder/machine/checker/" + program, program);
    options.host = {.user = user_, .confinement = GetParam()};
    return options;
  }

  std::unique_ptr<WorkerEndpoint> Misbehaving() {
    return std::make_unique<WorkerEndpoint>(Options("misbehaving_worker"));
  }

  // What comes back for `operation`, if afterwards a fresh worker answers as if
  // nothing had been. 2 seconds are enough for what should come back at once.
  Reply ReplyTo(const std::string& operation, double seconds = 2) {
    const std::unique_ptr<WorkerEndpoint> endpoint = Misbehaving();
    EXPECT_TRUE(IsAlive(*endpoint));
    Reply reply = endpoint->Call({operation, {}},
                                 {.seconds = seconds, .reply_bytes = 1000});
    EXPECT_TRUE(IsAlive(*endpoint));
    return reply;
  }

  static bool IsAlive(WorkerEndpoint& endpoint) {
    const Values values = {std::string("hello"), Array{{2}, {1, 2}}};
    const Reply reply = endpoint.Call({"echo", values}, {});
    return reply.status == Status::kOk && reply.values == values;
  }

  const StagingFolder& Staging() const { return staging_; }

 private:
  std::optional<SandboxUser> user_ = ChooseSandboxUser();
  StagingFolder staging_{user_};
};

TEST_P(WorkerEndpointTest, AnswersAndRefuses) {
  EXPECT_EQ(ReplyTo("refuse").status, Status::kContractError);
  EXPECT_EQ(ReplyTo("refuse").message,
            "Append: no room\n  why: it is full\n  fix: stop");
  EXPECT_EQ(ReplyTo("no such thing").status, Status::kException);
}

TEST_P(WorkerEndpointTest, CarriesLargeTensorsBothWays) {
  constexpr std::size_t kCount = 3000000;
  const std::unique_ptr<WorkerEndpoint> endpoint = Misbehaving();
  const Values values = {Array{{kCount}, std::vector<float>(kCount, 0.5F)}};
  const Reply reply =
      endpoint->Call({"echo", values}, {.reply_bytes = 5 * kCount});
  EXPECT_EQ(reply.status, Status::kOk);
  EXPECT_TRUE(reply.values == values);
  EXPECT_GT(reply.seconds, 0);
}

TEST_P(WorkerEndpointTest, ACrashIsAStatusThatNamesTheSignal) {
  const Reply abort = ReplyTo("abort");
  EXPECT_EQ(abort.status, Status::kWorkerCrashed);
  EXPECT_EQ(abort.message,
            "the process ended with signal 6 (SIGABRT, Aborted)");
  for (const std::string operation : {"segfault", "overflow stack"}) {
    const Reply reply = ReplyTo(operation);
    EXPECT_EQ(reply.status, Status::kWorkerCrashed);
    EXPECT_EQ(reply.message,
              "the process ended with signal 11 (SIGSEGV, Segmentation fault)");
  }
}

TEST_P(WorkerEndpointTest, AnExitIsACrashWhateverItsStatus) {
  const Reply reply = ReplyTo("exit");
  EXPECT_EQ(reply.status, Status::kWorkerCrashed);
  EXPECT_EQ(reply.message, "the process ended with exit status 0");
}

TEST_P(WorkerEndpointTest, AHangEndsAtTheDeadline) {
  for (const std::string operation : {"hang", "hang with children"}) {
    const Reply reply = ReplyTo(operation, 0.3);
    EXPECT_EQ(reply.status, Status::kTimedOut);
    EXPECT_EQ(reply.message, "no reply within 0.3 s");
    EXPECT_GE(reply.seconds, 0.3);
  }
  EXPECT_EQ(ReplyTo("send half", 0.3).status, Status::kTimedOut);
}

// Four threads for each processor, which do nothing but run.
class Hogs {
 public:
  Hogs() {
    for (unsigned i = 0; i < 4 * std::thread::hardware_concurrency(); ++i) {
      threads_.emplace_back([](const std::stop_token& stop) {
        while (!stop.stop_requested()) {
        }
      });
    }
  }

 private:
  std::vector<std::jthread> threads_;
};

TEST_P(WorkerEndpointTest, TimeThatTheMachineKeepsFromAWorkerDoesNotCount) {
  const Hogs hogs;
  // A quarter of a second of work; beside the hogs it lasts about five times as
  // long, and twice as long as the limit. Where the machine has even more to
  // do, it may not be done at all, and then that is said.
  constexpr double kLimit = 0.5;
  const Reply reply = ReplyTo("work a while", kLimit);
  EXPECT_GT(reply.withheld_seconds, reply.seconds / 2);
  if (reply.status != Status::kOk) {
    EXPECT_EQ(reply.status, Status::kTimedOut);
    EXPECT_TRUE(reply.starved);
  }
}

TEST_P(WorkerEndpointTest, TimeThatAWorkersOwnThreadsTakeCounts) {
  const Reply reply = ReplyTo("crowd out", 0.3);
  EXPECT_EQ(reply.status, Status::kTimedOut);
  // Without that rule, more than three quarters of the time.
  EXPECT_LT(reply.withheld_seconds, reply.seconds / 2);
  EXPECT_FALSE(reply.starved);
}

TEST_P(WorkerEndpointTest, AWorkerCannotGiveItsTimeAway) {
  const Reply reply = ReplyTo("let others go first");
  ASSERT_EQ(reply.status, Status::kOk);
  EXPECT_EQ(std::get<Integers>(reply.values.at(0)), (Integers{-1, -1}));
}

TEST_P(WorkerEndpointTest, AHangWithholdsNothing) {
  const Hogs hogs;
  const Reply reply = ReplyTo("hang", 0.3);
  EXPECT_EQ(reply.status, Status::kTimedOut);
  EXPECT_LT(reply.withheld_seconds, reply.seconds / 2);
}

TEST_P(WorkerEndpointTest, AFloodIsABadReply) {
  const Reply reply = ReplyTo("flood");
  EXPECT_EQ(reply.status, Status::kBadReply);
  EXPECT_EQ(reply.message, "not a valid reply: not a message of this protocol");
}

TEST_P(WorkerEndpointTest, ATooLongReplyIsRefusedBeforeItIsRead) {
  const Reply reply = ReplyTo("claim huge reply");
  EXPECT_EQ(reply.status, Status::kBadReply);
  EXPECT_NE(reply.message.find("claims 1152921504606846976 bytes"),
            std::string::npos)
      << reply.message;
}

TEST_P(WorkerEndpointTest, GarbageIsABadReply) {
  EXPECT_EQ(ReplyTo("send garbage").status, Status::kBadReply);
}

TEST_P(WorkerEndpointTest, BytesBehindAReplyCostTheNextCallAndNoOther) {
  const std::unique_ptr<WorkerEndpoint> endpoint = Misbehaving();
  EXPECT_EQ(endpoint->Call({"send more later", {}}, {}).status, Status::kOk);
  ::usleep(200000);
  EXPECT_EQ(endpoint->Call({"echo", {}}, {}).status, Status::kBadReply);
  EXPECT_TRUE(IsAlive(*endpoint));
}

TEST_P(WorkerEndpointTest, ADeathBetweenCallsCostsTheNextCallAndNoOther) {
  const std::unique_ptr<WorkerEndpoint> endpoint = Misbehaving();
  EXPECT_EQ(endpoint->Call({"die later", {}}, {}).status, Status::kOk);
  ::usleep(200000);
  EXPECT_EQ(endpoint->Call({"echo", {}}, {}).status, Status::kWorkerCrashed);
  EXPECT_TRUE(IsAlive(*endpoint));
}

TEST_P(WorkerEndpointTest, ARestartLeavesNothingBehind) {
  const std::unique_ptr<WorkerEndpoint> endpoint = Misbehaving();
  EXPECT_EQ(endpoint->Call({"send more later", {}}, {}).status, Status::kOk);
  endpoint->Restart();
  ::usleep(200000);
  EXPECT_TRUE(IsAlive(*endpoint));
}

TEST_P(WorkerEndpointTest, PrintingDisturbsNothing) {
  const Reply reply = ReplyTo("print");
  EXPECT_EQ(reply.status, Status::kOk);
  EXPECT_EQ(reply.values, Values{std::string("printed")});
}

TEST_P(WorkerEndpointTest, SaysWhatHappenedBeforeMain) {
  WorkerEndpoint exits(Options("early_exit_worker"));
  const Reply exit = exits.Call({"echo", {}}, {});
  EXPECT_EQ(exit.status, Status::kWorkerCrashed);
  EXPECT_EQ(exit.message,
            "while it started, before any call (static initialisers run then): "
            "the process ended with exit status 0");

  WorkerOptions options = Options("early_hang_worker");
  options.start_seconds = 0.3;
  WorkerEndpoint hangs(options);
  EXPECT_EQ(hangs.Call({"echo", {}}, {}).status, Status::kTimedOut);
}

TEST_P(WorkerEndpointTest, AWorkerThatNeverGetsReadyIsNotWaitedForAgain) {
  WorkerOptions options = Options("early_hang_worker");
  options.start_seconds = 0.3;
  WorkerEndpoint endpoint(options);
  for (int call = 0; call < 3; ++call) endpoint.Call({"echo", {}}, {});
  // Now there is one that would answer; it is not tried.
  Staging().Copy("autograder/machine/checker/misbehaving_worker",
                 "early_hang_worker");
  EXPECT_EQ(endpoint.Call({"echo", {}}, {}).status, Status::kTimedOut);
  endpoint.Restart();
  EXPECT_EQ(endpoint.Call({"echo", {}}, {}).status, Status::kTimedOut);
}

TEST_P(WorkerEndpointTest, AMissingProgramIsAFaultOfTheGrader) {
  WorkerOptions options = Options("misbehaving_worker");
  options.program = Staging().Path() / "no such program";
  WorkerEndpoint endpoint(options);
  EXPECT_THROW(endpoint.Call({"echo", {}}, {}), SandboxError);
}

TEST_P(WorkerEndpointTest, InheritsItsPipesAndSeesItsModelAndNothingElse) {
  WorkerOptions options = Options("misbehaving_worker");
  Staging().WriteFile("checkpoint/config.json", "{}");
  options.model = Staging().Path() / "checkpoint";
  WorkerEndpoint endpoint(options);
  const Reply reply = endpoint.Call({"look around", {}}, {});
  ASSERT_EQ(reply.values.size(), 2U);
  EXPECT_EQ(std::get<Integers>(reply.values[0]), (Integers{0, 1, 2, 3, 4}));
  EXPECT_EQ(std::get<std::string>(reply.values[1]), "{}");
}

TEST_P(WorkerEndpointTest, SeesWhatTheWorkerHoldsFromOutside) {
  constexpr std::int64_t kFloats = 5000000;
  const std::unique_ptr<WorkerEndpoint> endpoint = Misbehaving();
  EXPECT_EQ(endpoint->ResidentBytes(), 0U);
  ASSERT_TRUE(IsAlive(*endpoint));
  const std::uint64_t before = endpoint->ResidentBytes().value();
  EXPECT_GT(before, 0U);
  ASSERT_EQ(endpoint->Call({"hold", {kFloats}}, {}).status, Status::kOk);
  const double growth =
      static_cast<double>(endpoint->ResidentBytes().value() - before);
  EXPECT_NEAR(growth, 4.0 * kFloats, 300000);  // pages and allocator
}

INSTANTIATE_TEST_SUITE_P(In, WorkerEndpointTest,
                         ::testing::Values(Confinement::kBubblewrap,
                                           Confinement::kReduced),
                         [](const auto& info) {
                           return info.param == Confinement::kReduced
                                      ? "Reduced"
                                      : "Bubblewrap";
                         });

// How many descriptors this process has open.
std::ptrdiff_t OpenDescriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"),
                       std::filesystem::directory_iterator());
}

TEST_P(WorkerEndpointTest, LosingWorkersLosesNoDescriptors) {
  const std::unique_ptr<WorkerEndpoint> endpoint = Misbehaving();
  const std::ptrdiff_t before = OpenDescriptors();
  for (int round = 0; round < 5; ++round) {
    endpoint->Call({"exit", {}}, {});
    endpoint->Call({"hang", {}}, {.seconds = 0.01});
    endpoint->Call({"claim huge reply", {}}, {});
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_P(WorkerEndpointTest, CountsTheSameInstructionsForTheSameCalls) {
  CountingEndpoint endpoint(Options("misbehaving_worker"));
  const auto count = [&endpoint](std::size_t numbers) {
    const Array array{{numbers}, std::vector<float>(numbers, 1)};
    const Reply reply = endpoint.Call({"sum", {array}}, {.seconds = 20});
    EXPECT_EQ(reply.status, Status::kOk);
    EXPECT_EQ(reply.values, Values{static_cast<double>(numbers)});
    return endpoint.InstructionsOfLastCall().value_or(0);
  };
  const std::uint64_t once = count(1000);
  const std::uint64_t twice = count(2000);
  const std::uint64_t thrice = count(3000);
  // At least an addition for each number, at most a small loop; the first call
  // also binds symbols.
  EXPECT_GT(once, 1000U);
  EXPECT_GT(thrice - twice, 1000U);
  EXPECT_LT(thrice - twice, 10000U);

  endpoint.Restart();
  EXPECT_EQ(count(1000), once);
  EXPECT_EQ(count(2000), twice);
  EXPECT_EQ(count(3000), thrice);
}

TEST_P(WorkerEndpointTest, CountsCallsThatThrowAndNoneThatAreLost) {
  CountingEndpoint endpoint(Options("misbehaving_worker"));
  const CallLimits limits = {.seconds = 20};
  EXPECT_EQ(endpoint.Call({"refuse", {}}, limits).status,
            Status::kContractError);
  EXPECT_TRUE(endpoint.InstructionsOfLastCall().has_value());
  EXPECT_EQ(endpoint.Call({"exit", {}}, limits).status, Status::kWorkerCrashed);
  EXPECT_EQ(endpoint.InstructionsOfLastCall(), std::nullopt);
  EXPECT_EQ(endpoint.Call({"echo", {}}, limits).status, Status::kOk);
  EXPECT_TRUE(endpoint.InstructionsOfLastCall().has_value());
}

}  // namespace
}  // namespace kvlab::grading
