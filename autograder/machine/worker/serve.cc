#include "autograder/machine/worker/serve.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <span>

#include "autograder/machine/protocol/channel.h"
#include "autograder/machine/protocol/message.h"
#include "autograder/machine/protocol/operation.h"

namespace kvlab::grading {
namespace {

bool ReadAll(int descriptor, std::span<std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::read(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool WriteAll(int descriptor, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(descriptor, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

Reply Ready() {
  Reply reply;
  reply.message = kReadyMessage;
  return reply;
}

}  // namespace

int Serve(int request_descriptor, int reply_descriptor) {
  ObjectStore objects;
  Reply reply = Ready();
  while (WriteAll(reply_descriptor, EncodeReply(reply))) {
    std::array<std::uint8_t, kHeaderBytes> header{};
    if (!ReadAll(request_descriptor, header)) return 0;
    Bytes payload(PayloadBytes(header, MessageKind::kRequest));
    if (!ReadAll(request_descriptor, payload)) return 1;
    reply = Dispatch(objects, DecodeRequest(payload));
  }
  return 1;
}

}  // namespace kvlab::grading
