#include "autograder/machine/sandbox/sandbox_user.h"

#include <pwd.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "autograder/machine/sandbox/sandbox_error.h"

namespace kvlab::grading {
namespace {

// Never root.
std::optional<SandboxUser> UserCalled(const char* name) {
  const passwd* entry = ::getpwnam(name);
  if (entry == nullptr || entry->pw_uid == 0) return std::nullopt;
  return SandboxUser{name, entry->pw_uid, entry->pw_gid};
}

}  // namespace

std::optional<SandboxUser> ChooseKeeper(
    const std::optional<SandboxUser>& user) {
  if (!user) return std::nullopt;
  for (const char* name : {kKeeperUserName, "nobody"}) {
    const auto keeper = UserCalled(name);
    if (keeper && keeper->uid != user->uid && keeper->gid != user->gid) {
      return keeper;
    }
  }
  return std::nullopt;
}

std::optional<SandboxUser> ChooseSandboxUser() {
  if (::geteuid() != 0) return std::nullopt;
  for (const char* name : {kGraderUserName, "nobody"}) {
    if (const auto user = UserCalled(name)) return user;
  }
  throw SandboxError("no unprivileged user to run submissions as",
                     std::string("root grades, and neither ") +
                         kGraderUserName + " nor 'nobody' exists",
                     "./kvlab setup    (it makes the user)");
}

}  // namespace kvlab::grading
