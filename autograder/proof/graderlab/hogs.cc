#include "autograder/proof/graderlab/hogs.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "autograder/machine/sandbox/sandbox_error.h"

namespace kvlab::grading {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kSlice(10);
constexpr std::size_t kReadBytes = std::size_t{256} << 20U;  // no cache has it

// False, and errno says why, if the system refuses.
bool Allow(std::span<const std::size_t> cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const std::size_t core : cores) CPU_SET(core, &set);
  return ::sched_setaffinity(0, sizeof set, &set) == 0;
}

[[noreturn]] void Refused(const std::string& what, const std::string& fix) {
  throw SandboxError(what, ErrnoText(errno), fix);
}

// Some microseconds of work.
class Work {
 public:
  explicit Work(Hog::Kind kind) {
    if (kind == Hog::Kind::kComputing) return;
    void* const memory = ::mmap(nullptr, kReadBytes, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) ::_exit(1);
    ::madvise(memory, kReadBytes, MADV_HUGEPAGE);  // a hint; slower without
    words_ = {static_cast<std::uint64_t*>(memory),
              kReadBytes / sizeof(std::uint64_t)};
    // Pages that were never written are all the same one.
    for (std::uint64_t& word : words_) word = 1;
  }

  void Do() {
    constexpr std::size_t kRounds = 4096;
    if (words_.empty()) {
      for (std::size_t i = 0; i < kRounds; ++i) {
        number_ = number_ * 6364136223846793005U + 1442695040888963407U;
      }
      sink_ = number_;
      return;
    }
    // One word of each cache line reads all of it.
    constexpr std::size_t kWordsPerLine = 8;
    for (std::size_t i = 0; i < kRounds; ++i) {
      number_ += words_[next_];
      next_ += kWordsPerLine;
      if (next_ >= words_.size()) next_ = 0;
    }
    sink_ = number_;
  }

 private:
  std::span<std::uint64_t> words_;
  std::size_t next_ = 0;
  std::uint64_t number_ = 1;
  volatile std::uint64_t sink_ = 0;
};

// In the hog's process, of which nothing returns.
[[noreturn]] void Run(const Hog& hog, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);  // it ended before that
  if (!Allow(std::span(&hog.core, 1))) ::_exit(1);
  Work work(hog.kind);
  for (;;) {
    const Clock::time_point begin = Clock::now();
    const auto busy =
        std::chrono::duration_cast<Clock::duration>(kSlice * hog.duty);
    while (Clock::now() < begin + busy) work.Do();
    if (hog.duty < 1) std::this_thread::sleep_until(begin + kSlice);
  }
}

}  // namespace

Hogs::Hogs(std::span<const Hog> hogs) {
  for (const Hog& hog : hogs) {
    const pid_t parent = ::getpid();
    const pid_t process = ::fork();
    if (process == 0) Run(hog, parent);
    if (process < 0) {
      const int error = errno;
      End();
      errno = error;
      Refused("cannot keep the cores busy",
              "see the limit of processes (ulimit -u)");
    }
    processes_.push_back(process);
  }
}

Hogs::~Hogs() { End(); }

void Hogs::End() {
  for (const pid_t process : processes_) {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
}

std::vector<std::size_t> AllowedCores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) {
    Refused("cannot find out which cores may be used",
            "start graderlab without a restriction of its cores");
  }
  std::vector<std::size_t> cores;
  for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

OnCores::OnCores(std::span<const std::size_t> cores) : before_(AllowedCores()) {
  if (!Allow(cores)) {
    Refused("cannot restrict the cores",
            "start graderlab without a restriction of its cores");
  }
}

OnCores::~OnCores() { Allow(before_); }

}  // namespace kvlab::grading
