#include "autograder/worker_kit/staged_kit.h"

#include <filesystem>
#include <optional>

namespace kvlab::grading {

StagedKit::StagedKit(const std::filesystem::path& kit,
                     const std::filesystem::path& model,
                     const std::optional<SandboxUser>& user)
    : user_(user),
      manifest_(ReadKitManifest(kit / "manifest.json")),
      modules_(ReadModuleFiles(kit / "include")),
      staging_(user) {
  staging_.Copy(kit, "kit");
  staging_.Copy(model, "model");
}

}  // namespace kvlab::grading
