#include "autograder/sandbox/sandbox_user.h"

#include <pwd.h>
#include <unistd.h>

#include <optional>
#include <string>

#include "autograder/sandbox/sandbox_error.h"

namespace kvlab::grading {

std::optional<SandboxUser> ChooseSandboxUser() {
  if (::geteuid() != 0) return std::nullopt;
  for (const char* name : {kGraderUserName, "nobody"}) {
    const passwd* entry = ::getpwnam(name);
    if (entry != nullptr && entry->pw_uid != 0) {
      return SandboxUser{name, entry->pw_uid, entry->pw_gid};
    }
  }
  throw SandboxError("no unprivileged user to run submissions as",
                     std::string("root grades, and neither ") +
                         kGraderUserName + " nor nobody exists",
                     "./kvlab setup    (it makes the user)");
}

}  // namespace kvlab::grading
