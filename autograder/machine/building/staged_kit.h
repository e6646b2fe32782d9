// A copy of the worker kit with the right permissions: the sandbox's user can
// read the headers and the checkpoint; only the keeper can read the archives
// and the reference's worker.
#ifndef KVLAB_AUTOGRADER_MACHINE_BUILDING_STAGED_KIT_H_
#define KVLAB_AUTOGRADER_MACHINE_BUILDING_STAGED_KIT_H_

#include <filesystem>
#include <optional>
#include <vector>

#include "autograder/machine/building/kit_manifest.h"
#include "autograder/machine/sandbox/sandbox_host.h"
#include "autograder/machine/sandbox/staging_folder.h"
#include "autograder/machine/submission/module_files.h"

namespace kvlab::grading {

// One for all submissions of a run.
class StagedKit {
 public:
  // Copies `kit`, the folder that //autograder/worker_kit builds, and the
  // checkpoint folder `model`. Throws DataError if either is invalid,
  // SandboxError if it cannot be copied.
  StagedKit(const std::filesystem::path& kit,
            const std::filesystem::path& model, const SandboxHost& host);

  const std::vector<ModuleFiles>& Modules() const { return modules_; }
  const KitManifest& Manifest() const { return manifest_; }
  // For every sandbox of the run.
  const SandboxHost& Host() const { return host_; }
  const std::optional<SandboxUser>& User() const { return host_.user; }

  // What a submission is compiled against: kit/*.h, modules/*/*.h.
  std::filesystem::path Headers() const { return open_.Path() / "include"; }
  // The header that is included before every source, with its precompiled
  // image.
  std::filesystem::path Precompiled() const {
    return open_.Path() / "precompiled";
  }
  std::filesystem::path Model() const { return open_.Path() / "model"; }

  // The rest belongs to the keeper; no code of a submission runs as this user.
  SandboxHost KeeperHost() const { return host_.AsKeeper(); }
  // What it is linked with. Never in the sandbox of the compiler, which can
  // embed any file that it can read.
  std::filesystem::path Archives() const { return kept_.Path() / "lib"; }
  // The solutions without one task, MODULE/TASK.a; never in the compiler's
  // sandbox either.
  std::filesystem::path Alone() const { return kept_.Path() / "alone"; }
  // The solutions as a worker, and its own copy of the checkpoint.
  std::filesystem::path ReferenceWorker() const {
    return kept_.Path() / "reference_worker";
  }
  std::filesystem::path KeptModel() const { return kept_.Path() / "model"; }
  // Correct and broken code that tests in submissions are put to, as a worker.
  std::filesystem::path SpecimenWorker() const {
    return kept_.Path() / "specimen_worker";
  }

 private:
  SandboxHost host_;
  KitManifest manifest_;
  std::vector<ModuleFiles> modules_;
  StagingFolder open_;  // for submissions to read
  StagingFolder kept_;
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_BUILDING_STAGED_KIT_H_
