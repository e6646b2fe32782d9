#include "autograder/machine/building/staged_kit.h"

#include <filesystem>

namespace kvlab::grading {

StagedKit::StagedKit(const std::filesystem::path& kit,
                     const std::filesystem::path& model,
                     const SandboxHost& host)
    : host_(host),
      manifest_(ReadKitManifest(kit / "manifest.json")),
      modules_(ReadModuleFiles(kit / "include")),
      open_(host.user),
      kept_(host.AsKeeper().user) {
  for (const char* folder : {"include", "precompiled"}) {
    open_.Copy(kit / folder, folder);
  }
  open_.Copy(model, "model");
  kept_.Copy(kit / "lib", "lib");
  kept_.Copy(kit / "reference_worker", "reference_worker");
  kept_.Copy(kit / "specimen_worker", "specimen_worker");
  kept_.Copy(kit / "alone", "alone");
  kept_.Copy(model, "model");
}

}  // namespace kvlab::grading
