// The files that a module asks a student for.
#ifndef KVLAB_AUTOGRADER_MACHINE_SUBMISSION_MODULE_FILES_H_
#define KVLAB_AUTOGRADER_MACHINE_SUBMISSION_MODULE_FILES_H_

#include <filesystem>
#include <string>
#include <vector>

namespace kvlab::grading {

// The contents of modules/*/module.toml.
struct ModuleFiles {
  int number = 0;                  // 1
  std::string title;               // "Attention"
  std::string folder;              // "01_attention"
  std::vector<std::string> files;  // "attention.cc"
  // Files that count but are not compiled: "answers.json".
  std::vector<std::string> papers;
};

// How the course calls a module's file: "modules/01_attention/attention.cc".
std::string CoursePath(const ModuleFiles& module, const std::string& file);

// Reads `root`/modules/*/module.toml, in the order of the modules' numbers.
// Throws DataError, naming the file, if one is invalid, or if there is none.
std::vector<ModuleFiles> ReadModuleFiles(const std::filesystem::path& root);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_MACHINE_SUBMISSION_MODULE_FILES_H_
