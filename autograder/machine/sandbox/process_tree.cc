#include "autograder/machine/sandbox/process_tree.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <vector>

namespace kvlab::grading {
namespace {

struct ProcessStatus {
  pid_t parent = 0;
  uid_t user = 0;
  std::uint64_t threads = 0;
  std::uint64_t private_bytes = 0;
};

// The lines of /proc/PID/status that matter. A process that has just ended
// has none.
std::optional<ProcessStatus> ReadStatus(const std::filesystem::path& folder) {
  std::ifstream file(folder / "status");
  ProcessStatus status;
  std::string line;
  bool has_parent = false;
  while (std::getline(file, line)) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, colon);
    const std::string value = line.substr(colon + 1);
    if (key == "PPid") {
      status.parent = std::stoi(value);
      has_parent = true;
    } else if (key == "Uid") {
      status.user = static_cast<uid_t>(std::stoul(value));  // the real one
    } else if (key == "Threads") {
      status.threads = std::stoull(value);
    } else if (key == "RssAnon" || key == "RssShmem") {
      constexpr std::uint64_t kKilobyte = 1024;
      status.private_bytes += std::stoull(value) * kKilobyte;
    }
  }
  if (!has_parent) return std::nullopt;
  return status;
}

// Calls visit(pid, its folder in /proc) for one process after the other, in
// ascending order.
template <typename Visit>
void ForEachFolder(const Visit& visit) {
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto parsed =
        std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ptr != name.data() + name.size()) continue;
    visit(pid, entry.path());
  }
}

// Calls visit(pid, status), each read just before.
template <typename Visit>
void ForEachProcess(const Visit& visit) {
  ForEachFolder([&](pid_t pid, const std::filesystem::path& folder) {
    if (const auto status = ReadStatus(folder)) visit(pid, *status);
  });
}

// A process that has ended has no time any more.
double CpuSecondsOf(pid_t pid) {
  clockid_t clock = 0;
  timespec time{};
  if (::clock_getcpuclockid(pid, &clock) != 0 ||
      ::clock_gettime(clock, &time) != 0) {
    return 0;
  }
  constexpr double kNanosecond = 1e-9;
  return static_cast<double>(time.tv_sec) +
         static_cast<double>(time.tv_nsec) * kNanosecond;
}

// All children, grandchildren, ... of `ancestor`.
std::map<pid_t, ProcessStatus> Family(pid_t ancestor) {
  std::map<pid_t, ProcessStatus> others;
  ForEachProcess(
      [&](pid_t pid, const ProcessStatus& status) { others[pid] = status; });
  std::map<pid_t, ProcessStatus> family;
  // A child may have a lower number than its parent, so look until no more
  // are found.
  for (std::size_t found = 1; found > 0;) {
    found = std::erase_if(others, [&](const auto& other) {
      const pid_t parent = other.second.parent;
      if (parent != ancestor && !family.contains(parent)) return false;
      family.insert(other);
      return true;
    });
  }
  return family;
}

}  // namespace

std::uint64_t PrivateBytesBelow(pid_t ancestor) {
  std::uint64_t bytes = 0;
  for (const auto& [pid, status] : Family(ancestor)) {
    bytes += status.private_bytes;
  }
  return bytes;
}

std::vector<pid_t> ProcessesBelow(pid_t ancestor) {
  std::vector<pid_t> processes;
  for (const auto& [pid, status] : Family(ancestor)) processes.push_back(pid);
  return processes;
}

std::uint64_t ThreadsOf(uid_t user) {
  std::uint64_t threads = 0;
  ForEachProcess([&](pid_t, const ProcessStatus& status) {
    if (status.user == user) threads += status.threads;
  });
  return threads;
}

double CpuSecondsFrom(pid_t ancestor) {
  double seconds = CpuSecondsOf(ancestor);
  for (const auto& [pid, status] : Family(ancestor)) {
    seconds += CpuSecondsOf(pid);
  }
  return seconds;
}

double WithheldSeconds(const std::vector<pid_t>& processes) {
  double longest = 0;
  for (const pid_t pid : processes) {
    // Of the first thread, in nanoseconds: ran, waited for a processor.
    std::ifstream file("/proc/" + std::to_string(pid) + "/schedstat");
    double ran = 0;
    double waited = 0;
    if (!(file >> ran >> waited)) continue;
    constexpr double kNanosecond = 1e-9;
    const double others = CpuSecondsOf(pid) - ran * kNanosecond;
    longest = std::max(longest, waited * kNanosecond - std::max(0.0, others));
  }
  return longest;
}

std::string ProcessNamespaceOf(pid_t pid) {
  std::error_code ignored;
  return std::filesystem::read_symlink(
      "/proc/" + std::to_string(pid) + "/ns/pid", ignored);
}

std::vector<pid_t> ProcessesIn(const std::string& process_namespace) {
  std::vector<pid_t> processes;
  ForEachFolder([&](pid_t pid, const std::filesystem::path& /*folder*/) {
    if (ProcessNamespaceOf(pid) == process_namespace) processes.push_back(pid);
  });
  return processes;
}

bool RunsProgram(pid_t pid, const std::filesystem::path& program) {
  const std::filesystem::path folder = "/proc/" + std::to_string(pid);
  struct stat wanted {};
  struct stat found {};
  if (::stat(program.c_str(), &wanted) != 0) return false;
  if (::stat((folder / "exe").c_str(), &found) == 0) {
    return found.st_dev == wanted.st_dev && found.st_ino == wanted.st_ino;
  }
  if (errno != ENOENT) return true;
  const auto status = ReadStatus(folder);
  return !status || status->threads <= 1;
}

void KillBelow(pid_t ancestor) {
  std::set<pid_t> family = {ancestor};
  ForEachProcess([&](pid_t pid, const ProcessStatus& status) {
    if (!family.contains(status.parent)) return;
    ::kill(pid, SIGKILL);
    family.insert(pid);
  });
}

}  // namespace kvlab::grading
