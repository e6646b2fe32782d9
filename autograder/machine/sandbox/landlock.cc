#include "autograder/machine/sandbox/landlock.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "autograder/machine/sandbox/file_descriptor.h"

namespace kvlab::grading {
namespace {

// Rights that later kernels have added; Debian 12's headers end before them.
constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14U;
constexpr std::uint64_t kIoctlOnDevices = std::uint64_t{1} << 15U;
constexpr std::uint64_t kBindAndConnectTcp = 3;
constexpr std::uint64_t kAbstractSocketsAndSignals = 3;

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_EXECUTE |
                                LANDLOCK_ACCESS_FS_READ_FILE |
                                LANDLOCK_ACCESS_FS_READ_DIR;
// What a rule about a single file may hold.
constexpr std::uint64_t kOfFiles =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE |
    LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate | kIoctlOnDevices;
// Files, folders, pipes and links can be made; devices and sockets cannot.
constexpr std::uint64_t kNeverAllowed = LANDLOCK_ACCESS_FS_MAKE_CHAR |
                                        LANDLOCK_ACCESS_FS_MAKE_BLOCK |
                                        LANDLOCK_ACCESS_FS_MAKE_SOCK;

// struct landlock_ruleset_attr as Linux 6.12 has it. An earlier kernel accepts
// it if the fields unknown to it are 0.
struct Ruleset {
  std::uint64_t files = 0;    // rights refused unless a rule grants them
  std::uint64_t network = 0;  // the same
  std::uint64_t scopes = 0;   // what stays among the confined
};

// What a kernel of this version of Landlock can refuse.
Ruleset AllThat(std::int64_t version) {
  // The number of rights about files, by version.
  constexpr std::array kRights = {0, 13, 14, 15, 15, 16};
  constexpr std::int64_t kWithNetwork = 4;
  constexpr std::int64_t kWithScopes = 6;
  const std::size_t known = version < static_cast<std::int64_t>(kRights.size())
                                ? static_cast<std::size_t>(version)
                                : kRights.size() - 1;
  Ruleset rules;
  rules.files =
      (std::uint64_t{1} << static_cast<unsigned>(kRights.at(known))) - 1;
  if (version >= kWithNetwork) rules.network = kBindAndConnectTcp;
  if (version >= kWithScopes) rules.scopes = kAbstractSocketsAndSignals;
  return rules;
}

bool Allow(const FileDescriptor& ruleset, const std::filesystem::path& path,
           std::uint64_t rights) {
  const FileDescriptor file(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct stat status {};
  if (!file.IsOpen() || ::fstat(file.Number(), &status) != 0) return false;
  if (!S_ISDIR(status.st_mode)) rights &= kOfFiles;
  landlock_path_beneath_attr rule{};
  rule.allowed_access = rights;
  rule.parent_fd = file.Number();
  return ::syscall(SYS_landlock_add_rule, ruleset.Number(),
                   LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

}  // namespace

Landlocked KeepTo(const AllowedPaths& allowed) {
  const std::int64_t version = ::syscall(SYS_landlock_create_ruleset, nullptr,
                                         0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < 1) return Landlocked::kNotOnThisKernel;
  const Ruleset rules = AllThat(version);
  const FileDescriptor ruleset(static_cast<int>(
      ::syscall(SYS_landlock_create_ruleset, &rules, sizeof(rules), 0)));
  if (!ruleset.IsOpen()) return Landlocked::kFailed;
  for (const std::filesystem::path& path : allowed.read) {
    if (!Allow(ruleset, path, kRead)) return Landlocked::kFailed;
  }
  for (const std::filesystem::path& path : allowed.write) {
    if (!Allow(ruleset, path, rules.files & ~kNeverAllowed)) {
      return Landlocked::kFailed;
    }
  }
  return ::syscall(SYS_landlock_restrict_self, ruleset.Number(), 0) == 0
             ? Landlocked::kYes
             : Landlocked::kFailed;
}

}  // namespace kvlab::grading
