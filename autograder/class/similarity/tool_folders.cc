#include "autograder/class/similarity/tool_folders.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "autograder/class/csv.h"
#include "autograder/class/similarity/alike_pairs.h"
#include "autograder/class/similarity/handout.h"
#include "autograder/machine/submission/module_files.h"
#include "autograder/machine/submission/submission_names.h"
#include "autograder/machine/text/printable.h"
#include "fmt/format.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr const char* kReadme =
    R"(Submissions in the folders that other comparers of code read. What they find
is a reason to look, not a verdict. In this folder:

JPlag, https://github.com/jplag/JPlag:
  java -jar jplag.jar -l cpp -bc given -new submissions
  and with earlier terms: -old earlier

Dolos, https://dolos.ugent.be:
  cd dolos && dolos run -f web -l cpp -i given.cc info.csv
)";

void Write(const fs::path& file, const std::string& content) {
  fs::create_directories(file.parent_path());
  std::ofstream stream(file, std::ios::binary);
  stream << content;
  stream.close();
  if (!stream) throw std::runtime_error("cannot write " + file.string());
}

// "01_attention/attention.cc" of "modules/01_attention/attention.cc".
fs::path InModules(const std::string& file) {
  return fs::path(file).lexically_relative("modules");
}

std::string AllSources(const Author& author) {
  std::string all;
  for (const auto& [file, content] : author.sources) {
    all += "// " + file + "\n" + content;
    if (!all.ends_with('\n')) all += '\n';
  }
  return all;
}

// The stubs, as an author who has done nothing.
Author Stubs(const Handout& handout, const std::vector<ModuleFiles>& modules) {
  Author stubs;
  for (const ModuleFiles& module : modules) {
    for (const std::string& file : module.files) {
      const std::string path = CoursePath(module, file);
      std::ifstream stream(handout.course / path, std::ios::binary);
      if (!stream) continue;
      stubs.sources[path] = {std::istreambuf_iterator<char>(stream),
                             std::istreambuf_iterator<char>()};
    }
  }
  return stubs;
}

void WriteSources(const Author& author, const fs::path& folder) {
  for (const auto& [file, content] : author.sources) {
    Write(folder / InModules(file), content);
  }
}

}  // namespace

void WriteToolFolders(std::span<const Author> authors, const Handout& handout,
                      const std::vector<ModuleFiles>& modules,
                      const fs::path& folder) {
  if (fs::exists(folder) && !fs::is_empty(folder)) {
    throw DataError(PrintableLine(folder.string()) + " has files",
                    "they would be taken for submissions",
                    "name a folder that does not exist");
  }
  std::vector<fs::path> wanted;
  for (const Author& author : authors) {
    std::string name = author.name;
    std::ranges::replace(name, '/', '_');
    wanted.push_back(fs::path("/students") / (name + ".zip"));
  }
  const std::vector<std::string> names = SubmissionNames(wanted);
  static const std::array<std::string, 3> head = {"filename", "full_name",
                                                  "label"};
  std::string info = CsvLine(head);
  for (std::size_t i = 0; i < authors.size(); ++i) {
    const bool earlier = authors[i].is_earlier;
    WriteSources(authors[i],
                 folder / (earlier ? "earlier" : "submissions") / names[i]);
    // A number in front: a table's cell must not begin with - or @.
    const std::string file = fmt::format("{:04}-{}.cc", i, names[i]);
    Write(folder / "dolos" / file, AllSources(authors[i]));
    const std::array<std::string, 3> row = {file, authors[i].name,
                                            earlier ? "earlier" : "class"};
    info += CsvLine(row);
  }
  const Author stubs = Stubs(handout, modules);
  WriteSources(stubs, folder / "given");
  Write(folder / "dolos" / "given.cc", AllSources(stubs));
  Write(folder / "dolos" / "info.csv", info);
  Write(folder / "README.txt", kReadme);
}

}  // namespace kvlab::grading
