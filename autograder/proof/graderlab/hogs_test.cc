#include "autograder/proof/graderlab/hogs.h"

#include <signal.h>  // NOLINT(modernize-deprecated-headers): POSIX names
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

std::vector<Hog> OneOfEachKind() {
  const std::size_t core = AllowedCores().back();
  return {{.kind = Hog::Kind::kComputing, .core = core, .duty = 0.01},
          {.kind = Hog::Kind::kReading, .core = core, .duty = 0.01}};
}

bool Runs(pid_t process) { return ::kill(process, 0) == 0; }

TEST(HogsTest, RunWhileTheObjectExists) {
  std::vector<pid_t> processes;
  {
    const Hogs hogs(OneOfEachKind());
    processes = hogs.Processes();
    ASSERT_EQ(processes.size(), 2U);
    for (const pid_t process : processes) EXPECT_TRUE(Runs(process));
  }
  for (const pid_t process : processes) EXPECT_FALSE(Runs(process));
}

// A killed run has no chance to end anything itself.
TEST(HogsTest, EndWithARunThatIsKilled) {
  // Given a run in a process of its own, whose orphans come to this one
  ASSERT_EQ(::prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const pid_t run = ::fork();
  if (run == 0) {
    const Hogs hogs(OneOfEachKind());
    const auto bytes = static_cast<ssize_t>(2 * sizeof(pid_t));
    if (::write(ends[1], hogs.Processes().data(),
                static_cast<std::size_t>(bytes)) != bytes) {
      ::_exit(1);
    }
    for (;;) ::pause();
  }
  std::array<pid_t, 2> hogs{};
  ASSERT_EQ(::read(ends[0], hogs.data(), sizeof hogs),
            static_cast<ssize_t>(sizeof hogs));

  // When it is killed
  ::kill(run, SIGKILL);

  // Then they end as well
  std::set<pid_t> ended;
  for (std::size_t i = 0; i < 3; ++i) ended.insert(::wait(nullptr));
  EXPECT_EQ(ended, (std::set<pid_t>{run, hogs[0], hogs[1]}));
}

TEST(OnCoresTest, ThreadsMayUseNoOtherUntilItEnds) {
  const std::vector<std::size_t> all = AllowedCores();
  const std::vector<std::size_t> one = {all.front()};
  {
    const OnCores restricted(one);
    std::vector<std::size_t> seen;
    std::jthread([&] { seen = AllowedCores(); }).join();
    EXPECT_EQ(seen, one);
  }
  EXPECT_EQ(AllowedCores(), all);
}

}  // namespace
}  // namespace kvlab::grading
