// The grader itself cannot continue: isolation does not work, or the system
// refuses a file or a process.
#ifndef KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_ERROR_H_
#define KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_ERROR_H_

#include <stdexcept>
#include <string>
#include <string_view>

namespace kvlab::grading {

class SandboxError : public std::runtime_error {
 public:
  SandboxError(std::string_view what, std::string_view why,
               std::string_view fix);
};

// What errno says, as the "why" of a SandboxError.
std::string ErrnoText(int error_number);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SANDBOX_SANDBOX_ERROR_H_
