#include "autograder/machine/sandbox/system_call_filter.h"

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>

#include "autograder/machine/sandbox/sandbox_error.h"

namespace kvlab::grading {
namespace {

constexpr std::array kRefused = {
    // Networks, and sockets between processes.
    "socket", "socketpair", "bind", "connect", "listen", "accept", "accept4",
    // Other processes: their memory, their descriptors.
    "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
    "pidfd_getfd", "kcmp", "migrate_pages", "move_pages",
    // Memory that no limit of a process counts, or that outlasts it.
    "memfd_create", "memfd_secret", "shmget", "shmat", "shmdt", "shmctl",
    "semget", "semop", "semtimedop", "semctl", "msgget", "msgsnd", "msgrcv",
    "msgctl", "mq_open", "mq_unlink", "mlock", "mlock2", "mlockall",
    "inotify_init", "inotify_init1",
    // Scheduling: a process that bounces between processors or interrupts
    // others takes time from the processes being measured.
    "sched_setaffinity", "sched_setscheduler", "sched_setparam",
    "sched_setattr", "setpriority", "ioprio_set", "mbind", "set_mempolicy",
    "membarrier",
    // Timers act while nothing of a program runs. Waiting needs none: sleep,
    // wait_for and the like are clock_nanosleep and futex.
    "timer_create", "timer_settime", "timerfd_create", "timerfd_settime",
    "setitimer", "alarm",
    // The machine's disks.
    "sync", "syncfs",
    // Mounts and namespaces.
    "mount", "umount2", "pivot_root", "chroot", "open_tree", "move_mount",
    "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr", "unshare",
    "setns", "name_to_handle_at", "open_by_handle_at", "quotactl",
    "quotactl_fd", "swapon", "swapoff", "fanotify_init",
    // Keys live in the kernel and outlast a process.
    "keyctl", "add_key", "request_key",
    // Large parts of the kernel that only system software asks for.
    "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
    "io_uring_register", "io_setup", "io_submit", "kexec_load",
    "kexec_file_load", "init_module", "finit_module", "delete_module",
    "lookup_dcookie", "vmsplice", "modify_ldt", "uselib",
    // The machine's own state, and its log.
    "acct", "adjtimex", "clock_adjtime", "clock_settime", "settimeofday",
    "sethostname", "setdomainname", "syslog", "reboot", "iopl", "ioperm",
    "vhangup", "personality", "nfsservctl"};

// Namespaces come with these flags of clone.
constexpr std::array<std::uint64_t, 7> kNamespaceFlags = {
    CLONE_NEWNS,   CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC,
    CLONE_NEWUSER, CLONE_NEWPID,    CLONE_NEWNET};

[[noreturn]] void Fail(int error_number) {
  throw SandboxError("system calls cannot be filtered", ErrnoText(error_number),
                     "./kvlab setup    (or: apt-get install libseccomp2)");
}

// libseccomp returns -errno.
void Expect(int result) {
  if (result < 0) Fail(-result);
}

// `name` fails with this error, if libseccomp knows such a call at all.
void Refuse(scmp_filter_ctx filter, const char* name, int error_number) {
  const int number = ::seccomp_syscall_resolve_name(name);
  if (number == __NR_SCMP_ERROR) return;
  Expect(::seccomp_rule_add(filter, SCMP_ACT_ERRNO(error_number), number, 0));
}

void RefuseNamespaces(scmp_filter_ctx filter) {
  const int clone = ::seccomp_syscall_resolve_name("clone");
  for (const std::uint64_t flag : kNamespaceFlags) {
    const scmp_arg_cmp has_flag = SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag);
    Expect(::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), clone, 1,
                                    &has_flag));
  }
  Refuse(filter, "clone3", ENOSYS);
}

void RefuseIf(scmp_filter_ctx filter, const char* name, int error_number,
              const scmp_arg_cmp& condition) {
  Expect(::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(error_number),
                                  ::seccomp_syscall_resolve_name(name), 1,
                                  &condition));
}

// Settings of a process that affect others: that it shares no core with them,
// and that they may not inspect it.
void RefuseSettings(scmp_filter_ctx filter) {
  RefuseIf(filter, "prctl", EPERM, SCMP_A0(SCMP_CMP_EQ, PR_SCHED_CORE));
  RefuseIf(filter, "prctl", EPERM, SCMP_A0(SCMP_CMP_EQ, PR_SET_DUMPABLE));
}

// Empty files take memory that no limit counts. The error is that of a
// read-only file system.
void RefuseNewFiles(scmp_filter_ctx filter) {
  for (const char* name : {"creat", "mkdir", "mkdirat", "mknod", "mknodat",
                           "symlink", "symlinkat", "link", "linkat"}) {
    Refuse(filter, name, EROFS);
  }
  constexpr std::uint64_t kTemporaryFile = O_TMPFILE & ~O_DIRECTORY;
  for (const std::uint64_t flag : {std::uint64_t{O_CREAT}, kTemporaryFile}) {
    RefuseIf(filter, "open", EROFS, SCMP_A1(SCMP_CMP_MASKED_EQ, flag, flag));
    RefuseIf(filter, "openat", EROFS, SCMP_A2(SCMP_CMP_MASKED_EQ, flag, flag));
  }
  Refuse(filter, "openat2", ENOSYS);  // whose flags a filter cannot see
}

// A clone that makes no thread makes a process.
void RefuseProcesses(scmp_filter_ctx filter) {
  Refuse(filter, "fork", EPERM);
  Refuse(filter, "vfork", EPERM);
  const scmp_arg_cmp no_thread = SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0);
  Expect(::seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM),
                                  ::seccomp_syscall_resolve_name("clone"), 1,
                                  &no_thread));
}

}  // namespace

std::span<const char* const> RefusedSystemCalls() { return kRefused; }

FileDescriptor MakeSystemCallFilter(Forking forking, Creating creating) {
  const std::unique_ptr<std::remove_pointer_t<scmp_filter_ctx>,
                        decltype(&::seccomp_release)>
      filter(::seccomp_init(SCMP_ACT_ALLOW), ::seccomp_release);
  if (filter == nullptr) Fail(ENOMEM);
  Expect(::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH,
                            SCMP_ACT_KILL_PROCESS));
  for (const char* name : kRefused) Refuse(filter.get(), name, EPERM);
  RefuseNamespaces(filter.get());
  RefuseSettings(filter.get());
  if (creating == Creating::kRefused) RefuseNewFiles(filter.get());
  if (forking == Forking::kRefused) RefuseProcesses(filter.get());
  FileDescriptor file = OpenNamelessFile();
  Expect(::seccomp_export_bpf(filter.get(), file.Number()));
  if (::lseek(file.Number(), 0, SEEK_SET) < 0) Fail(errno);
  return file;
}

}  // namespace kvlab::grading
