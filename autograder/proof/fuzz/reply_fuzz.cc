// Whatever a worker may write into its pipe, read as the checker reads it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "autograder/machine/protocol/message.h"
#include "autograder/machine/protocol/value.h"
#include "autograder/proof/fuzz/require.h"

namespace kvlab::grading {
namespace {

bool FillsItsShape(const Array& array) {
  std::size_t count = 1;
  for (const std::size_t axis : array.shape) count *= axis;
  return count == array.values.size();
}

// A payload is refused, or it is one that could have been sent.
void Decode(std::span<const std::uint8_t> bytes) {
  // A copy of just this size: the sanitizer sees a byte read behind it.
  const Bytes payload(bytes.begin(), bytes.end());
  Reply reply;
  try {
    reply = DecodeReply(payload);
  } catch (const MalformedMessage&) {
    return;
  }
  Require(IsAnswer(reply.status), "only the checker says how it lost a worker");
  Require(reply.message.size() <= kMaxMessageBytes, "messages are short");
  for (const Value& value : reply.values) {
    const auto* array = std::get_if<Array>(&value);
    Require(array == nullptr || FillsItsShape(*array), "a tensor is full");
  }
  const Bytes again = EncodeReply(reply);
  Require(std::ranges::equal(std::span(again).subspan(kHeaderBytes), payload),
          "a reply that is accepted encodes to what was read");
}

// A header, as many bytes as it announces, and nothing behind them.
void ReadStream(std::span<const std::uint8_t> bytes) {
  if (bytes.size() < kHeaderBytes) return;
  std::uint64_t size = 0;
  try {
    size = PayloadBytes(bytes.first<kHeaderBytes>(), MessageKind::kReply);
  } catch (const MalformedMessage&) {
    return;
  }
  const auto rest = bytes.subspan(kHeaderBytes);
  if (size <= rest.size()) Decode(rest.first(size));
}

}  // namespace
}  // namespace kvlab::grading

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::span<const std::uint8_t> bytes(data, size);
  kvlab::grading::ReadStream(bytes);
  // Most changes break the header; the payload has more to break.
  if (size >= kvlab::grading::kHeaderBytes) {
    kvlab::grading::Decode(bytes.subspan(kvlab::grading::kHeaderBytes));
  }
  return 0;
}
