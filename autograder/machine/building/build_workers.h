// From a submission's source files to programs, in sandboxes.
#ifndef KVLAB_AUTOGRADER_MACHINE_BUILDING_BUILD_WORKERS_H_
#define KVLAB_AUTOGRADER_MACHINE_BUILDING_BUILD_WORKERS_H_

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "autograder/machine/building/staged_kit.h"
#include "autograder/machine/sandbox/staging_folder.h"
#include "autograder/machine/submission/submission.h"

namespace kvlab::grading {

// One module's files.
struct ModuleBuild {
  // Why there is no code of this module: which file is missing, refused or
  // does not compile, in the compiler's words about the author's lines. "" if
  // all is well.
  std::string problem;
  // Whether the compiler got to see it: all of its files are there.
  bool complete = true;
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
  // Of each source that compiled, by its CoursePath.
  std::map<std::string, std::filesystem::path> objects;
  std::map<std::string, WorkerBuild> workers;  // by recipe
  // Holds objects and programs; they go when it goes.
  std::unique_ptr<StagingFolder> staging;
};

// Sources of ours, and what became of them.
struct KnownBuild {
  Submission submission;
  SubmissionBuild build;
};

// A worker in which one task is the student's and the module's other tasks are
// the reference's: what fails there is the task's own fault.
struct TaskAlone {
  std::string task;    // "3.3"
  std::string worker;  // whose recipe: "03_memoization"
};

struct BuildOptions {
  double seconds_per_file = 90;
  double seconds_per_link = 60;
  double seconds = 300;  // for all of them together
  // A file that is the same as one of these, to the byte, is not compiled
  // again. Sources of ours only: nothing is kept from one submission to the
  // next.
  std::span<const KnownBuild> known = {};
  // Only this, instead of all workers.
  std::optional<TaskAlone> alone = {};
};

// Compiles every file, two at a time, and links all workers whose modules
// compiled. Throws SandboxError if no sandbox can be started.
SubmissionBuild BuildWorkers(const StagedKit& kit, const Submission& submission,
                             const BuildOptions& options = {});

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_BUILDING_BUILD_WORKERS_H_
