#include "autograder/sandbox/process_tree.h"

#include <charconv>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace kvlab::grading {
namespace {

struct ProcessStatus {
  pid_t parent = 0;
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
    } else if (key == "RssAnon" || key == "RssShmem") {
      constexpr std::uint64_t kKilobyte = 1024;
      status.private_bytes += std::stoull(value) * kKilobyte;
    }
  }
  if (!has_parent) return std::nullopt;
  return status;
}

std::map<pid_t, ProcessStatus> AllProcesses() {
  std::map<pid_t, ProcessStatus> processes;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator("/proc", ignored)) {
    const std::string name = entry.path().filename();
    pid_t pid = 0;
    const auto parsed =
        std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ptr != name.data() + name.size()) continue;
    if (const auto status = ReadStatus(entry.path())) processes[pid] = *status;
  }
  return processes;
}

}  // namespace

std::uint64_t PrivateBytesBelow(pid_t ancestor) {
  const std::map<pid_t, ProcessStatus> processes = AllProcesses();
  std::uint64_t bytes = 0;
  std::set<pid_t> family = {ancestor};
  // A child may have a lower number than its parent, so look until no more
  // are found.
  for (std::size_t known = 0; known != family.size();) {
    known = family.size();
    for (const auto& [pid, status] : processes) {
      if (family.count(status.parent) != 0 && family.insert(pid).second) {
        bytes += status.private_bytes;
      }
    }
  }
  return bytes;
}

}  // namespace kvlab::grading
