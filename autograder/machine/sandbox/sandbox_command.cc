#include "autograder/machine/sandbox/sandbox_command.h"

#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/machine/runfiles/runfile.h"
#include "autograder/machine/sandbox/process_tree.h"

namespace kvlab::grading {
namespace {

// The program of confined.cc, inside.
constexpr const char* kConfined = "/confined";

// Set inside, so that each sandbox counts its own processes.
std::vector<std::string> ConfinedCommand(const std::string& program,
                                         const SandboxLimits& limits,
                                         Executing executing) {
  const auto option = [](const std::string& name, std::uint64_t limit) {
    return "--" + name + "=" + std::to_string(limit);
  };
  constexpr std::uint64_t kPendingSignals = 1000;
  std::vector<std::string> words = {program,
                                    option("cpu", limits.cpu_seconds),
                                    option("as", limits.address_space_bytes),
                                    option("fsize", limits.file_bytes),
                                    option("nproc", limits.processes),
                                    option("nofile", limits.descriptors),
                                    option("core", 0),
                                    option("sigpending", kPendingSignals),
                                    option("msgqueue", 0),
                                    option("rtprio", 0),
                                    option("nice", 0)};
  if (executing == Executing::kRefused) words.emplace_back("--last-program");
  words.emplace_back("--");
  return words;
}

constexpr const char* kTmp = "/tmp";

// "/model" as it is in the scratch folder.
std::string InScratch(const std::filesystem::path& scratch,
                      const std::string& inside) {
  return scratch.string() + inside;
}

bool IsAtOrBelow(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) &&
         (path.size() == folder.size() || path[folder.size()] == '/');
}

std::string Translated(const std::string& word, const SandboxSpec& spec,
                       const std::filesystem::path& scratch) {
  // Behind the '=' of an option, or the word itself.
  const std::size_t begin = word.starts_with("-") ? word.find('=') + 1 : 0;
  const std::string path = word.substr(begin);
  bool is_ours = IsAtOrBelow(path, kTmp);
  for (const Mount& mount : spec.mounts) {
    is_ours |= IsAtOrBelow(path, mount.inside);
  }
  return is_ours ? word.substr(0, begin) + InScratch(scratch, path) : word;
}

std::string ProgramBeside(const std::string& name) {
  return Runfile("autograder/machine/sandbox/" + name);
}

// The kernel counts all that a user runs, so what runs already comes on top.
SandboxLimits BesideOthers(SandboxLimits limits,
                           const std::optional<SandboxUser>& user) {
  limits.processes += ThreadsOf(user ? user->uid : ::getuid());
  return limits;
}

}  // namespace

std::filesystem::path ConfinedProgram() { return ProgramBeside("confined"); }

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
  if (spec.creating == Creating::kAllowed) {
    add({"--bind", kTmpOutside, kTmp});
  } else {
    add({"--dir", kTmp});
  }
  for (const Mount& mount : spec.mounts) {
    add({mount.access == Access::kWritable ? "--bind" : "--ro-bind",
         mount.host.string(), mount.inside});
  }
  add({"--perms", "0555", "--file", std::to_string(descriptors.confined),
       kConfined});
  // The root folder and /dev, with /dev/shm, are tmpfs of half the memory.
  add({"--remount-ro", "/dev", "--remount-ro", "/"});
  add({"--chdir", spec.folder});
  add({"--seccomp", std::to_string(descriptors.filter)});
  add({"--json-status-fd", std::to_string(descriptors.status), "--"});
  add(ConfinedCommand(kConfined, spec.limits, spec.executing));
  add(spec.command);
  return line;
}

std::unique_ptr<StagingFolder> MakeScratch(
    const SandboxSpec& spec, const std::optional<SandboxUser>& user) {
  auto scratch = std::make_unique<StagingFolder>(user);
  const auto relative = [](const std::filesystem::path& inside) {
    return inside.relative_path();
  };
  if (spec.creating == Creating::kAllowed) {
    scratch->MakeWritable(relative(kTmp));
  } else {
    scratch->MakeFolder(relative(kTmp));
  }
  scratch->Copy(ConfinedProgram(), relative(kConfined));
  for (const Mount& mount : spec.mounts) {
    scratch->Link(std::filesystem::absolute(mount.host),
                  relative(mount.inside));
  }
  return scratch;
}

std::vector<std::string> ReducedCommand(
    const SandboxSpec& spec, const BubblewrapDescriptors& descriptors,
    const SandboxHost& host, const std::filesystem::path& scratch) {
  const std::optional<SandboxUser>& user = host.user;
  std::vector<std::string> line = {ProgramBeside("reduced_sandbox")};
  const auto add = [&line](const std::vector<std::string>& words) {
    line.insert(line.end(), words.begin(), words.end());
  };
  if (user) {
    add({"--user", std::to_string(user->uid), std::to_string(user->gid)});
  }
  if (host.confinement == Confinement::kReducedWithoutLandlock) {
    add({"--no-landlock"});
  }
  const std::string tmp = InScratch(scratch, kTmp);
  add({"--folder", Translated(spec.folder, spec, scratch), "--tmp", tmp});
  add({"--tmp-bytes", std::to_string(spec.limits.tmp_bytes), "--tmp-files",
       std::to_string(spec.limits.tmp_files)});
  add({"--read", scratch.string()});
  if (spec.creating == Creating::kAllowed) add({"--write", tmp});
  for (const Mount& mount : spec.mounts) {
    add({mount.access == Access::kWritable ? "--write" : "--read",
         InScratch(scratch, mount.inside)});
  }
  add({"--filter", std::to_string(descriptors.filter)});
  add({"--status", std::to_string(descriptors.status), "--"});
  add(ConfinedCommand(InScratch(scratch, kConfined),
                      BesideOthers(spec.limits, user), spec.executing));
  for (const std::string& word : spec.command) {
    add({Translated(word, spec, scratch)});
  }
  return line;
}

}  // namespace kvlab::grading
