// What code inside a sandbox may not ask of the kernel.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_SYSTEM_CALL_FILTER_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_SYSTEM_CALL_FILTER_H_

#include <span>

#include "autograder/machine/sandbox/file_descriptor.h"

namespace kvlab::grading {

// Names of system calls that fail with EPERM inside. Compilers, linkers,
// valgrind and a worker need none of them; each is a way out, a way to look
// into another process, a way to take time or memory from others, or a part of
// the kernel with many holes in its past.
std::span<const char* const> RefusedSystemCalls();

// Whether code inside may start processes. Threads it always may.
enum class Forking { kAllowed, kRefused };

// Whether code inside may make files and folders, anywhere. Existing ones it
// opens as their owner and their mount allow.
enum class Creating { kAllowed, kRefused };

// The filter as a program for seccomp(2), in a file without a name, read from
// its beginning: what `bwrap --seccomp` takes. It also ends processes that call
// the kernel as 32-bit programs do, and refuses clone with flags that make
// namespaces; clone3, whose flags a filter cannot see, does not exist inside,
// and the C library then takes clone. Throws SandboxError if libseccomp or the
// kernel refuses.
FileDescriptor MakeSystemCallFilter(Forking forking = Forking::kAllowed,
                                    Creating creating = Creating::kAllowed);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_SYSTEM_CALL_FILTER_H_
