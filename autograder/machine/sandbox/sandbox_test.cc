// What a command can and cannot do inside, tried in a real sandbox.
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "autograder/machine/sandbox/isolation.h"
#include "autograder/machine/sandbox/run.h"
#include "autograder/machine/sandbox/sandbox_error.h"
#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/sandbox_process.h"
#include "autograder/machine/sandbox/sandbox_user.h"
#include "autograder/machine/sandbox/staging_folder.h"
#include "autograder/machine/sandbox/system_call_filter.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kvlab::grading {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

SandboxSpec Shell(const std::string& script) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/bash", "-c", script};
  return spec;
}

SandboxHost Host(Confinement confinement) {
  return {.user = ChooseSandboxUser(), .confinement = confinement};
}

// What holds only with namespaces.
class BubblewrapTest : public ::testing::Test {
 protected:
  static RunResult RunInside(const SandboxSpec& spec) {
    return RunInSandbox(spec, Host(Confinement::kBubblewrap), {.seconds = 20});
  }
  static std::string OutputOf(const std::string& script) {
    return RunInside(Shell(script)).output;
  }
};

// What holds in both kinds of sandbox.
class SandboxTest : public ::testing::TestWithParam<Confinement> {
 protected:
  static SandboxHost ThisHost() { return Host(GetParam()); }
  static RunResult RunInside(const SandboxSpec& spec, double seconds = 20) {
    return RunInSandbox(spec, ThisHost(), {.seconds = seconds});
  }
  static std::string OutputOf(const std::string& script) {
    return RunInside(Shell(script)).output;
  }
};
using RunTest = SandboxTest;
using SystemCallFilterTest = SandboxTest;
using SandboxProcessTest = SandboxTest;

std::string NameOf(const ::testing::TestParamInfo<Confinement>& info) {
  return info.param == Confinement::kBubblewrap ? "Bubblewrap" : "Reduced";
}
const auto kBoth =
    ::testing::Values(Confinement::kBubblewrap, Confinement::kReduced);
INSTANTIATE_TEST_SUITE_P(In, SandboxTest, kBoth, NameOf);
INSTANTIATE_TEST_SUITE_P(In, RunTest, kBoth, NameOf);
INSTANTIATE_TEST_SUITE_P(In, SystemCallFilterTest, kBoth, NameOf);
INSTANTIATE_TEST_SUITE_P(In, SandboxProcessTest, kBoth, NameOf);

TEST_P(SandboxTest, StartsOnThisMachine) {
  EXPECT_NO_THROW(RequireSandbox(ThisHost()));
}

TEST(IsolationTest, NamesWhatIsMissing) {
  Isolation isolation = {{{"a wall", true}, {"a roof", true}}};
  EXPECT_TRUE(isolation.Full());
  EXPECT_EQ(isolation.Text(), "full: a wall, a roof");
  isolation.components[1].found = false;
  EXPECT_FALSE(isolation.Full());
  EXPECT_EQ(isolation.Text(), "REDUCED, missing: a roof; found: a wall");
}

bool Found(const Isolation& isolation, const std::string& name) {
  for (const IsolationComponent& component : isolation.components) {
    if (component.name == name) return component.found;
  }
  ADD_FAILURE() << "there is no component " << name;
  return false;
}

TEST(IsolationTest, BubblewrapHasEveryComponent) {
  const Isolation isolation = ProbeIsolation(Host(Confinement::kBubblewrap));
  for (const IsolationComponent& component : isolation.components) {
    // An ordinary user grades without changing to another user.
    if (component.name == "a user of its own") continue;
    EXPECT_TRUE(component.found) << component.name;
  }
}

TEST(IsolationTest, ReducedStillStopsMuch) {
  const Isolation isolation = ProbeIsolation(Host(Confinement::kReduced));
  for (const char* name :
       {"no network", "no environment", "read-only system", "no capabilities",
        "no nested namespaces", "system call filter", "limits"}) {
    EXPECT_TRUE(Found(isolation, name)) << name;
  }
  for (const char* name : {"bubblewrap", "small temporary folders"}) {
    EXPECT_FALSE(Found(isolation, name)) << name;
  }
  EXPECT_EQ(isolation.why_reduced, "asked for");
}

TEST(IsolationTest, KnowsWhetherFilesAreKeptApart) {
  EXPECT_TRUE((Isolation{{{"no files but its own", true}}}).KeepsFilesApart());
  EXPECT_FALSE(
      (Isolation{{{"no files but its own", false}}}).KeepsFilesApart());
}

// Why `grading` is refused at this level; "" if it is not.
std::string Refusal(const Isolation& isolation, Grading grading) {
  try {
    RequireIsolation(isolation, grading);
  } catch (const SandboxError& error) {
    return error.what();
  }
  return "";
}

TEST(IsolationTest, GradingAsksForEnoughOfIt) {
  const Isolation full = {{{"no files but its own", true}}};
  const Isolation less = {
      {{"no files but its own", true}, {"bubblewrap", false}}, "no namespaces"};
  const Isolation none = {{{"no files but its own", false}}};
  for (const Grading grading :
       {Grading::kUsual, Grading::kMayReadEverything, Grading::kOfficial}) {
    EXPECT_EQ(Refusal(full, grading), "");
  }
  EXPECT_EQ(Refusal(less, Grading::kUsual), "");
  EXPECT_EQ(Refusal(less, Grading::kMayReadEverything), "");
  EXPECT_THAT(Refusal(less, Grading::kOfficial), HasSubstr("no namespaces"));
  EXPECT_THAT(Refusal(none, Grading::kOfficial), HasSubstr("full level"));
  // Only where it was asked for in so many words.
  EXPECT_THAT(Refusal(none, Grading::kUsual),
              HasSubstr("--submissions-may-read-everything"));
  EXPECT_EQ(Refusal(none, Grading::kMayReadEverything), "");
}

TEST(IsolationTest, TheWarningSaysWhatASubmissionCouldDo) {
  const Isolation isolation = {
      {{"a wall", true, "walk in"}, {"a roof", false, "fly in"}}, "no money"};
  const std::string text = isolation.Warning();
  EXPECT_NE(text.find("Why: no money"), std::string::npos) << text;
  EXPECT_NE(text.find("- fly in\n      (missing: a roof)"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("walk in"), std::string::npos) << text;
  EXPECT_EQ(Isolation{}.Warning(), "");
}

// Runs `action` in a process of its own.
pid_t Forked(const std::function<void()>& action) {
  const pid_t child = ::fork();
  if (child != 0) return child;
  try {
    action();
  } catch (const std::exception& error) {
    // Else this child would go on with the tests.
    std::fprintf(stderr, "%s\n", error.what());
    ::_exit(1);
  }
  ::_exit(0);
}

// Waits for the orphans of such a process, which are now children of this one.
void SeeOrphansOff() {
  const Deadline deadline(10);
  while (::waitpid(-1, nullptr, WNOHANG) >= 0 && !deadline.Passed()) {
    ::usleep(1000);
  }
}

// What `action` says in a process under this filter of system calls.
std::string Under(const FileDescriptor& filter,
                  const std::function<std::string()>& action) {
  const StagingFolder folder(ChooseSandboxUser());
  const pid_t child = Forked([&] {
    std::vector<sock_filter> code(4096);
    const ssize_t size =
        ::read(filter.Number(), code.data(), code.size() * sizeof(sock_filter));
    const sock_fprog program = {
        static_cast<std::uint16_t>(size / sizeof(sock_filter)), code.data()};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
      return;
    }
    std::ofstream(folder.Path() / "said") << action();
  });
  ::waitpid(child, nullptr, 0);
  SeeOrphansOff();
  return ReadRegularFile(folder.Path() / "said", 10000).value_or("nothing");
}

// As a container does that may make no namespaces.
TEST(IsolationTest, WhereBubblewrapDoesNotWorkAReducedSandboxDoes) {
  const std::string said = Under(MakeSystemCallFilter(), [] {
    const SandboxHost host = ChooseSandboxHost();
    if (host.confinement != Confinement::kReduced) return std::string("full");
    return ProbeIsolation(host).Warning();
  });
  EXPECT_NE(said.find("Why: a sandbox did not start\n    why: user namespaces "
                      "are not allowed here"),
            std::string::npos)
      << said;
}

// As a kernel does that has none.
TEST(IsolationTest, WithoutLandlockItsComponentsAreMissing) {
  const auto filter = ::seccomp_init(SCMP_ACT_ALLOW);
  ::seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS),
                     SYS_landlock_create_ruleset, 0);
  const FileDescriptor file = OpenNamelessFile();
  ::seccomp_export_bpf(filter, file.Number());
  ::seccomp_release(filter);
  ::lseek(file.Number(), 0, SEEK_SET);
  const std::string said = Under(file, [] {
    const Isolation isolation = ProbeIsolation(Host(Confinement::kReduced));
    return isolation.Text() + Refusal(isolation, Grading::kUsual);
  });
  EXPECT_THAT(said, HasSubstr("--submissions-may-read-everything"));
  const std::string missing = said.substr(0, said.find(';'));
  for (const char* name :
       {"no files but its own", "no other process", "no files left behind"}) {
    EXPECT_NE(missing.find(name), std::string::npos) << name << ": " << said;
  }
}

TEST_F(BubblewrapTest, HoldsASystemAndNothingElse) {
  EXPECT_EQ(OutputOf("echo /*"),
            "/bin /confined /dev /lib /lib64 /proc /tmp /usr\n");
  EXPECT_EQ(OutputOf("pwd"), "/tmp\n");
}

TEST_P(SandboxTest, PassesNoEnvironment) {
  ::setenv("KVLAB_SECRET", "42", 1);
  SandboxSpec spec;
  spec.command = {"/usr/bin/env"};
  std::istringstream output(RunInside(spec).output);
  std::set<std::string> names;
  for (std::string line; std::getline(output, line);) {
    names.insert(line.substr(0, line.find('=')));
    EXPECT_EQ(line.find("42"), std::string::npos) << line;
  }
  // Who says where it starts, and who where temporary files go.
  const bool full = GetParam() == Confinement::kBubblewrap;
  EXPECT_EQ(names,
            (std::set<std::string>{"LC_ALL", "PATH", full ? "PWD" : "TMPDIR"}));
  EXPECT_EQ(OutputOf("tr -d '\\0' 2>/dev/null < /proc/$PPID/environ || echo"),
            full ? "" : "\n");
}

TEST_P(SandboxTest, PassesNoDescriptorButThoseNamed) {
  const int ours = ::open("/dev/null", O_RDONLY);  // not close-on-exec
  SandboxSpec spec;
  spec.command = {"/usr/bin/ls", "/proc/self/fd"};
  // The fourth is the folder that ls reads.
  EXPECT_EQ(RunInside(spec).output, "0\n1\n2\n3\n");
  ::close(ours);
}

TEST_F(BubblewrapTest, HasNoNetworkButItsOwnLoopback) {
  EXPECT_EQ(OutputOf("tail -n +3 /proc/net/dev | cut -d: -f1"), "    lo\n");
}

TEST_P(SandboxTest, HasNoCapabilitiesAndNoWayToGetSome) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/grep", "-cE",
                  "Cap(Inh|Prm|Eff|Amb):\t0{16}|NoNewPrivs:\t1",
                  "/proc/self/status"};
  EXPECT_EQ(RunInside(spec).output, "5\n");
  EXPECT_FALSE(RunInside(Shell("unshare --user true")).Succeeded());
}

// What `perl` says of a call: "EPERM" and the like, or "works".
std::string Calling(const std::string& call, const SandboxHost& host) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/perl", "-e",
                  "use Errno; $! = 0; my $result = syscall(" + call +
                      "); print $result >= 0 ? 'works' : join '', grep { "
                      "$!{$_} } keys %!"};
  return RunInSandbox(spec, host, {.seconds = 20}).output;
}

TEST_P(SystemCallFilterTest, RefusesWhatCodeInsideHasNoUseFor) {
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
      {"memory outside the limits", "319, my $n = 'x', 0"},
      {"shared memory", "29, 0, 4096, 0x3b6"},
      {"a semaphore", "64, 0, 1, 0x3b6"},
      {"a queue of messages", "68, 0, 0x3b6"},
      {"a queue with a name", "240, my $n = 'q', 0x42, 0600, 0"},
      {"memory that stays", "149, my $x = 'x' x 8, 8"},
      {"a watch", "294, 0"},
      {"a processor of its choice", "203, 0, 8, my $m = pack('Q', 1)"},
      {"another scheduler", "144, 0, 3, my $p = pack('l', 0)"},
      {"scheduling parameters", "142, 0, my $p = pack('l', 0)"},
      {"scheduling attributes", "314, 0, my $x = chr(0) x 48, 0"},
      {"a priority", "141, 0, 0, 5"},
      {"a priority of its files", "251, 1, 0, 0x4007"},
      {"memory of one node", "238, 0, 0, 0"},
      {"a barrier on all processors", "324, 0, 0"},
      {"a timer", "222, 0, 0, my $x = 'x' x 8"},
      {"a timer to read", "283, 1, 0"},
      {"an interval timer", "38, 0, my $x = pack('q4', 0, 0, 1, 0), 0"},
      {"an alarm", "37, 100"},
      {"all disks written", "162"},
      {"a core of its own", "157, 62, 1, 0, 0, 0"},
      {"hiding from the grader", "157, 4, 0, 0, 0, 0"},
      {"the personality", "135, 0x0040000"}};
  for (const auto& [what, call] : calls) {
    EXPECT_EQ(Calling(call, ThisHost()), "EPERM") << what;
  }
}

TEST(SystemCallFilterNamesTest, KnowsEveryCallThatItRefuses) {
  for (const char* name : RefusedSystemCalls()) {
    EXPECT_NE(::seccomp_syscall_resolve_name(name), __NR_SCMP_ERROR) << name;
  }
}

// A filter cannot see clone3's flags, which are behind a pointer, so the call
// fails as unknown.
TEST_P(SystemCallFilterTest, HasNoClone3) {
  EXPECT_EQ(Calling("435, my $x = 'x' x 88, 88", ThisHost()), "ENOSYS");
}

TEST_P(SystemCallFilterTest, LeavesThreadsAndProcessesAlone) {
  EXPECT_EQ(OutputOf("echo $(echo a | cat)"), "a\n");
}

TEST_P(SandboxProcessTest, StartsNoProcessWhereForkingIsRefused) {
  SandboxSpec spec = Shell("true & wait; echo $?");
  EXPECT_TRUE(RunInSandbox(spec, ThisHost(), {.seconds = 20}).Succeeded());
  spec.forking = Forking::kRefused;
  const RunResult forks = RunInSandbox(spec, ThisHost(), {.seconds = 20});
  EXPECT_NE(forks.output.find("fork: "), std::string::npos) << forks.output;
}

TEST_F(BubblewrapTest, SeesNoOtherProcesses) {
  // Bubblewrap, bash.
  EXPECT_EQ(OutputOf("echo /proc/[0-9]*"), "/proc/1 /proc/2\n");
}

TEST(ReducedTest, RunsAsTheSandboxsUser) {
  const SandboxHost host = Host(Confinement::kReduced);
  const auto uid = host.user ? host.user->uid : ::getuid();
  const RunResult result = RunInSandbox(Shell("id -u"), host, {.seconds = 20});
  EXPECT_EQ(result.output, std::to_string(uid) + "\n");
}

TEST_F(BubblewrapTest, RunsAsNobodyInside) {
  EXPECT_EQ(OutputOf("id -u; id -g; id -G"), "65534\n65534\n65534\n");
}

TEST_P(SandboxTest, IsReadOnly) {
  for (const std::string folder : {"/", "/usr", "/dev", "/proc"}) {
    EXPECT_FALSE(RunInside(Shell("echo x > " + folder + "/file")).Succeeded())
        << folder;
  }
  EXPECT_TRUE(RunInside(Shell("echo > /dev/null")).Succeeded());
}

TEST_P(SandboxTest, HasATemporaryFolderOfItsOwn) {
  EXPECT_EQ(OutputOf("echo 1 > x; cat ${TMPDIR:-/tmp}/x"), "1\n");
  EXPECT_EQ(OutputOf("ls"), "");
}

TEST_F(BubblewrapTest, TheTemporaryFolderIsSmall) {
  SandboxSpec spec = Shell("head -c 2000000 /dev/zero > x; wc -c < x");
  spec.limits.tmp_bytes = 1U << 20U;
  const std::string output = RunInside(spec).output;
  EXPECT_NE(output.find("No space left"), std::string::npos) << output;
  EXPECT_TRUE(output.ends_with("1048576\n")) << output;
}

TEST_F(BubblewrapTest, NothingElseCanBeWritten) {
  EXPECT_EQ(OutputOf("for d in / /dev /dev/shm /usr /proc; do "
                     "{ echo > $d/x; } 2>/dev/null && echo $d; done"),
            "");
}

// Each is memory of the kernel's, however empty.
TEST_P(SandboxTest, LimitsTheNumberOfFiles) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/perl", "-e",
                  "my $d = $ENV{TMPDIR} || '/tmp'; for (1..300000) { "
                  "open(my $f, '>', \"$d/$_\") or die \"$_: $!\" } "
                  "print 'works'"};
  spec.limits.tmp_files = 100;
  const RunResult result = RunInside(spec);
  EXPECT_FALSE(result.Succeeded());
  if (GetParam() == Confinement::kBubblewrap) {
    EXPECT_TRUE(result.output.starts_with("100: No space left"))
        << result.output;
  }
}

TEST_P(SandboxTest, LimitsTheSizeOfFiles) {
  SandboxSpec spec = Shell("head -c 100000 /dev/zero > x");
  spec.limits.file_bytes = 4096;
  EXPECT_FALSE(RunInside(spec).Succeeded());
}

TEST_P(SandboxTest, LimitsTheMemoryOfAProcess) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/perl", "-e", "$x = 'a' x 300000000"};
  EXPECT_TRUE(RunInside(spec).Succeeded());
  spec.limits.address_space_bytes = std::uint64_t{200} << 20U;
  EXPECT_FALSE(RunInside(spec).Succeeded());
}

TEST_P(SandboxTest, LimitsTheNumberOfProcesses) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/perl", "-e",
                  "for (1..200) { $p = fork; defined $p or die \"$_: $!\"; "
                  "if (!$p) { sleep 9; exit } }"};
  spec.limits.processes = 5;
  const std::string output = RunInside(spec).output;
  EXPECT_NE(output.find(": Resource temporarily unavailable"),
            std::string::npos)
      << output;
  // Bubblewrap inside, perl and three children. Reduced, whatever else the user
  // runs on this machine comes and goes.
  if (GetParam() == Confinement::kBubblewrap) {
    EXPECT_TRUE(output.starts_with("4:")) << output;
  }
}

TEST_P(SandboxTest, LimitsTheTimeOfAProcessor) {
  SandboxSpec spec = Shell("while true; do :; done");
  spec.limits.cpu_seconds = 1;
  EXPECT_EQ(EndingText(RunInside(spec).ending.value()),
            "signal 9 (SIGKILL, Killed)");
}

TEST_P(SandboxTest, MountsAreReadOnlyUnlessTheySayOtherwise) {
  const std::optional<SandboxUser> user = ChooseSandboxUser();
  const StagingFolder staging(user);
  staging.WriteFile("given/text", "hello");
  const std::filesystem::path results = staging.MakeWritable("results");
  // A command starts in /tmp, and from there the way is the same in both.
  SandboxSpec spec = Shell(
      "cat ../given/text; echo no > ../given/text || cp ../given/text "
      "../results/copy");
  spec.mounts = {{staging.Path() / "given", "/given"},
                 {results, "/results", Access::kWritable}};
  EXPECT_TRUE(RunInside(spec).output.starts_with("hello"));
  EXPECT_EQ(ReadRegularFile(results / "copy", 100), "hello");
  EXPECT_EQ(ReadRegularFile(staging.Path() / "given/text", 100), "hello");
}

TEST_P(SandboxTest, WordsOfTheCommandNamePlacesInside) {
  const StagingFolder staging(ChooseSandboxUser());
  staging.WriteFile("given/text", "b\na\n");
  const std::filesystem::path results = staging.MakeWritable("results");
  SandboxSpec spec;
  spec.command = {"/usr/bin/sort", "--output=/results/sorted", "text",
                  "/given/text", "/given/missing"};
  spec.mounts = {{staging.Path() / "given", "/given"},
                 {results, "/results", Access::kWritable}};
  spec.folder = "/given";
  // Before it stands the command's name, as some versions with its folder.
  EXPECT_THAT(RunInside(spec).output,
              EndsWith("sort: cannot read: /given/missing: No such file or "
                       "directory\n"));
  spec.command.pop_back();
  EXPECT_TRUE(RunInside(spec).Succeeded());
  EXPECT_EQ(ReadRegularFile(results / "sorted", 100), "a\na\nb\nb\n");
}

TEST_P(RunTest, ReportsHowTheCommandEnded) {
  const auto ending = [](const std::string& script) {
    return EndingText(RunInside(Shell(script)).ending.value());
  };
  EXPECT_EQ(ending("exit 0"), "exit status 0");
  EXPECT_EQ(ending("exit 3"), "exit status 3");
  EXPECT_EQ(ending("kill -SEGV $$"), "signal 11 (SIGSEGV, Segmentation fault)");
}

// A fault of the grader, not of what it would have run.
TEST_P(RunTest, ASandboxThatDoesNotStartIsAnError) {
  SandboxSpec spec = Shell("true");
  spec.mounts = {{"/no/such/folder", "/given"}};
  EXPECT_THROW(RunInside(spec), SandboxError);
}

TEST_P(RunTest, KeepsTheBeginningOfTheOutput) {
  const RunResult result =
      RunInSandbox(Shell("yes | head -c 5000000; echo end >&2"), ThisHost(),
                   {.seconds = 20, .output_bytes = 5});
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

TEST_P(RunTest, TheDeadlineEndsAllProcessesInside) {
  // Numbers that only this test uses
  const std::string time = "8" + std::to_string(::getpid());
  const RunResult result = RunInside(
      Shell("setsid sleep " + time + " & (setsid nohup sleep " + time +
            " &); trap '' TERM HUP INT; sleep " + time + "; sleep " + time),
      0.5);
  EXPECT_FALSE(result.ending.has_value());
  EXPECT_FALSE(ProcessExists(time));
}

// Without an init that reaps orphans, as in many containers, they would pile
// up.
TEST_P(RunTest, KilledSandboxesLeaveNoZombies) {
  for (int i = 0; i < 3; ++i) RunInside(Shell("sleep 100"), 0.2);
  errno = 0;
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST_P(RunTest, ProcessesLeftBehindEndWithTheCommand) {
  const std::string time = "9" + std::to_string(::getpid());
  const RunResult result = RunInside(
      Shell("setsid sleep " + time + " </dev/null >/dev/null 2>&1 &"));
  EXPECT_TRUE(result.Succeeded());
  EXPECT_FALSE(ProcessExists(time));
}

// Each is gone before a list of processes that names it is read to its end.
TEST_P(RunTest, WhoForksAndEndsAgainAndAgainIsCaught) {
  const std::string name = "forker" + std::to_string(::getpid());
  SandboxSpec spec;
  spec.command = {"/usr/bin/perl", "-e",
                  "use POSIX; $0 = '" + name +
                      "'; while (1) { $p = fork; if ($p) { exit } "
                      "if (defined $p) { setsid } }"};
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(RunInside(spec).Succeeded());
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(9));
  EXPECT_FALSE(ProcessExists(name));
}

TEST_P(SandboxProcessTest, EndsWithItsGrader) {
  const std::string time = "7" + std::to_string(::getpid());
  const StagingFolder staging(ChooseSandboxUser());
  const std::filesystem::path results = staging.MakeWritable("results");
  SandboxSpec spec = Shell("echo -n $TMPDIR > ../results/tmp; setsid sleep " +
                           time + " & sleep " + time);
  spec.mounts = {{results, "/results", Access::kWritable}};
  const pid_t grader =
      Forked([&] { RunInSandbox(spec, ThisHost(), {.seconds = 60}); });
  // The process itself, not one whose command line holds the script.
  const std::string sleep = std::string("sleep") + '\0' + time;
  const Deadline deadline(20);
  while (!ProcessExists(sleep) && !deadline.Passed()) ::usleep(10000);
  EXPECT_TRUE(ProcessExists(sleep));
  ::kill(grader, SIGKILL);
  ::waitpid(grader, nullptr, 0);
  while (ProcessExists(time) && !deadline.Passed()) ::usleep(10000);
  EXPECT_FALSE(ProcessExists(time));
  SeeOrphansOff();
  // What the grader itself would have removed.
  const std::string tmp = ReadRegularFile(results / "tmp", 100).value_or("");
  if (!tmp.empty()) {
    std::filesystem::remove_all(std::filesystem::path(tmp).parent_path());
  }
}

TEST_P(SandboxProcessTest, SeesTheMemoryOfAllProcessesInside) {
  const FileDescriptor nothing = OpenDevNull();
  const std::vector<Inherited> inherited = {
      {nothing, 0}, {nothing, 1}, {nothing, 2}};
  // A child that holds 40 MB, and one of a child.
  const std::string hold =
      "head -c 40000000 /dev/zero | tr '\\0' x | (read -r -N 40000000 v; "
      "sleep 100)";
  SandboxProcess process(Shell("(" + hold + ") & sleep 100"), ThisHost(),
                         inherited);
  const Deadline deadline(20);
  while (process.ResidentBytes() < 40000000 && !deadline.Passed()) {
    ::usleep(20000);
  }
  EXPECT_GE(process.ResidentBytes(), 40000000U);
  process.Kill();
  EXPECT_EQ(process.ResidentBytes(), 0U);
}

// In sessions of their own, in threads that have lost their first one, and in
// processes that have ended meanwhile.
TEST_P(SandboxProcessTest, SeesTheProcessorTimeOfAllThatRanInside) {
  const FileDescriptor nothing = OpenDevNull();
  const std::vector<Inherited> inherited = {
      {nothing, 0}, {nothing, 1}, {nothing, 2}};
  SandboxProcess process(
      Shell("perl -e 'my $x = 0; $x += $_ for 1..20000000'; "
            "setsid bash -c 'while :; do :; done' & sleep 100"),
      ThisHost(), inherited);
  const Deadline deadline(60);
  while (process.CpuSeconds() < 1 && !deadline.Passed()) ::usleep(20000);
  const double before = process.CpuSeconds();
  EXPECT_GE(before, 1);
  while (process.CpuSeconds() < before + 0.1 && !deadline.Passed()) {
    ::usleep(20000);
  }
  EXPECT_GE(process.CpuSeconds(), before + 0.1);
  EXPECT_TRUE(process.Kill());
  EXPECT_EQ(process.CpuSeconds(), 0);
}

// All that has kept a worker running while another one was timed: signals that
// wake, sessions of their own, first threads that end.
TEST_P(SandboxProcessTest, KilledNothingInsideIsLeft) {
  const std::string name = "undying" + std::to_string(::getpid());
  const FileDescriptor nothing = OpenDevNull();
  const std::vector<Inherited> inherited = {
      {nothing, 0}, {nothing, 1}, {nothing, 2}};
  SandboxProcess process(
      Shell("for i in 1 2 3; do setsid bash -c 'trap \"\" TERM HUP INT CONT; "
            "while :; do kill -CONT -1; : " +
            name + "; done' & done; sleep 100"),
      ThisHost(), inherited);
  const Deadline deadline(20);
  while (!ProcessExists(name) && !deadline.Passed()) ::usleep(10000);
  ASSERT_TRUE(ProcessExists(name));
  EXPECT_TRUE(process.Kill());
  EXPECT_FALSE(ProcessExists(name));
}

// How a command with these rights in a worker's sandbox ends.
SandboxSpec WorkersOwn(SandboxSpec spec) {
  spec.forking = Forking::kRefused;
  spec.creating = Creating::kRefused;
  spec.executing = Executing::kRefused;
  return spec;
}

TEST_P(SandboxProcessTest, ALastProgramBecomesNoOther) {
  SandboxSpec spec;
  spec.command = {"/usr/bin/perl", "-e",
                  "exec '/usr/bin/true'; print join '', grep { $!{$_} } keys "
                  "%!; syscall(322, -100, my $p = '/usr/bin/true', 0, 0, 0); "
                  "print join '', grep { $!{$_} } keys %!"};
  EXPECT_EQ(RunInside(spec).output, "");
  EXPECT_EQ(RunInside(WorkersOwn(spec)).output, "EPERMEPERM");
}

TEST_P(SandboxProcessTest, MakesNoFileWhereThatIsRefused) {
  const std::map<std::string, std::string> calls = {
      {"a file", "2, my $p = \"$d/x\", 0x42, 0600"},
      {"a file from a folder", "257, -100, my $p = \"$d/x\", 0x42, 0600"},
      {"a file, as of old", "85, my $p = \"$d/x\", 0600"},
      {"a file without a name", "2, my $p = $d, 0x410002, 0600"},
      {"a folder", "83, my $p = \"$d/x\", 0700"},
      {"a folder from a folder", "258, -100, my $p = \"$d/x\", 0700"},
      {"a pipe with a name", "133, my $p = \"$d/x\", 0x1180, 0"},
      {"a symbolic link", "88, my $t = 'a', my $p = \"$d/x\""},
      {"a second name", "86, my $t = '/usr/bin/true', my $p = \"$d/x\""}};
  for (const auto& [what, call] : calls) {
    for (const char* folder : {"$ENV{TMPDIR} || '/tmp'", "'/dev/shm'", "'/'"}) {
      SandboxSpec spec;
      spec.command = {"/usr/bin/perl", "-e",
                      std::string("my $d = ") + folder + "; my $r = syscall(" +
                          call +
                          "); print $r >= 0 ? 'works' : join '', grep { "
                          "$!{$_} } keys %!"};
      EXPECT_EQ(RunInside(WorkersOwn(spec)).output, "EROFS")
          << what << " in " << folder;
    }
  }
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

TEST(StagingFolderTest, GoesAwayHoweverDeepItIs) {
  constexpr rlim_t kFewDescriptors = 64;
  constexpr int kDeep = 400;
  rlimit before{};
  ::getrlimit(RLIMIT_NOFILE, &before);
  const rlimit few = {kFewDescriptors, before.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  std::filesystem::path path;
  {
    const StagingFolder staging(ChooseSandboxUser());
    path = staging.Path();
    std::filesystem::path deep = path;
    for (int i = 0; i < kDeep; ++i) deep /= "d";
    std::filesystem::create_directories(deep);
  }
  ::setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(StagingFolderTest, OfAKilledGraderIsRemovedByTheNextAndOthersAreNot) {
  Pipe pipe = MakePipe();
  const pid_t grader = ::fork();
  if (grader == 0) {
    const StagingFolder staging(ChooseSandboxUser());
    const std::string path = staging.Path();
    const ssize_t written =
        ::write(pipe.write_end.Number(), path.data(), path.size());
    while (written > 0) ::pause();
  }
  ASSERT_GT(grader, 0);
  std::array<char, 4096> buffer{};
  const ssize_t count =
      ::read(pipe.read_end.Number(), buffer.data(), buffer.size());
  ASSERT_GT(count, 0);
  const std::string abandoned(buffer.data(), static_cast<std::size_t>(count));
  const StagingFolder ours(ChooseSandboxUser());

  RemoveAbandonedFolders(std::chrono::seconds(0));
  EXPECT_TRUE(std::filesystem::exists(abandoned));
  EXPECT_TRUE(std::filesystem::exists(ours.Path()));

  ::kill(grader, SIGKILL);
  ::waitpid(grader, nullptr, 0);
  RemoveAbandonedFolders(std::chrono::seconds(0));
  EXPECT_FALSE(std::filesystem::exists(abandoned));
  EXPECT_TRUE(std::filesystem::exists(ours.Path()));
}

TEST(StagingFolderTest, NamesFilesAgainAndReplacesOneWithoutTheOther) {
  const StagingFolder from(ChooseSandboxUser());
  from.WriteFile("kit/math/work.h", "work");
  from.WriteFile("kit/error.h", "error");
  const StagingFolder to(ChooseSandboxUser());
  to.NameAgain(from.Path() / "kit", "compiling/one/kit");
  const std::filesystem::path copy = to.Path() / "compiling/one/kit";
  EXPECT_EQ(ReadRegularFile(copy / "math/work.h", 100), "work");
  EXPECT_EQ(ReadRegularFile(copy / "error.h", 100), "error");
  EXPECT_EQ(std::filesystem::hard_link_count(copy / "error.h"), 2U);
  to.WriteFile("compiling/one/kit/error.h", "written over");
  EXPECT_EQ(ReadRegularFile(copy / "error.h", 100), "written over");
  EXPECT_EQ(ReadRegularFile(from.Path() / "kit/error.h", 100), "error");
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
