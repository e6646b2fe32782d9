#include "autograder/class/similarity/alike_passages.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "fmt/format.h"
#include "kit/error.h"
#include "kit/files/temporary_folder.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr const char* kProgram = "sim_c++";

[[noreturn]] void Fail(const std::string& why,
                       const std::string& fix = "see what it says") {
  throw DataError("sim_c++ cannot compare the submissions", why, fix);
}

// Its texts have numbers for names, so what it prints is free of anything that
// a submission could put there.
std::string NameOf(std::size_t text) { return fmt::format("{}.cc", text); }

void WriteTexts(const fs::path& folder, std::span<const std::string> texts,
                std::size_t old) {
  std::ofstream names(folder / "names");
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (old > 0 && i == texts.size() - old) names << "/\n";
    names << NameOf(i) << '\n';
    std::ofstream(folder / NameOf(i), std::ios::binary) << texts[i];
  }
}

// Its exit status.
int RunSim(const fs::path& folder) {
  // Summaries of runs of 30 tokens, of each two files apart from themselves.
  std::vector<std::string> arguments = {kProgram, "-n", "-e", "-s",
                                        "-T",     "-r", "30", "-i"};
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const char* path = std::getenv("PATH");
  std::array<std::string, 2> variables = {
      std::string("PATH=") + (path == nullptr ? "/usr/bin:/bin" : path),
      "LC_ALL=C.UTF-8"};
  std::array<char*, variables.size() + 1> environment{};
  for (std::size_t i = 0; i < variables.size(); ++i) {
    environment[i] = variables[i].data();
  }
  constexpr int kMode = 0600;
  ::posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
  ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "names", O_RDONLY,
                                     0);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "found",
                                     O_WRONLY | O_CREAT | O_TRUNC, kMode);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "errors",
                                     O_WRONLY | O_CREAT | O_TRUNC, kMode);
  pid_t child = 0;
  const int failed = ::posix_spawnp(&child, kProgram, &actions, nullptr,
                                    argv.data(), environment.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (failed == ENOENT) {
    Fail("it is not installed",
         "install similarity-tester, which Debian 12 and 14 have and 13 lacks; "
         "or compare with JPlag or Dolos: ./kvlab class similar --folders");
  }
  if (failed != 0) {
    Fail(std::error_code(failed, std::system_category()).message());
  }
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

// Reads "17.cc: line 3-20    |4.cc: line 5-22[131]" from left to right.
class RunLine {
 public:
  explicit RunLine(std::string_view line) : rest_(line) {}

  std::optional<std::uint32_t> Number() {
    std::uint32_t number = 0;
    const auto [end, error] =
        std::from_chars(rest_.data(), rest_.data() + rest_.size(), number);
    if (error != std::errc()) return std::nullopt;
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return number;
  }

  bool Skip(std::string_view what) {
    if (!rest_.starts_with(what)) return false;
    rest_.remove_prefix(what.size());
    return true;
  }

  void SkipSpaces() {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(' '), rest_.size()));
  }

  // Text and lines.
  std::optional<std::pair<std::uint32_t, Lines>> Side() {
    const auto text = Number();
    if (!text || !Skip(".cc: line ")) return std::nullopt;
    const auto first = Number();
    if (!first || !Skip("-")) return std::nullopt;
    const auto last = Number();
    if (!last) return std::nullopt;
    return std::pair{*text, Lines{.first = *first, .last = *last}};
  }

 private:
  std::string_view rest_;
};

std::optional<AlikePassage> PassageOf(const std::string& line) {
  RunLine run(line);
  const auto one = run.Side();
  if (!one) return std::nullopt;
  run.SkipSpaces();
  if (!run.Skip("|")) return std::nullopt;
  const auto other = run.Side();
  if (!other) return std::nullopt;
  return AlikePassage{.one = one->first,
                      .other = other->first,
                      .in_one = one->second,
                      .in_other = other->second};
}

}  // namespace

std::vector<AlikePassage> AlikePassages(std::span<const std::string> texts,
                                        std::size_t old) {
  const TemporaryFolder folder;
  WriteTexts(folder.Path(), texts, old);
  const int status = RunSim(folder.Path());
  if (status != 0) {
    std::ifstream errors(folder.Path() / "errors");
    std::string first;
    std::getline(errors, first);
    Fail(fmt::format("exit status {}: {}", status, first));
  }
  std::vector<AlikePassage> passages;
  std::ifstream found(folder.Path() / "found");
  for (std::string line; std::getline(found, line);) {
    const auto passage = PassageOf(line);
    if (passage && passage->one < texts.size() &&
        passage->other < texts.size()) {
      passages.push_back(*passage);
    }
  }
  return passages;
}

}  // namespace kvlab::grading
