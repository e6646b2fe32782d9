// What /proc says about other processes.
#ifndef KVLAB_AUTOGRADER_SANDBOX_PROCESS_TREE_H_
#define KVLAB_AUTOGRADER_SANDBOX_PROCESS_TREE_H_

#include <sys/types.h>

#include <cstdint>

namespace kvlab::grading {

// Resident bytes of all children, grandchildren, ... of `ancestor` that belong
// to no file: heap, stacks and shared memory (RssAnon + RssShmem).
std::uint64_t PrivateBytesBelow(pid_t ancestor);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SANDBOX_PROCESS_TREE_H_
