// Other programs on the machine, for testing whether marks stay the same.
#ifndef KVLAB_AUTOGRADER_PROOF_GRADERLAB_HOGS_H_
#define KVLAB_AUTOGRADER_PROOF_GRADERLAB_HOGS_H_

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <vector>

namespace kvlab::grading {

// What takes up a core.
struct Hog {
  enum class Kind {
    kComputing,  // in registers
    kReading,    // 256 MiB from end to end, repeatedly
  };
  Kind kind = Kind::kComputing;
  std::size_t core = 0;
  // The part of the time for which it does so; the rest it sleeps.
  double duty = 1;
};

// One process for each of them, pinned to its core, while this object exists.
// They end with the thread that made the object, even if it is killed: of
// Debian's stress-ng the processes stay a while, and its memory stressors read
// at no given share.
class Hogs {
 public:
  // Throws SandboxError if the system refuses a process or a core.
  explicit Hogs(std::span<const Hog> hogs);
  Hogs(const Hogs&) = delete;
  Hogs& operator=(const Hogs&) = delete;
  ~Hogs();

  const std::vector<pid_t>& Processes() const { return processes_; }

 private:
  void End();

  std::vector<pid_t> processes_;
};

// The cores that this thread may use, in ascending order.
std::vector<std::size_t> AllowedCores();

// While this object exists, this thread, and the threads and processes that it
// starts, may use these cores alone.
class OnCores {
 public:
  // Throws SandboxError if the system refuses.
  explicit OnCores(std::span<const std::size_t> cores);
  OnCores(const OnCores&) = delete;
  OnCores& operator=(const OnCores&) = delete;
  ~OnCores();

 private:
  std::vector<std::size_t> before_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_PROOF_GRADERLAB_HOGS_H_
