// What a process that runs a policy can still do: compute, read and write the
// descriptors that it has, and grow its heap up to a limit.
#ifndef KVLAB_CLI_CONTEST_CONFINEMENT_H_
#define KVLAB_CLI_CONTEST_CONFINEMENT_H_

#include <cstdint>
#include <string>

namespace kvlab::contest {

// The stack counts apart from the data, and a policy could keep tokens there.
inline constexpr std::uint64_t kStackBytes = 32768;

// Confines this process, for good and for what it executes. Called between fork
// and exec, so it calls nothing but the kernel. Returns whether it succeeded;
// errno says why not.
//
// data_bytes  pages of data: statics and heap, as /proc/PID/status has them in
//             VmData. The kernel refuses more (RLIMIT_DATA).
//
// A filter of system calls (seccomp) allows a program that is linked statically
// to start, to read, to write, to grow its heap (brk) and to end. Mappings fail
// as if there were no memory. What libc can do without fails without harm. All
// else, such as files, threads and processes, raises SIGSYS. So there is no
// other memory than pages of data, 32 KiB of stack, and what the kernel keeps
// for each process, such as a signal's handler: fewer than 100 bytes.
// The same on x86-64 and 64-bit ARM; false on others.
bool Confine(std::uint64_t data_bytes);

// A system call in words, from its number: "clone (a thread or a process)".
std::string SystemCallName(std::uint32_t number);

}  // namespace kvlab::contest

#endif  // KVLAB_CLI_CONTEST_CONFINEMENT_H_
