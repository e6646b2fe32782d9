// From a submission's source files to programs, in sandboxes.
#ifndef KVLAB_AUTOGRADER_MACHINE_BUILDING_BUILD_WORKERS_H_
#define KVLAB_AUTOGRADER_MACHINE_BUILDING_BUILD_WORKERS_H_

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "autograder/machine/building/compiled_files.h"
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
  // Whether all of its files are present, so that it could be compiled.
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

// Known sources and the objects compiled from them.
struct KnownBuild {
  Submission submission;
  SubmissionBuild build;
};

// A worker with one task of the student's and the reference's code for the
// module's other tasks. A failure there is the fault of that task.
struct TaskAlone {
  std::string task;    // "3.3"
  std::string worker;  // whose recipe: "03_memoization"
};

struct BuildOptions {
  double seconds_per_file = 90;
  double seconds_per_link = 60;
  double seconds = 300;  // for all of them together
  // A file that is the same as one of these, to the byte, is not compiled
  // again.
  std::span<const KnownBuild> known = {};
  // The same for what was compiled for other submissions; may be null. An
  // object depends on its source and the course alone, see BuildWorkers.
  const CompiledFiles* compiled = nullptr;
  // If given, only these are built, and only their modules are compiled.
  std::optional<std::vector<std::string>> workers = {};
  // If given, only this one is built.
  std::optional<TaskAlone> alone = {};
};

// Compiles every file, two at a time, and links all workers whose modules
// compiled. Each file is compiled in a sandbox of its own, which has the
// course's headers and no other file of the submission, and which can write
// nothing but its own object. Throws SandboxError if no sandbox can be started.
SubmissionBuild BuildWorkers(const StagedKit& kit, const Submission& submission,
                             const BuildOptions& options = {});

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_BUILDING_BUILD_WORKERS_H_
