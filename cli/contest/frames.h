// What the host of the contest and a policy's process write to each other. Both
// are of one machine, so numbers have its byte order. This header is compiled
// with the policy, and includes nothing of the course.
//
//   host    Hello                                  once
//   policy  Answer                                 the policy has been made
//   host    Request, query, key, value             heads * head_dim floats each
//   policy  Answer, output if it is kDone          heads * head_dim floats
//
// Nothing that the policy's process writes is believed: an Answer that is not
// kDone ends the score, and only decides in which words.
#ifndef KVLAB_CLI_CONTEST_FRAMES_H_
#define KVLAB_CLI_CONTEST_FRAMES_H_

#include <cstdint>

namespace kvlab::contest {

// Descriptors of the policy's process.
inline constexpr int kRequests = 3;
inline constexpr int kAnswers = 4;

struct Hello {
  std::uint64_t layers;
  std::uint64_t heads;
  std::uint64_t head_dim;
  std::uint64_t max_tokens;
  std::uint64_t budget_bytes;
};

struct Request {
  std::uint64_t layer;
  std::uint64_t position;
};

enum class Status : std::uint32_t {
  kDone = 0,
  kNoMemory = 1,     // std::bad_alloc
  kException = 2,    // another exception: `text`
  kRefusedCall = 3,  // a system call: `number`
};

struct Answer {
  Status status;
  std::uint32_t number;
};

// After an Answer of kException, padded with zeros.
inline constexpr std::uint32_t kTextBytes = 160;

}  // namespace kvlab::contest

#endif  // KVLAB_CLI_CONTEST_FRAMES_H_
