#include "autograder/machine/protocol/message.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <string>

#include "gtest/gtest.h"
#include "kit/testing/testing.h"

namespace kvlab::grading {
namespace {

std::span<const std::uint8_t> PayloadOf(const Bytes& message) {
  return std::span(message).subspan(kHeaderBytes);
}

std::uint64_t PayloadBytesOf(const Bytes& message, MessageKind kind) {
  return PayloadBytes(std::span(message).first<kHeaderBytes>(), kind);
}

// One value of every kind, the extremes among them.
Values AllKinds() {
  return {std::int64_t{-1},
          std::numeric_limits<std::int64_t>::min(),
          0.1,
          Integers{1, -2, 3},
          Integers{},
          Array{{2, 1, 3}, {1, 2, 3, 4, 5, 6}},
          Array{{0, 7}, {}},
          Array{{}, {3}},
          Handle{~std::uint64_t{0}},
          std::string("ab\0c", 4),
          std::string()};
}

TEST(MessageTest, ARequestComesBackAsItWas) {
  const Bytes bytes = EncodeRequest({"attention.causal", AllKinds()});
  EXPECT_EQ(PayloadBytesOf(bytes, MessageKind::kRequest),
            bytes.size() - kHeaderBytes);
  const Request request = DecodeRequest(PayloadOf(bytes));
  EXPECT_EQ(request.operation, "attention.causal");
  EXPECT_EQ(request.arguments, AllKinds());
}

TEST(MessageTest, AReplyComesBackAsItWas) {
  const Bytes bytes =
      EncodeReply({Status::kContractError, "no room", AllKinds(), 0});
  const Reply reply = DecodeReply(PayloadOf(bytes));
  EXPECT_EQ(reply.status, Status::kContractError);
  EXPECT_EQ(reply.message, "no room");
  EXPECT_EQ(reply.values, AllKinds());
}

TEST(MessageTest, InfinitiesAndNanTravelBitForBit) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  const Bytes bytes =
      EncodeReply({Status::kOk, "", {Array{{2}, {nan, -infinity}}}, 0});
  const Reply reply = DecodeReply(PayloadOf(bytes));
  const Array& array = std::get<Array>(reply.values[0]);
  EXPECT_EQ(std::bit_cast<std::uint32_t>(array.values[0]),
            std::bit_cast<std::uint32_t>(nan));
  EXPECT_EQ(array.values[1], -infinity);
}

TEST(MessageTest, TheHeaderNamesTheKind) {
  const Bytes request = EncodeRequest({"x", {}});
  EXPECT_THROW(PayloadBytesOf(request, MessageKind::kReply), MalformedMessage);
  for (std::size_t i = 0; i < 8; ++i) {
    Bytes changed = request;
    ++changed[i];
    EXPECT_THROW(PayloadBytesOf(changed, MessageKind::kRequest),
                 MalformedMessage)
        << "byte " << i;
  }
}

TEST(MessageTest, EveryTruncationIsRefused) {
  const Bytes bytes = EncodeReply({Status::kOk, "m", AllKinds(), 0});
  const std::span<const std::uint8_t> payload = PayloadOf(bytes);
  for (std::size_t size = 0; size < payload.size(); ++size) {
    EXPECT_THROW(DecodeReply(payload.first(size)), MalformedMessage) << size;
  }
}

TEST(MessageTest, BytesBehindTheEndAreRefused) {
  Bytes bytes = EncodeReply({Status::kOk, "", {}, 0});
  bytes.push_back(0);
  EXPECT_THROW(DecodeReply(PayloadOf(bytes)), MalformedMessage);
}

TEST(MessageTest, AWorkerMayNotSayHowItWasLost) {
  for (const Status status :
       {Status::kWorkerCrashed, Status::kTimedOut, Status::kBadReply}) {
    const Bytes bytes = EncodeReply({status, "", {}, 0});
    EXPECT_THROW(DecodeReply(PayloadOf(bytes)), MalformedMessage);
  }
}

// A payload written by hand: numbers of any width, one after the other.
class Payload {
 public:
  template <typename Number>
  Payload& operator<<(Number number) {
    const auto* first = reinterpret_cast<const std::uint8_t*>(&number);
    bytes_.insert(bytes_.end(), first, first + sizeof(number));
    return *this;
  }
  void ExpectRefused(const std::string& reason) const {
    EXPECT_EQ(MessageOf<MalformedMessage>([this] { DecodeReply(bytes_); }),
              reason);
  }

 private:
  Bytes bytes_;
};

// An accepted reply (status, empty message) with one value that is to come.
Payload OneValue(std::uint8_t tag) {
  Payload payload;
  payload << std::uint8_t{0} << std::uint64_t{0} << std::uint64_t{1} << tag;
  return payload;
}

TEST(MessageTest, HugeCountsAreRefusedBeforeAnythingIsAllocated) {
  const std::uint64_t huge = std::uint64_t{1} << 60U;
  (Payload() << std::uint8_t{0} << huge << huge)
      .ExpectRefused("a text would be longer than the message");
  (Payload() << std::uint8_t{0} << std::uint64_t{0} << huge)
      .ExpectRefused("the values would be longer than the message");
  // 2 is a list of integers, 5 a text
  (OneValue(2) << huge)
      .ExpectRefused("a list would be longer than the message");
  (OneValue(5) << huge)
      .ExpectRefused("a text would be longer than the message");
}

TEST(MessageTest, ShapesThatDisagreeOrOverflowAreRefused) {
  const auto tensor = [](std::initializer_list<std::uint64_t> shape) {
    Payload payload = OneValue(3);
    payload << std::uint64_t{shape.size()};
    for (const std::uint64_t axis : shape) payload << axis;
    payload << std::uint64_t{1} << 1.0F;
    return payload;
  };
  const std::uint64_t half = std::uint64_t{1} << 32U;
  tensor({2}).ExpectRefused("a tensor's shape disagrees with its elements");
  tensor({0}).ExpectRefused("a tensor's shape disagrees with its elements");
  tensor({half, half}).ExpectRefused("a tensor is larger than any message");
  tensor({0, ~std::uint64_t{0}})
      .ExpectRefused("a tensor is larger than any message");
  tensor({1, 1, 1, 1, 1, 1, 1, 1, 1})
      .ExpectRefused("a tensor has too many axes");
}

TEST(MessageTest, UnknownTagsAreRefused) {
  (OneValue(6) << std::uint64_t{0}).ExpectRefused("a value has an unknown tag");
}

// A reply that decodes is one that could have been sent: it encodes to the
// same bytes. Anything else is refused with MalformedMessage; the sanitizers
// watch for reads past the end.
void ExpectRefusedOrFaithful(const Bytes& payload) {
  try {
    const Bytes again = EncodeReply(DecodeReply(payload));
    EXPECT_TRUE(std::ranges::equal(PayloadOf(again), payload));
  } catch (const MalformedMessage&) {
  }
}

TEST(MessageTest, MutatedRepliesAreRefusedOrFaithful) {
  constexpr std::uint32_t kSeed = 20240601;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  const Bytes bytes = EncodeReply({Status::kOk, "message", AllKinds(), 0});
  const Bytes original(bytes.begin() + kHeaderBytes, bytes.end());
  for (int round = 0; round < 50000; ++round) {
    Bytes mutated = original;
    const std::uint32_t changes = 1 + random() % 4;
    for (std::uint32_t i = 0; i < changes; ++i) {
      // Half of the changes are small numbers: these reach the counts.
      mutated[random() % mutated.size()] =
          static_cast<std::uint8_t>(random() % (random() % 2 == 0 ? 8 : 256));
    }
    if (random() % 4 == 0) mutated.resize(random() % mutated.size());
    ExpectRefusedOrFaithful(mutated);
  }
}

TEST(MessageTest, RandomBytesAreRefusedOrFaithful) {
  constexpr std::uint32_t kSeed = 20240602;
  SCOPED_TRACE("seed " + std::to_string(kSeed));
  std::mt19937 random(kSeed);
  for (int round = 0; round < 50000; ++round) {
    Bytes bytes(random() % 64);
    // Mostly zeros, as counts are.
    for (std::uint8_t& byte : bytes) {
      if (random() % 4 == 0) byte = static_cast<std::uint8_t>(random() % 8);
    }
    ExpectRefusedOrFaithful(bytes);
  }
}

}  // namespace
}  // namespace kvlab::grading
