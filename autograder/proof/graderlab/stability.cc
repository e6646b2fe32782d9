#include "autograder/proof/graderlab/stability.h"

#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <thread>

#include "autograder/machine/sandbox/sandbox_error.h"

namespace kvlab::grading {
namespace {

[[noreturn]] void Compute() {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // not longer than the lab
  volatile unsigned number = 1;
  for (;;) number = number * 1664525U + 1013904223U;
}

}  // namespace

BusyCores::BusyCores() {
  const unsigned cores = std::thread::hardware_concurrency();
  for (unsigned core = 0; core < cores; ++core) {
    const pid_t process = ::fork();
    if (process == 0) Compute();
    if (process < 0) {
      throw SandboxError("cannot keep the cores busy", ErrnoText(errno),
                         "see the limit of processes (ulimit -u)");
    }
    processes_.push_back(process);
  }
}

BusyCores::~BusyCores() {
  for (const pid_t process : processes_) {
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
  }
}

}  // namespace kvlab::grading
