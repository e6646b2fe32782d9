// The worker's loop: a request in, a reply out, until there are no more.
#ifndef KVLAB_AUTOGRADER_MACHINE_WORKER_SERVE_H_
#define KVLAB_AUTOGRADER_MACHINE_WORKER_SERVE_H_

namespace kvlab::grading {

// Announces itself, then answers requests from the operations linked into this
// program. Returns 0 when the checker has closed its end, 1 if it went away in
// the middle of a message.
int Serve(int request_descriptor, int reply_descriptor);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_WORKER_SERVE_H_
