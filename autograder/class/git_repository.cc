#include "autograder/class/git_repository.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/submission/collector.h"
#include "autograder/machine/text/printable.h"
#include "autograder/scoring/iso_time.h"
#include "kit/error.h"
#include "kit/files/temporary_folder.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr auto kMostBytes = static_cast<std::size_t>(kMaxArchiveBytes);

// Runs git with none of the user's or the machine's settings. Its output goes
// to a file of `scratch`. Returns nothing if it failed.
std::optional<std::string> Git(const TemporaryFolder& scratch,
                               std::vector<std::string> arguments) {
  const fs::path settings = scratch.Path() / "settings";
  std::ofstream(settings) << "[safe]\n\tdirectory = *\n";
  const fs::path output = scratch.Path() / "output";
  arguments.insert(arguments.begin(), {"git", "--no-pager"});
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const char* path = std::getenv("PATH");
  std::array<std::string, 6> variables = {
      std::string("PATH=") + (path == nullptr ? "/usr/bin:/bin" : path),
      "HOME=" + scratch.Path().string(),
      "GIT_CONFIG_NOSYSTEM=1",
      "GIT_CONFIG_GLOBAL=" + settings.string(),
      "GIT_TERMINAL_PROMPT=0",
      "LC_ALL=C.UTF-8"};
  std::array<char*, variables.size() + 1> environment{};
  for (std::size_t i = 0; i < variables.size(); ++i) {
    environment[i] = variables[i].data();
  }
  ::posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  constexpr int kMode = 0600;
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, kMode);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null",
                                     O_WRONLY, 0);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, "git", &actions, nullptr,
                                    argv.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed != 0) {
    throw DataError("git cannot be started",
                    std::error_code(failed, std::system_category()).message(),
                    "install git");
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return ReadRegularFile(output, kMostBytes + 1);
}

std::string FirstLine(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

bool IsGitRepository(const fs::path& folder) {
  std::error_code ignored;
  return fs::is_directory(folder / ".git", ignored) ||
         fs::is_regular_file(folder / ".git", ignored);
}

CommittedFiles ReadGitRepository(const fs::path& folder) {
  const auto fail = [&folder](const std::string& why) {
    throw DataError(PrintableLine(folder.string()) +
                        ": not a repository with a commit that can be read",
                    why, "clone it again");
  };
  const TemporaryFolder scratch;
  const std::string clone = (scratch.Path() / "clone.git").string();
  const auto cloned =
      Git(scratch,
          {"clone", "--quiet", "--bare", "--no-local", "--depth=1", "--no-tags",
           "--", "file://" + fs::absolute(folder).string(), clone});
  if (!cloned) fail("git cannot clone it");
  const auto commit =
      Git(scratch, {"-C", clone, "log", "-1", "--format=%H%n%cI", "HEAD"});
  if (!commit) fail("it has no commit");
  CommittedFiles files;
  files.commit = FirstLine(*commit);
  files.committed_at =
      ParseIsoTime(FirstLine(commit->substr(files.commit.size() + 1)));
  auto tar =
      Git(scratch, {"-C", clone, "archive", "--format=tar", files.commit});
  if (!tar) fail("git cannot write its files");
  if (tar->size() > kMostBytes) {
    fail("its files have more than 64 MiB, which no submission may have");
  }
  files.tar = *std::move(tar);
  return files;
}

}  // namespace kvlab::grading
