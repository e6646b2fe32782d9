#include "autograder/machine/sandbox/sandbox_error.h"

#include <string>
#include <string_view>
#include <system_error>

namespace kvlab::grading {
namespace {

std::string Message(std::string_view what, std::string_view why,
                    std::string_view fix) {
  std::string text(what);
  text.append("\n  why: ").append(why);
  text.append("\n  fix: ").append(fix);
  return text;
}

}  // namespace

SandboxError::SandboxError(std::string_view what, std::string_view why,
                           std::string_view fix)
    : std::runtime_error(Message(what, why, fix)) {}

std::string ErrnoText(int error_number) {
  return std::generic_category().message(error_number);
}

}  // namespace kvlab::grading
