#include "autograder/worker_kit/staged_kit.h"

#include <filesystem>

namespace kvlab::grading {

StagedKit::StagedKit(const std::filesystem::path& kit,
                     const std::filesystem::path& model,
                     const SandboxHost& host)
    : host_(host),
      manifest_(ReadKitManifest(kit / "manifest.json")),
      modules_(ReadModuleFiles(kit / "include")),
      staging_(host.user) {
  staging_.Copy(kit, "kit");
  staging_.Copy(model, "model");
}

}  // namespace kvlab::grading
