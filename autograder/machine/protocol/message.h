// Requests and replies as bytes. The checker is trusted, the worker is not:
// bytes from a worker are hostile until they have been decoded.
//
//   header   magic u32, version u16, kind u16, payload bytes u64
//   request  operation, values
//   reply    status u8, message, values
//   values   count u64, then for each a tag u8 and its content; strings and
//            lists start with their length as u64
//
// Numbers are little-endian, as on every machine that runs x86-64-v3.
#ifndef KVLAB_AUTOGRADER_MACHINE_PROTOCOL_MESSAGE_H_
#define KVLAB_AUTOGRADER_MACHINE_PROTOCOL_MESSAGE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {

using Bytes = std::vector<std::uint8_t>;

inline constexpr std::size_t kHeaderBytes = 16;

// The longest message that a reply may carry; Dispatch cuts longer ones. The
// author of the submission reads it, so it must not leak a worker's data.
inline constexpr std::size_t kMaxMessageBytes = 512;

// Tensors have at most this many axes.
inline constexpr std::size_t kMaxRank = 8;

// These bytes are not a message.
class MalformedMessage : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class MessageKind : std::uint16_t { kRequest = 1, kReply = 2 };

// Header and payload in one.
Bytes EncodeRequest(const Request& request);
// Reply.seconds is not sent: only the checker's clock counts.
Bytes EncodeReply(const Reply& reply);

// How many bytes follow this header. Throws MalformedMessage if it is not a
// header, or is one of another kind.
std::uint64_t PayloadBytes(std::span<const std::uint8_t, kHeaderBytes> header,
                           MessageKind kind);

// Decodes a payload. Every count is checked against the bytes left before
// anything is allocated, so memory is bounded by the payload's length, and no
// byte outside the payload is read. Throws MalformedMessage for bytes that do
// not parse or are left over.
Request DecodeRequest(std::span<const std::uint8_t> payload);
// Also refuses the statuses that only the checker may give.
Reply DecodeReply(std::span<const std::uint8_t> payload);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_PROTOCOL_MESSAGE_H_
