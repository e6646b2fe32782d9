// ./kvlab class regrade, and appeal.
#ifndef KVLAB_AUTOGRADER_CLASS_REGRADE_COMMAND_H_
#define KVLAB_AUTOGRADER_CLASS_REGRADE_COMMAND_H_

#include <filesystem>
#include <string>

#include "autograder/class/commands.h"
#include "autograder/class/kept_marks.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's own
class App;
}

namespace kvlab::grading {

struct RegradeOptions {
  GraderWishes wishes;
  JudgedAgain again;
  bool publish = false;
};

// Returns the subcommand.
CLI::App& AddRegrade(CLI::App& app, RegradeOptions& options);

// Returns the exit status, as RunClass says.
int Regrade(const std::filesystem::path& folder, const RegradeOptions& options,
            const ClassProgram& program);

struct AppealOptions {
  GraderWishes wishes;
  std::string student;
};

CLI::App& AddAppeal(CLI::App& app, AppealOptions& options);

int AppealMark(const std::filesystem::path& folder,
               const AppealOptions& options, const ClassProgram& program);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_REGRADE_COMMAND_H_
