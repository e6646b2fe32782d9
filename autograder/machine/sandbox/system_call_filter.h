// System calls that are refused inside a sandbox.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_SYSTEM_CALL_FILTER_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_SYSTEM_CALL_FILTER_H_

#include <span>

#include "autograder/machine/sandbox/file_descriptor.h"

namespace kvlab::grading {

// Names of system calls that fail with EPERM inside. Compilers, linkers,
// valgrind and a worker need none of them. Each could escape, inspect another
// process, take time or memory from others, or reach a part of the kernel with
// a history of security holes.
std::span<const char* const> RefusedSystemCalls();

// Whether code inside may start processes. It may always start threads.
enum class Forking { kAllowed, kRefused };

// Whether code inside may create files and folders anywhere. Existing ones can
// be opened as their permissions and their mount allow.
enum class Creating { kAllowed, kRefused };

// The filter as a program for seccomp(2), in a file without a name, read from
// its beginning: what `bwrap --seccomp` takes. It also kills processes that
// make 32-bit system calls, and refuses clone with flags that create
// namespaces. clone3, whose flags a filter cannot see, fails with ENOSYS, and
// the C library then falls back to clone. Throws SandboxError if libseccomp or
// the kernel refuses.
FileDescriptor MakeSystemCallFilter(Forking forking = Forking::kAllowed,
                                    Creating creating = Creating::kAllowed);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_SYSTEM_CALL_FILTER_H_
