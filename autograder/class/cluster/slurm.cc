#include "autograder/class/cluster/slurm.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "autograder/machine/text/printable.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/error.h"
#include "kit/files/temporary_folder.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

struct Answer {
  int status = 0;
  std::string text;  // both streams
  bool started = true;
};

std::string ContentOf(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream),
          std::istreambuf_iterator<char>()};
}

// It inherits the caller's environment, and so do jobs.
Answer Ask(std::vector<std::string> arguments) {
  const TemporaryFolder scratch;
  const fs::path output = scratch.Path() / "output";
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  constexpr int kMode = 0600;
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                     O_WRONLY | O_CREAT | O_APPEND, kMode);
  ::posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, argv.front(), &actions, nullptr,
                                    argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) return {.status = 1, .text = "", .started = false};
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1,
          .text = ContentOf(output)};
}

bool Has(const std::string& text, const std::string& words) {
  return text.find(words) != std::string::npos;
}

[[noreturn]] void Explain(const Answer& answer) {
  const std::string& text = answer.text;
  if (!answer.started) {
    throw DataError("Slurm is not installed here: there is no sbatch",
                    "--on slurm submits jobs with it",
                    "install slurm-client and munge, and the cluster's "
                    "slurm.conf and munge.key");
  }
  if (Has(text, "Munge") || Has(text, "authentication")) {
    throw DataError("munge does not answer on this host",
                    "it proves to Slurm whose jobs these are",
                    "start it: systemctl start munge, with the munge.key that "
                    "all hosts of the cluster have");
  }
  if (Has(text, "configuration source") || Has(text, "configuration file")) {
    throw DataError("Slurm has no configuration on this host",
                    "slurm.conf says where its controller is",
                    "copy the cluster's to /etc/slurm/slurm.conf, or name it "
                    "in SLURM_CONF");
  }
  if (Has(text, "Unable to contact")) {
    throw DataError("Slurm's controller does not answer",
                    "it gives jobs to nodes",
                    "start it: systemctl start slurmctld on its host; then "
                    "sinfo lists the nodes");
  }
  if (Has(text, "artition")) {
    throw DataError("Slurm has no partition for these jobs",
                    PrintableLine(text.substr(0, text.find('\n'))),
                    "name one that sinfo lists: SBATCH_PARTITION=NAME "
                    "./kvlab class grade --on slurm");
  }
  throw DataError("Slurm refuses the jobs",
                  PrintableLine(text.substr(0, text.find('\n'))),
                  "try sbatch --wrap hostname until that runs; sbatch's "
                  "variables, such as SBATCH_ACCOUNT, are passed on");
}

// Those that sbatch has for an array's tasks alone.
std::vector<std::string> Usual() {
  return {"sbatch",    "--parsable",         "--ntasks=1",  "--chdir=/",
          "--requeue", "--output=/dev/null", "--export=ALL"};
}

}  // namespace

bool SlurmTask::IsAlive() const {
  static const std::set<std::string> ended = {
      "BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED",
      "NODE_FAIL", "PREEMPTED", "TIMEOUT",   "REVOKED",  "OUT_OF_MEMORY"};
  return !ended.contains(state);
}

bool SlurmTask::IsHeldBySlurm() const {
  return state == "PENDING" &&
         (Has(reason, "requeued held") || Has(reason, "requeued_held"));
}

std::string ShellQuoted(const std::string& word) {
  std::string quoted = "'";
  for (const char letter : word) {
    quoted += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  }
  return quoted + "'";
}

void ExpectSlurm() {
  // sbatch would try for twice as long without munge.
  const Answer queue = Ask({"squeue", "--me"});
  if (queue.status != 0) Explain(queue);
  std::vector<std::string> words = Usual();
  words.insert(words.end(), {"--test-only", "--wrap=true"});
  const Answer answer = Ask(words);
  if (answer.status != 0) Explain(answer);
}

Submitted Submit(const SlurmArray& array) {
  std::vector<std::string> words = Usual();
  words.push_back("--job-name=" + array.name);
  words.push_back(fmt::format("--array=0-{}", array.tasks - 1));
  if (array.use == NodeUse::kExclusive) words.emplace_back("--exclusive");
  if (!array.without.empty()) {
    words.push_back(fmt::format("--exclude={}", fmt::join(array.without, ",")));
  }
  words.push_back("--wrap=" + array.command);
  const Answer answer = Ask(words);
  if (answer.status == 0) return Submitted::kYes;
  return !array.without.empty() && Has(answer.text, "node configuration")
             ? Submitted::kNoNode
             : Submitted::kLater;
}

void Cancel(const SlurmTask& task) { Ask({"scancel", task.job}); }

std::optional<std::vector<SlurmTask>> TasksOfUser() {
  const std::string format =
      "--Format=Name:|,ArrayJobID:|,ArrayTaskID:|,State:|,NodeList:|,"
      "exit_code:|,Reason:|";
  const Answer answer =
      Ask({"squeue", "--me", "--states=all", "--noheader", "--array", format});
  if (answer.status != 0) return std::nullopt;
  std::vector<SlurmTask> tasks;
  std::istringstream lines(answer.text);
  for (std::string line; std::getline(lines, line);) {
    std::array<std::string, 7> cells;
    std::istringstream rest(line);
    for (std::string& cell : cells) std::getline(rest, cell, '|');
    const auto& [name, array, index, state, node, status, reason] = cells;
    // Other jobs of the user are no arrays, perhaps.
    if (index.empty() || index.find_first_not_of("0123456789") < index.size()) {
      continue;
    }
    tasks.push_back({.array = name,
                     .index = std::stoul(index),
                     .job = array + '_' + index,
                     .state = state,
                     .node = node,
                     .exit_status = WEXITSTATUS(std::atoi(status.c_str())),
                     .reason = reason});
  }
  return tasks;
}

}  // namespace kvlab::grading
