#include "autograder/machine/checker/discreet_endpoint.h"

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "autograder/machine/text/printable.h"
#include "gtest/gtest.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

// A worker that throws what the test asks for.
class Thrower final : public Endpoint {
 public:
  Reply Call(const Request& /*request*/,
             const CallLimits& /*limits*/) override {
    Reply reply;
    reply.status = status;
    reply.message = says;
    return reply;
  }
  std::optional<std::uint64_t> ResidentBytes() override { return 7; }
  void Restart() override {}
  std::optional<double> CpuSeconds() override { return 1.5; }

  Status status = Status::kException;
  std::string says;
};

class DiscreetEndpointTest : public ::testing::Test {
 protected:
  std::string Told(const std::string& says, const Values& sent = {},
                   Status status = Status::kException) {
    worker_.says = says;
    worker_.status = status;
    return endpoint_.Call({"attention.causal", sent}, {}).message;
  }

  Thrower worker_;
  WorkersWords words_;
  DiscreetEndpoint endpoint_{worker_, words_};
};

TEST_F(DiscreetEndpointTest, WordsStay) {
  EXPECT_EQ(Told("the mask is missing in head_dim, Tensor4"),
            "the mask is missing in head_dim, Tensor4");
}

TEST_F(DiscreetEndpointTest, NumbersThatWereSentDoNotComeBack) {
  const Array array = {.shape = {6, 5}, .values = {1.5F, 40, -2.25F}};
  const std::string told =
      Told("row 3 of 7, size 6, element 40, id 17, seed 123",
           {std::int64_t{17}, 123.0, Integers{7, 8}, array});
  EXPECT_EQ(told,
            "row 3 of #, size #, element #, id #, seed #\n"
            "(# is a number that a report does not show)");
}

TEST_F(DiscreetEndpointTest, NeitherDoThoseThatEarlierRequestsHeld) {
  Told("first", {std::int64_t{17}});
  EXPECT_EQ(Told("it was 17").substr(0, 8), "it was #");
  endpoint_.Restart();
  EXPECT_EQ(Told("it was 17"), "it was 17");
}

TEST_F(DiscreetEndpointTest, NoNumberIsPrecise) {
  for (const std::string number :
       {"1.5", "-0.123456789", "1e-5", "0x1.8p+1", "48e5", "123456", "3.14159",
        "1.5f", "0xdeadbeef"}) {
    const std::string told = Told("is " + number);
    EXPECT_EQ(told.find_first_of("0123456789"), std::string::npos) << told;
    EXPECT_NE(told.find('#'), std::string::npos) << told;
  }
}

TEST_F(DiscreetEndpointTest, AStubNamesItsTask) {
  const std::string says =
      NotImplemented("LayerCache::Append", "module 3, task 2").what();
  EXPECT_EQ(Told(says, {std::int64_t{3}, Integers{2}}, Status::kNotImplemented),
            says);
}

TEST_F(DiscreetEndpointTest, BytesOfAProgramAreNoWords) {
  const std::string told = Told("\x48\x89\xe5\x1b[2J\x90");
  EXPECT_EQ(told, Printable(told));
  EXPECT_EQ(told.find('\x1b'), std::string::npos);
}

// As many letters as a report has checks, twenty times over.
TEST_F(DiscreetEndpointTest, AllChecksTogetherSayLittle) {
  std::set<std::string> all;
  std::size_t characters = 0;
  for (int check = 0; check < 2540; ++check) {
    std::string letters;
    for (int i = 0; i < 512; ++i) {
      letters += static_cast<char>('a' + (check * 7 + i * (check % 11)) % 26);
    }
    if (all.insert(Told(letters)).second) characters += all.rbegin()->size();
  }
  EXPECT_LT(characters, 2 * WorkersWords::kMostOfAll);
  EXPECT_LT(all.size(), 10U);
}

// An honest error that every check meets stays legible in each. Every module is
// asked for dozens of refusals, whose messages are never shown.
TEST_F(DiscreetEndpointTest, RightRefusalsUseUpNoWords) {
  worker_.status = Status::kContractError;
  for (int i = 0; i < 100; ++i) {
    worker_.says = std::string(100, static_cast<char>('a' + i % 26)) +
                   std::string(static_cast<std::size_t>(i), 'x');
    const Reply reply =
        endpoint_.Call({"attention.causal", {}}, {.refusal_is_right = true});
    EXPECT_EQ(reply.status, Status::kContractError);
    EXPECT_EQ(reply.message, "");
  }
  EXPECT_EQ(Told("the mask is missing"), "the mask is missing");
}

TEST_F(DiscreetEndpointTest, WhatWasSaidMayBeSaidAgain) {
  const std::string says = "no room for more tokens; build a larger cache";
  for (int check = 0; check < 100; ++check) EXPECT_EQ(Told(says), says);
}

TEST_F(DiscreetEndpointTest, HowAWorkerEndedIsTheCheckersToSay) {
  EXPECT_EQ(Told("signal 11", {std::int64_t{11}}, Status::kWorkerCrashed),
            "signal 11");
  EXPECT_EQ(endpoint_.ResidentBytes(), 7U);
  EXPECT_EQ(endpoint_.CpuSeconds(), 1.5);
}

}  // namespace
}  // namespace kvlab::grading
