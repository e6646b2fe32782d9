#include "autograder/machine/submission/module_files.h"

#include <algorithm>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "kit/error.h"
#include "toml++/toml.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void Refuse(const fs::path& file, const std::string& why) {
  throw DataError(file.string() + ": not a valid module description", why,
                  R"(write number = 1, title = "...", files = ["..."])");
}

// A plain name: it must not lead out of the module's folder.
bool IsFileName(const std::string& name) {
  return !name.empty() && name != "." && name != ".." &&
         name.find('/') == std::string::npos;
}

// None if the key is not there.
std::vector<std::string> FileNames(const toml::table& table, const char* key,
                                   const fs::path& file) {
  std::vector<std::string> files;
  const toml::node* node = table.get(key);
  if (node == nullptr) return files;
  const toml::array* names = node->as_array();
  if (names == nullptr) Refuse(file, std::string(key) + " must be a list");
  for (const toml::node& element : *names) {
    const std::string name = element.value_or(std::string());
    if (!IsFileName(name)) {
      Refuse(file, std::string(key) + " contains an invalid file name");
    }
    files.push_back(name);
  }
  return files;
}

toml::table Parsed(const fs::path& file) {
  try {
    return toml::parse_file(file.string());
  } catch (const toml::parse_error& error) {
    std::ostringstream why;
    why << error.description() << ", " << error.source().begin;
    Refuse(file, why.str());
  }
}

ModuleFiles ReadModule(const fs::path& file) {
  const toml::table table = Parsed(file);
  ModuleFiles module;
  module.number = table["number"].value_or(0);
  module.title = table["title"].value_or(std::string());
  if (module.number < 1) Refuse(file, "it has no number");
  if (module.title.empty()) Refuse(file, "it has no title");
  module.folder = file.parent_path().filename();
  module.files = FileNames(table, "files", file);
  if (module.files.empty()) Refuse(file, "it names no files");
  module.papers = FileNames(table, "papers", file);
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
