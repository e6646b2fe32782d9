// What the build says about the kit: manifest.json, see defs.bzl.
#ifndef KVLAB_AUTOGRADER_MACHINE_BUILDING_KIT_MANIFEST_H_
#define KVLAB_AUTOGRADER_MACHINE_BUILDING_KIT_MANIFEST_H_

#include <filesystem>
#include <string>
#include <vector>

namespace kvlab::grading {

// What a worker is linked from.
struct WorkerRecipe {
  // "01_attention" if that module's code is the student's, "everything" if all
  // that generates text is.
  std::string name;
  std::vector<std::string> student_modules;  // folders: "01_attention"
  std::vector<std::string> archives;         // below lib/
  std::vector<std::string> link_flags;
};

struct KitManifest {
  std::string compiler;  // "/usr/bin/g++"
  std::vector<std::string> compile_flags;
  std::vector<std::string> alone_flags;  // more, for a task alone
  std::string precompiled;               // below precompiled/: "course.h"
  std::vector<WorkerRecipe> workers;

  // Throws DataError, listing the known names, if this one is unknown.
  const WorkerRecipe& Worker(const std::string& name) const;
};

// Throws DataError if `file` is missing or not a valid manifest.
KitManifest ReadKitManifest(const std::filesystem::path& file);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_BUILDING_KIT_MANIFEST_H_
