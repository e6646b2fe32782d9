// The last step into a sandbox: sets limits, gives up starting programs, and
// becomes the command.
//
//   confined --LIMIT=N... [--last-program] -- COMMAND
//
// LIMIT is cpu, as, fsize, nproc, nofile, core, sigpending, msgqueue, rtprio or
// nice, as prlimit(1) calls them. After --last-program execve is refused to the
// command and to all that it starts.
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr std::array<std::pair<std::string_view, __rlimit_resource>, 10>
    kLimits = {{{"cpu", RLIMIT_CPU},
                {"as", RLIMIT_AS},
                {"fsize", RLIMIT_FSIZE},
                {"nproc", RLIMIT_NPROC},
                {"nofile", RLIMIT_NOFILE},
                {"core", RLIMIT_CORE},
                {"sigpending", RLIMIT_SIGPENDING},
                {"msgqueue", RLIMIT_MSGQUEUE},
                {"rtprio", RLIMIT_RTPRIO},
                {"nice", RLIMIT_NICE}}};

[[noreturn]] void Fail(const char* what) {
  constexpr int kExitStatus = 127;
  std::fprintf(stderr, "confined: %s: %s\n", what, std::strerror(errno));
  std::exit(kExitStatus);
}

// "--cpu=60"
void SetLimit(std::string_view word) {
  const std::size_t equals = word.find('=');
  const std::string_view name = word.substr(2, equals - 2);
  for (const auto& [known, resource] : kLimits) {
    if (known != name) continue;
    const rlim_t number = std::strtoull(word.data() + equals + 1, nullptr, 10);
    const rlimit limit = {.rlim_cur = number, .rlim_max = number};
    if (::setrlimit(resource, &limit) != 0) Fail(word.data());
    return;
  }
  errno = EINVAL;
  Fail(word.data());
}

// `path` at a random place of the whole address space: no later program knows
// where it was.
char* AtARandomPlace(const std::string& path) {
  constexpr std::uintptr_t kHighest = std::uintptr_t{1} << 46U;
  constexpr std::uintptr_t kPage = 4096;
  constexpr std::size_t kLongest = 1024;
  constexpr int kAttempts = 100;
  if (path.size() >= kLongest) Fail("the command's path is too long");
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    std::array<std::uintptr_t, 2> random{};
    if (::getrandom(random.data(), sizeof(random), 0) != sizeof(random)) {
      Fail("no random number");
    }
    const std::uintptr_t page = random[0] % kHighest / kPage * kPage;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a place, not yet an object
    auto* const wanted = reinterpret_cast<void*>(page);
    void* const mapped =
        ::mmap(wanted, kPage, PROT_READ | PROT_WRITE,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (mapped == MAP_FAILED) continue;
    char* const place =
        static_cast<char*>(mapped) + random[1] % (kPage - kLongest);
    std::memcpy(place, path.c_str(), path.size() + 1);
    return place;
  }
  Fail("no room at a random place");
}

// Refuses every execve but of a path at this address, which only the next call
// can know.
void RefuseOtherPrograms(const char* path) {
  constexpr auto kNumber =
      static_cast<std::uint32_t>(offsetof(seccomp_data, nr));
  constexpr auto kLow =
      static_cast<std::uint32_t>(offsetof(seccomp_data, args));
  constexpr std::uint32_t kHigh = kLow + sizeof(std::uint32_t);
  const auto address = reinterpret_cast<std::uintptr_t>(path);
  const auto low = static_cast<std::uint32_t>(address);
  const auto high = static_cast<std::uint32_t>(address >> 32U);
  std::array<sock_filter, 9> code = {{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kNumber),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_execveat, 6, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_execve, 0, 4),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kLow),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, low, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, kHigh),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, high, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
  }};
  const sock_fprog program = {.len = code.size(), .filter = code.data()};
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    Fail("starting programs cannot be refused");
  }
}

}  // namespace

int main(int argc, char** argv) {
  bool last_program = false;
  int next = 1;
  for (; next < argc && std::string_view(argv[next]) != "--"; ++next) {
    if (std::string_view(argv[next]) == "--last-program") {
      last_program = true;
    } else {
      SetLimit(argv[next]);
    }
  }
  char** const command = argv + next + 1;
  if (next + 1 >= argc) {
    errno = EINVAL;
    Fail("no command");
  }
  const char* path = command[0];
  if (last_program) {
    path = AtARandomPlace(path);
    RefuseOtherPrograms(path);
  }
  ::execve(path, command, environ);
  Fail(command[0]);
}
