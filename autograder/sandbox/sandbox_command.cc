#include "autograder/sandbox/sandbox_command.h"

#include <cstdint>
#include <string>
#include <vector>

namespace kvlab::grading {
namespace {

// Set inside, so that each sandbox counts its own processes.
std::vector<std::string> PrlimitCommand(const SandboxLimits& limits) {
  const auto option = [](const std::string& name, std::uint64_t limit) {
    return "--" + name + "=" + std::to_string(limit);
  };
  return {"/usr/bin/prlimit",
          option("cpu", limits.cpu_seconds),
          option("as", limits.address_space_bytes),
          option("fsize", limits.file_bytes),
          option("nproc", limits.processes),
          option("core", 0),
          "--"};
}

}  // namespace

std::vector<std::string> BubblewrapCommand(
    const SandboxSpec& spec, const BubblewrapDescriptors& descriptors) {
  std::vector<std::string> line = {"/usr/bin/bwrap"};
  const auto add = [&line](const std::vector<std::string>& words) {
    line.insert(line.end(), words.begin(), words.end());
  };
  // Own namespaces of every kind, and no further ones below them.
  add({"--unshare-user", "--unshare-all", "--disable-userns"});
  add({"--die-with-parent", "--new-session"});
  add({"--uid", "65534", "--gid", "65534", "--cap-drop", "ALL"});
  // The compiler looks for its parts in PATH.
  add({"--clearenv", "--setenv", "PATH", "/usr/bin", "--setenv", "LC_ALL",
       "C"});
  add({"--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin"});
  add({"--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64"});
  add({"--proc", "/proc", "--dev", "/dev"});
  const std::string tmp_bytes = std::to_string(spec.limits.tmp_bytes);
  add({"--size", tmp_bytes, "--tmpfs", "/dev/shm"});
  add({"--size", tmp_bytes, "--tmpfs", "/tmp"});
  for (const Mount& mount : spec.mounts) {
    add({mount.access == Access::kWritable ? "--bind" : "--ro-bind",
         mount.host.string(), mount.inside});
  }
  // The root folder and /dev are tmpfs as well, of half the memory.
  add({"--remount-ro", "/dev", "--remount-ro", "/"});
  add({"--chdir", spec.folder});
  add({"--seccomp", std::to_string(descriptors.filter)});
  add({"--json-status-fd", std::to_string(descriptors.status), "--"});
  add(PrlimitCommand(spec.limits));
  add(spec.command);
  return line;
}

}  // namespace kvlab::grading
