// Other processes, as /proc shows them.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_PROCESS_TREE_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_PROCESS_TREE_H_

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace kvlab::grading {

// Resident bytes of all children, grandchildren, ... of `ancestor` that belong
// to no file: heap, stacks and shared memory (RssAnon + RssShmem).
std::uint64_t PrivateBytesBelow(pid_t ancestor);

// The children, grandchildren, ... themselves.
std::vector<pid_t> ProcessesBelow(pid_t ancestor);

// Threads of all processes whose real user this is: what RLIMIT_NPROC counts.
std::uint64_t ThreadsOf(uid_t user);

// Processor time that `ancestor` and the processes below it have used so far,
// in all of their threads, those that have ended included.
double CpuSecondsFrom(pid_t ancestor);

// How long the first threads of these processes have been ready to run, since
// they were started, while no processor took them: the most that another's
// programs can have kept from them. What other threads of the same process used
// does not count as kept; a process that may not lower its priority cannot
// lengthen this by itself. 0 where the kernel keeps no such account
// (CONFIG_SCHED_INFO).
double WithheldSeconds(const std::vector<pid_t>& processes);

// The name of a process's PID namespace, "pid:[4026531836]"; "" if the process
// has ended or may not be inspected.
std::string ProcessNamespaceOf(pid_t pid);

// All processes of that namespace.
std::vector<pid_t> ProcessesIn(const std::string& process_namespace);

// Whether the process runs this program, or has ended. False also for one whose
// first thread has ended while others go on. True if it may not be inspected.
bool RunsProgram(pid_t pid, const std::filesystem::path& program);

// Kills them, each as soon as it is seen, so that a process that keeps forking
// and exiting has little time to escape. A child created meanwhile may survive:
// call this until none is left.
void KillBelow(pid_t ancestor);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_PROCESS_TREE_H_
