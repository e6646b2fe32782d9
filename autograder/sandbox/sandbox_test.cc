// What a command can and cannot do inside, tried in a real sandbox.
#include <fcntl.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "autograder/sandbox/isolation.h"
#include "autograder/sandbox/run.h"
#include "autograder/sandbox/sandbox_error.h"
#include "autograder/sandbox/sandbox_process.h"
#include "autograder/sandbox/sandbox_user.h"
#include "autograder/sandbox/staging_folder.h"
#include "autograder/sandbox/system_call_filter.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

SandboxSpec Shell(const std::string& script) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/bash", "-c", script};
  return spec;
}

RunResult RunInside(const SandboxSpec& spec, double seconds = 20) {
  return RunInSandbox(spec, ChooseSandboxUser(), {.seconds = seconds});
}

std::string OutputOf(const std::string& script) {
  return RunInside(Shell(script)).output;
}

TEST(SandboxTest, StartsOnThisMachine) {
  EXPECT_NO_THROW(RequireSandbox(ChooseSandboxUser()));
}

TEST(IsolationTest, FindsEveryComponentHere) {
  const Isolation isolation = ProbeIsolation(ChooseSandboxUser());
  for (const IsolationComponent& component : isolation.components) {
    // Whoever grades as himself has no other user.
    if (component.name == "a user of its own") continue;
    EXPECT_TRUE(component.found) << component.name;
  }
}

TEST(IsolationTest, NamesWhatIsMissing) {
  Isolation isolation = {{{"a wall", true}, {"a roof", true}}};
  EXPECT_TRUE(isolation.Full());
  EXPECT_EQ(isolation.Text(), "full: a wall, a roof");
  isolation.components[1].found = false;
  EXPECT_FALSE(isolation.Full());
  EXPECT_EQ(isolation.Text(), "REDUCED, missing: a roof; found: a wall");
}

TEST(SandboxTest, HoldsASystemAndNothingElse) {
  EXPECT_EQ(OutputOf("echo /*"), "/bin /dev /lib /lib64 /proc /tmp /usr\n");
  EXPECT_EQ(OutputOf("pwd"), "/tmp\n");
}

TEST(SandboxTest, PassesNoEnvironment) {
  ::setenv("KVLAB_SECRET", "42", 1);
  SandboxSpec spec;
  spec.command = {"/usr/bin/env"};
  const std::string output = RunInside(spec).output;
  for (const std::string line :
       {"LC_ALL=C\n", "PATH=/usr/bin\n", "PWD=/tmp\n"}) {
    EXPECT_NE(output.find(line), std::string::npos) << output;
  }
  EXPECT_EQ(std::count(output.begin(), output.end(), '\n'), 3) << output;
  EXPECT_EQ(OutputOf("tr -d '\\0' < /proc/1/environ"), "");
}

TEST(SandboxTest, PassesNoDescriptorButThoseNamed) {
  const int ours = ::open("/dev/null", O_RDONLY);  // not close-on-exec
  // The fourth is the folder that ls reads.
  EXPECT_EQ(OutputOf("ls /proc/self/fd"), "0\n1\n2\n3\n");
  ::close(ours);
}

TEST(SandboxTest, HasNoNetworkButItsOwnLoopback) {
  EXPECT_EQ(OutputOf("tail -n +3 /proc/net/dev | cut -d: -f1"), "    lo\n");
}

TEST(SandboxTest, HasNoCapabilitiesAndNoWayToGetSome) {
  EXPECT_EQ(OutputOf("grep -c 'Cap.*:\t0000000000000000' /proc/self/status"),
            "5\n");
  EXPECT_FALSE(RunInside(Shell("unshare --user true")).Succeeded());
}

// What `perl` says of a call: "EPERM" and the like, or "works".
std::string Calling(const std::string& call) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/perl", "-e",
                  "use Errno; $! = 0; my $result = syscall(" + call +
                      "); print $result >= 0 ? 'works' : join '', grep { "
                      "$!{$_} } keys %!"};
  return RunInside(spec).output;
}

TEST(SystemCallFilterTest, RefusesWhatCodeInsideHasNoUseFor) {
  const std::map<std::string, std::string> calls = {
      {"a socket of the internet", "41, 2, 1, 0"},
      {"a socket between processes", "53, 1, 1, 0, my $x = 'x' x 128"},
      {"ptrace of itself", "101, 0, 0, 0, 0"},
      {"another process's memory", "310, 1, 0, 0, 0, 0, 0"},
      {"a mount", "165, my $n = 'none', my $w = '/tmp', my $t = 'tmpfs', 0, 0"},
      {"a user namespace", "272, 0x10000000"},
      {"a clone in a user namespace", "56, 0x10000011, 0, 0, 0, 0"},
      {"a key", "250, 0, 0xfffffffd, 1"},
      {"a BPF map", "321, 0, my $x = 'x' x 128, 128"},
      {"a performance counter", "298, my $x = 'x' x 128, 0, -1, -1, 0"},
      {"an I/O ring", "425, 8, my $x = 'x' x 128"},
      {"a user page fault descriptor", "323, 1"},
      {"the personality", "135, 0x0040000"}};
  for (const auto& [what, call] : calls) {
    EXPECT_EQ(Calling(call), "EPERM") << what;
  }
}

TEST(SystemCallFilterTest, KnowsEveryCallThatItRefuses) {
  for (const char* name : RefusedSystemCalls()) {
    EXPECT_NE(::seccomp_syscall_resolve_name(name), __NR_SCMP_ERROR) << name;
  }
}

// Whoever hides flags behind a pointer is told that there is no such call.
TEST(SystemCallFilterTest, HasNoClone3) {
  EXPECT_EQ(Calling("435, my $x = 'x' x 88, 88"), "ENOSYS");
}

TEST(SystemCallFilterTest, LeavesThreadsAndProcessesAlone) {
  EXPECT_EQ(OutputOf("echo $(echo a | cat)"), "a\n");
}

TEST(SandboxTest, SeesNoOtherProcesses) {
  // Bubblewrap, bash.
  EXPECT_EQ(OutputOf("echo /proc/[0-9]*"), "/proc/1 /proc/2\n");
}

TEST(SandboxTest, RunsAsNobodyInside) {
  EXPECT_EQ(OutputOf("id -u; id -g; id -G"), "65534\n65534\n65534\n");
}

TEST(SandboxTest, IsReadOnlyButForItsTemporaryFolders) {
  for (const std::string folder : {"/", "/usr", "/dev", "/proc"}) {
    EXPECT_FALSE(RunInside(Shell("echo x > " + folder + "/file")).Succeeded())
        << folder;
  }
  EXPECT_EQ(OutputOf("for d in /tmp /dev/shm; do echo $d > $d/x; cat $d/x; "
                     "done; echo > /dev/null"),
            "/tmp\n/dev/shm\n");
}

TEST(SandboxTest, TemporaryFoldersAreSmall) {
  for (const std::string folder : {"/tmp", "/dev/shm"}) {
    SandboxSpec spec = Shell("head -c 2000000 /dev/zero > x; wc -c < x");
    spec.folder = folder;
    spec.limits.tmp_bytes = 1U << 20U;
    const std::string output = RunInside(spec).output;
    EXPECT_NE(output.find("No space left"), std::string::npos) << output;
    EXPECT_TRUE(output.ends_with("1048576\n")) << output;
  }
}

TEST(SandboxTest, LimitsTheSizeOfFiles) {
  SandboxSpec spec = Shell("head -c 100000 /dev/zero > /tmp/x");
  spec.limits.file_bytes = 4096;
  EXPECT_FALSE(RunInside(spec).Succeeded());
}

TEST(SandboxTest, LimitsTheMemoryOfAProcess) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/perl", "-e", "$x = 'a' x 300000000"};
  EXPECT_TRUE(RunInside(spec).Succeeded());
  spec.limits.address_space_bytes = std::uint64_t{200} << 20U;
  EXPECT_FALSE(RunInside(spec).Succeeded());
}

TEST(SandboxTest, LimitsTheNumberOfProcesses) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/perl", "-e",
                  "for (1..9) { $p = fork; defined $p or die \"$_: $!\"; "
                  "if (!$p) { sleep 9; exit } }"};
  spec.limits.processes = 5;
  // Bubblewrap inside, perl and three children.
  const std::string output = RunInside(spec).output;
  EXPECT_TRUE(output.starts_with("4: Resource temporarily unavailable"))
      << output;
}

TEST(SandboxTest, LimitsTheTimeOfAProcessor) {
  SandboxSpec spec = Shell("while true; do :; done");
  spec.limits.cpu_seconds = 1;
  EXPECT_EQ(EndingText(RunInside(spec).ending.value()),
            "signal 9 (SIGKILL, Killed)");
}

TEST(SandboxTest, MountsAreReadOnlyUnlessTheySayOtherwise) {
  const std::optional<SandboxUser> user = ChooseSandboxUser();
  const StagingFolder staging(user);
  staging.WriteFile("given/text", "hello");
  const std::filesystem::path results = staging.MakeWritable("results");
  SandboxSpec spec = Shell(
      "cat /given/text; echo no > /given/text || cp /given/text /results/copy");
  spec.mounts = {{staging.Path() / "given", "/given"},
                 {results, "/results", Access::kWritable}};
  EXPECT_TRUE(RunInside(spec).output.starts_with("hello"));
  EXPECT_EQ(ReadRegularFile(results / "copy", 100), "hello");
  EXPECT_EQ(ReadRegularFile(staging.Path() / "given/text", 100), "hello");
}

TEST(RunTest, ReportsHowTheCommandEnded) {
  const auto ending = [](const std::string& script) {
    return EndingText(RunInside(Shell(script)).ending.value());
  };
  EXPECT_EQ(ending("exit 0"), "exit status 0");
  EXPECT_EQ(ending("exit 3"), "exit status 3");
  EXPECT_EQ(ending("kill -SEGV $$"), "signal 11 (SIGSEGV, Segmentation fault)");
}

// A fault of the grader, not of what it would have run.
TEST(RunTest, ASandboxThatDoesNotStartIsAnError) {
  SandboxSpec spec = Shell("true");
  spec.mounts = {{"/no/such/folder", "/given"}};
  EXPECT_THROW(RunInside(spec), SandboxError);
}

TEST(RunTest, KeepsTheBeginningOfTheOutput) {
  const RunResult result =
      RunInSandbox(Shell("yes | head -c 5000000; echo end >&2"),
                   ChooseSandboxUser(), {.seconds = 20, .output_bytes = 5});
  EXPECT_TRUE(result.Succeeded());
  EXPECT_EQ(result.output, "y\ny\ny");
  EXPECT_TRUE(result.output_cut);
}

// Whether a process with these words in its command line exists.
bool ProcessExists(const std::string& words) {
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    std::string line;
    std::getline(file, line, '\n');
    if (line.find(words) != std::string::npos) return true;
  }
  return false;
}

TEST(RunTest, TheDeadlineEndsAllProcessesInside) {
  // Numbers that only this test uses
  const std::string time = "8" + std::to_string(::getpid());
  const RunResult result = RunInside(
      Shell("setsid sleep " + time + " & trap '' TERM HUP INT; sleep " + time +
            "; sleep " + time),
      0.5);
  EXPECT_FALSE(result.ending.has_value());
  EXPECT_FALSE(ProcessExists(time));
}

// Where nobody sees orphans off, as in many containers, they would pile up.
TEST(RunTest, KilledSandboxesLeaveNoZombies) {
  for (int i = 0; i < 3; ++i) RunInside(Shell("sleep 100"), 0.2);
  errno = 0;
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(RunTest, ProcessesLeftBehindEndWithTheCommand) {
  const std::string time = "9" + std::to_string(::getpid());
  const RunResult result = RunInside(
      Shell("setsid sleep " + time + " </dev/null >/dev/null 2>&1 &"));
  EXPECT_TRUE(result.Succeeded());
  EXPECT_FALSE(ProcessExists(time));
}

TEST(SandboxProcessTest, SeesTheMemoryOfAllProcessesInside) {
  const FileDescriptor nothing = OpenDevNull();
  const std::vector<Inherited> inherited = {
      {nothing, 0}, {nothing, 1}, {nothing, 2}};
  // A child that holds 40 MB, and one of a child.
  const std::string hold =
      "head -c 40000000 /dev/zero | tr '\\0' x | (read -r -N 40000000 v; "
      "sleep 100)";
  SandboxProcess process(Shell("(" + hold + ") & sleep 100"),
                         ChooseSandboxUser(), inherited);
  const Deadline deadline(20);
  while (process.ResidentBytes() < 40000000 && !deadline.Passed()) {
    ::usleep(20000);
  }
  EXPECT_GE(process.ResidentBytes(), 40000000U);
  process.Kill();
  EXPECT_EQ(process.ResidentBytes(), 0U);
}

TEST(StagingFolderTest, GoesAwayWithAllItHolds) {
  std::filesystem::path path;
  {
    const StagingFolder staging(ChooseSandboxUser());
    path = staging.Path();
    staging.WriteFile("a/b/c", "x");
    staging.MakeWritable("w");
    EXPECT_TRUE(std::filesystem::exists(path / "a/b/c"));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(StagingFolderTest, CopiesWhatSymbolicLinksPointTo) {
  const StagingFolder from(ChooseSandboxUser());
  const StagingFolder to(ChooseSandboxUser());
  from.WriteFile("real/file", "content");
  std::filesystem::create_directory(from.Path() / "tree");
  std::filesystem::create_symlink("../real", from.Path() / "tree/folder");
  std::filesystem::create_symlink("../real/file", from.Path() / "tree/link");
  to.Copy(from.Path() / "tree", "copy");
  EXPECT_EQ(ReadRegularFile(to.Path() / "copy/link", 100), "content");
  EXPECT_EQ(ReadRegularFile(to.Path() / "copy/folder/file", 100), "content");
}

TEST(ReadRegularFileTest, WaitsForNoPipeAndFollowsNoLink) {
  const StagingFolder folder(ChooseSandboxUser());
  folder.WriteFile("file", "0123456789");
  EXPECT_EQ(ReadRegularFile(folder.Path() / "file", 4), "0123");
  std::filesystem::create_symlink("file", folder.Path() / "link");
  EXPECT_EQ(ReadRegularFile(folder.Path() / "link", 4), std::nullopt);
  ASSERT_EQ(::mkfifo((folder.Path() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(ReadRegularFile(folder.Path() / "pipe", 4), std::nullopt);
  EXPECT_EQ(ReadRegularFile(folder.Path(), 4), std::nullopt);
}

}  // namespace
}  // namespace kvlab::grading
