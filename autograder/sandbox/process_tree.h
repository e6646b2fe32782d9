// Other processes, as /proc shows them.
#ifndef KVLAB_AUTOGRADER_SANDBOX_PROCESS_TREE_H_
#define KVLAB_AUTOGRADER_SANDBOX_PROCESS_TREE_H_

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace kvlab::grading {

// Resident bytes of all children, grandchildren, ... of `ancestor` that belong
// to no file: heap, stacks and shared memory (RssAnon + RssShmem).
std::uint64_t PrivateBytesBelow(pid_t ancestor);

// The children, grandchildren, ... themselves.
std::vector<pid_t> ProcessesBelow(pid_t ancestor);

// Threads of all processes whose real user this is: what RLIMIT_NPROC counts.
std::uint64_t ThreadsOf(uid_t user);

// Stops them. True if all of them had already been stopped: only then none can
// have been continued by another one meanwhile, so call it until it is.
bool StopBelow(pid_t ancestor);

// Lets them go on.
void ContinueBelow(pid_t ancestor);

// Kills them, each as soon as it is seen: whoever forks and ends, again and
// again, has little time to get away. A child that comes meanwhile may be left,
// so call it until none is.
void KillBelow(pid_t ancestor);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_SANDBOX_PROCESS_TREE_H_
