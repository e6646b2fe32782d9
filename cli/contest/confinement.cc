#include "cli/contest/confinement.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <string>

namespace kvlab::contest {
namespace {

#ifdef __x86_64__
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
constexpr std::uint32_t kArchitecture = 0;
#endif

using Instruction = sock_filter;

constexpr Instruction Load(std::size_t offset) {
  return {.code = BPF_LD | BPF_W | BPF_ABS,
          .jt = 0,
          .jf = 0,
          .k = static_cast<std::uint32_t>(offset)};
}

// Skips `otherwise` instructions unless the loaded number is this one.
constexpr Instruction IfEqual(std::uint32_t number, std::uint8_t otherwise) {
  return {
      .code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = otherwise, .k = number};
}

constexpr Instruction Return(std::uint32_t action) {
  return {.code = BPF_RET | BPF_K, .jt = 0, .jf = 0, .k = action};
}

constexpr std::uint32_t Failing(std::uint32_t error) {
  return SECCOMP_RET_ERRNO | error;
}

struct Rule {
  std::uint32_t call;
  std::uint32_t action;
};

constexpr std::array kRules = {
    Rule{SYS_read, SECCOMP_RET_ALLOW},
    Rule{SYS_write, SECCOMP_RET_ALLOW},
    Rule{SYS_brk, SECCOMP_RET_ALLOW},
    Rule{SYS_exit_group, SECCOMP_RET_ALLOW},
    // The program itself. What it executes is as confined as it is.
    Rule{SYS_execve, SECCOMP_RET_ALLOW},
    // These keep nothing.
    Rule{SYS_getrandom, SECCOMP_RET_ALLOW},
    Rule{SYS_clock_gettime, SECCOMP_RET_ALLOW},
    Rule{SYS_set_tid_address, SECCOMP_RET_ALLOW},
    // malloc's second attempt, and mappings that count as no data.
    Rule{SYS_mmap, Failing(ENOMEM)},
    // Waking other threads, which there are not: libc does so in std::locale.
    Rule{SYS_futex, Failing(0)},
    // What libc asks at the start, before it prints, or to trim its heap.
    Rule{SYS_madvise, Failing(ENOSYS)},
    Rule{SYS_set_robust_list, Failing(ENOSYS)},
    Rule{SYS_rseq, Failing(ENOSYS)},
    Rule{SYS_prlimit64, Failing(EPERM)},
    Rule{SYS_readlinkat, Failing(ENOENT)},
    Rule{SYS_fstat, Failing(EBADF)},
    Rule{SYS_newfstatat, Failing(EBADF)},
    Rule{SYS_ioctl, Failing(EBADF)},
#ifdef __x86_64__
    Rule{SYS_readlink, Failing(ENOENT)},
#endif
};

// Two calls that the kernel remembers something of: the handler of one signal,
// and where a thread's own data are.
struct ArgumentRule {
  std::uint32_t call;
  std::uint32_t first_argument;
};

constexpr std::array kArgumentRules = {
    ArgumentRule{SYS_rt_sigaction, SIGSYS},
#ifdef __x86_64__
    ArgumentRule{SYS_arch_prctl, 0x1002},  // ARCH_SET_FS
#endif
};

// Of the low half of the first argument. The high half is zero, or the kernel
// ignores it: both arguments are 32 bits wide in the kernel.
constexpr std::size_t kFirstArgument = offsetof(seccomp_data, args);

constexpr std::size_t kHead = 4;
constexpr std::size_t kOfRule = 2;
constexpr std::size_t kOfArgumentRule = 5;
constexpr std::size_t kLength = kHead + kOfRule * kRules.size() +
                                kOfArgumentRule * kArgumentRules.size() + 1;

constexpr std::array<Instruction, kLength> Filter() {
  std::array<Instruction, kLength> filter = {};
  std::size_t next = 0;
  const auto add = [&](const Instruction& one) { filter[next++] = one; };
  // A number means another call in 32-bit code.
  add(Load(offsetof(seccomp_data, arch)));
  add({.code = BPF_JMP | BPF_JEQ | BPF_K,
       .jt = 1,
       .jf = 0,
       .k = kArchitecture});
  add(Return(SECCOMP_RET_KILL_PROCESS));
  add(Load(offsetof(seccomp_data, nr)));
  for (const Rule& rule : kRules) {
    add(IfEqual(rule.call, 1));
    add(Return(rule.action));
  }
  for (const ArgumentRule& rule : kArgumentRules) {
    add(IfEqual(rule.call, kOfArgumentRule - 1));
    add(Load(kFirstArgument));
    add(IfEqual(rule.first_argument, 1));
    add(Return(SECCOMP_RET_ALLOW));
    add(Return(Failing(EINVAL)));
  }
  add(Return(SECCOMP_RET_TRAP));
  return filter;
}

bool Limit(decltype(RLIMIT_DATA) resource, std::uint64_t bytes) {
  const rlimit limit = {.rlim_cur = bytes, .rlim_max = bytes};
  return ::setrlimit(resource, &limit) == 0;
}

struct Named {
  std::uint32_t number;
  const char* name;
};

constexpr std::array kNames = {
    Named{SYS_openat, "openat (a file)"},
    Named{SYS_clone, "clone (a thread or a process)"},
    Named{SYS_clone3, "clone3 (a thread or a process)"},
    Named{SYS_memfd_create, "memfd_create (a file in memory)"},
    Named{SYS_shmget, "shmget (memory that processes share)"},
    Named{SYS_pipe2, "pipe2 (a pipe)"},
    Named{SYS_socket, "socket (a network)"},
    Named{SYS_mprotect, "mprotect (other rights to its pages)"},
    Named{SYS_mremap, "mremap (a mapping)"},
    Named{SYS_munmap, "munmap (a mapping)"},
    Named{SYS_setrlimit, "setrlimit (another limit)"},
    Named{SYS_clock_nanosleep, "clock_nanosleep (sleep)"},
    Named{SYS_rt_sigprocmask,
          "rt_sigprocmask (signals, for a thread, a process or abort)"},
    Named{SYS_writev, "writev (what a failing libc prints)"},
#ifdef __x86_64__
    Named{SYS_open, "open (a file)"},
    Named{SYS_fork, "fork (a process)"},
    Named{SYS_vfork, "vfork (a process)"},
    Named{SYS_pipe, "pipe (a pipe)"},
#endif
};

}  // namespace

bool Confine(std::uint64_t data_bytes) {
  static constexpr std::array<Instruction, kLength> kFilter = Filter();
  if constexpr (kArchitecture == 0) return false;
  const sock_fprog program = {
      .len = kLength, .filter = const_cast<Instruction*>(kFilter.data())};
  return Limit(RLIMIT_CORE, 0) && Limit(RLIMIT_STACK, kStackBytes) &&
         Limit(RLIMIT_DATA, data_bytes) &&
         ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

std::string SystemCallName(std::uint32_t number) {
  for (const Named& named : kNames) {
    if (named.number == number) return named.name;
  }
  return "number " + std::to_string(number);
}

}  // namespace kvlab::contest
