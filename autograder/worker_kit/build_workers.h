// From a submission's source files to programs, in sandboxes.
#ifndef KVLAB_AUTOGRADER_WORKER_KIT_BUILD_WORKERS_H_
#define KVLAB_AUTOGRADER_WORKER_KIT_BUILD_WORKERS_H_

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "autograder/sandbox/staging_folder.h"
#include "autograder/submission/submission.h"
#include "autograder/worker_kit/staged_kit.h"

namespace kvlab::grading {

// One module's files.
struct ModuleBuild {
  // Why there is no code of this module: which file is missing, refused or
  // does not compile, in the compiler's words about the author's lines. "" if
  // all is well.
  std::string problem;
  double seconds = 0;  // of compiling, its files one after the other

  bool Compiled() const { return problem.empty(); }
};

// One program.
struct WorkerBuild {
  std::filesystem::path program;
  std::string problem;  // why there is none

  bool Built() const { return problem.empty(); }
};

struct SubmissionBuild {
  std::map<std::string, ModuleBuild> modules;  // by folder: "01_attention"
  std::map<std::string, WorkerBuild> workers;  // "worker_1", "worker_all"
  // Holds the programs; they go when it goes.
  std::unique_ptr<StagingFolder> staging;
};

struct BuildLimits {
  double seconds_per_file = 90;
  double seconds_per_link = 60;
};

// Compiles every file, two at a time, and links all workers whose modules
// compiled. Nothing is kept from one submission to the next. Throws
// SandboxError if no sandbox can be started.
SubmissionBuild BuildWorkers(const StagedKit& kit, const Submission& submission,
                             const BuildLimits& limits = {});

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_WORKER_KIT_BUILD_WORKERS_H_
