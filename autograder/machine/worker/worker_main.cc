// The program that holds a student's code. It knows no expected answer, no
// clock that counts and no result file, so nothing in it is worth stealing.
#include <unistd.h>

#include "autograder/machine/protocol/channel.h"
#include "autograder/machine/worker/serve.h"

int main() {
  using kvlab::grading::kReplyDescriptor;
  using kvlab::grading::kRequestDescriptor;
  const int status =
      kvlab::grading::Serve(kRequestDescriptor, kReplyDescriptor);
  // Without destructors and atexit handlers: they could only do harm now.
  ::_exit(status);
}
