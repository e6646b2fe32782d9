// Descriptors and names that worker and checker agree on.
#ifndef KVLAB_AUTOGRADER_MACHINE_PROTOCOL_CHANNEL_H_
#define KVLAB_AUTOGRADER_MACHINE_PROTOCOL_CHANNEL_H_

namespace kvlab::grading {

// The worker reads requests from one descriptor and writes replies to the
// other. What student code prints goes to its stdout, and is thrown away.
inline constexpr int kRequestDescriptor = 3;
inline constexpr int kReplyDescriptor = 4;

// The message of the reply that a worker sends, unasked, once it is ready for
// requests: all static initialisers have run.
inline constexpr const char* kReadyMessage = "ready";

// Where a worker finds the checkpoint of its endpoint, relative to the folder
// where it starts.
inline constexpr const char* kModelFolder = "../model";

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_PROTOCOL_CHANNEL_H_
