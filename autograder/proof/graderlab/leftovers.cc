#include "autograder/proof/graderlab/leftovers.h"

#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>
#include <system_error>

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

std::string FirstLine(const fs::path& path) {
  std::ifstream stream(path);
  std::string line;
  std::getline(stream, line);
  return line;
}

bool Belongs(const fs::path& path, const SandboxUser& user) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && status.st_uid == user.uid;
}

pid_t ParentOf(pid_t process) {
  std::ifstream stream("/proc/" + std::to_string(process) + "/status");
  const std::string key = "PPid:";
  for (std::string word; stream >> word;) {
    pid_t parent = 0;
    if (word == key && stream >> parent) return parent;
  }
  return 0;
}

// Whether the process descends from this grader or is an orphan. Another grader
// on this machine may have sandboxes of its own.
bool IsOurs(pid_t process, const SandboxUser& user) {
  while (process > 1 && Belongs("/proc/" + std::to_string(process), user)) {
    process = ParentOf(process);
  }
  return process <= 1 || process == ::getpid();
}

}  // namespace

std::set<std::string> Traces(const std::optional<SandboxUser>& user) {
  std::set<std::string> traces;
  std::error_code ignored;
  for (const char* folder : {"/tmp", "/dev/shm", "/var/tmp"}) {
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
      if (user && !Belongs(entry.path(), *user)) continue;
      traces.insert("file " + entry.path().string());
    }
  }
  if (!user) return traces;
  for (const auto& entry : fs::directory_iterator("/proc", ignored)) {
    const std::string pid = entry.path().filename().string();
    if (!std::ranges::all_of(
            pid, [](unsigned char c) { return std::isdigit(c) != 0; })) {
      continue;
    }
    if (!Belongs(entry.path(), *user)) continue;
    if (!IsOurs(static_cast<pid_t>(std::stol(pid)), *user)) continue;
    traces.insert("process " + pid + " " + FirstLine(entry.path() / "comm"));
  }
  return traces;
}

std::set<std::string> Added(const std::set<std::string>& before,
                            const std::set<std::string>& after) {
  std::set<std::string> added;
  std::ranges::set_difference(after, before, std::inserter(added, added.end()));
  return added;
}

}  // namespace kvlab::grading
