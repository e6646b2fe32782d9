#include "autograder/machine/submission/module_files.h"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "kit/error.h"
#include "kit/files/toml_table.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

// A plain name: it must not lead out of the module's folder.
bool IsFileName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find('/') == std::string::npos;
}

// Empty if the key is missing.
std::vector<std::string> FileNames(TomlTable& table, const std::string& key) {
  std::vector<std::string> files = table.TextsIfAny(key);
  if (!std::ranges::all_of(files, IsFileName)) {
    table.FailAtKey(key, "'" + key + "' contains an invalid file name",
                    "name files of the module's own folder, such as \"a.cc\"");
  }
  return files;
}

ModuleFiles ReadModule(const fs::path& file) {
  TomlTable table =
      ReadToml(file, "it says which files of a submission are graded");
  ModuleFiles module;
  module.number = table.CountOr("number", 0);
  if (module.number < 1) {
    table.FailAtKey("number", "the module has no number",
                    "write a line such as: number = 1");
  }
  module.title = table.TextOr("title", "");
  if (module.title.empty()) {
    table.FailAtKey("title", "the module has no title",
                    "write a line such as: title = \"Attention\"");
  }
  module.folder = file.parent_path().filename();
  module.files = FileNames(table, "files");
  if (module.files.empty()) {
    table.FailAtKey("files", "the module names no files",
                    "write a line such as: files = [\"attention.cc\"]");
  }
  module.papers = FileNames(table, "papers");
  return module;
}

}  // namespace

std::string CoursePath(const ModuleFiles& module, const std::string& file) {
  return "modules/" + module.folder + "/" + file;
}

std::vector<ModuleFiles> ReadModuleFiles(const fs::path& root) {
  std::vector<ModuleFiles> modules;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(root / "modules", ignored)) {
    const fs::path file = entry.path() / "module.toml";
    if (fs::exists(file)) modules.push_back(ReadModule(file));
  }
  if (modules.empty()) {
    throw DataError(root.string() + " contains no modules",
                    "there is no modules/*/module.toml below it",
                    "build //autograder/worker_kit first");
  }
  std::ranges::sort(modules, {}, &ModuleFiles::number);
  return modules;
}

}  // namespace kvlab::grading
