#include "autograder/proof/graderlab/lab_case.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <utility>

#include "kit/files/json_object.h"
#include "kit/files/toml_table.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPurpose = "a case of graderlab is made from it";

Confinement ReadIsolation(TomlTable& table) {
  static const std::map<std::string, Confinement> known = {
      {"full", Confinement::kBubblewrap},
      {"reduced", Confinement::kReduced},
      {"reduced without landlock", Confinement::kReducedWithoutLandlock}};
  const auto found = known.find(table.TextOr("isolation", "full"));
  if (found == known.end()) {
    table.FailAtKey("isolation", "there is no such isolation",
                    "write full, reduced or reduced without landlock");
  }
  return found->second;
}

LabSpeed ReadSpeed(TomlTable& table) {
  static const std::map<std::string, LabSpeed> known = {
      {"left out", LabSpeed::kLeftOut},
      {"measured", LabSpeed::kMeasured},
      {"compared with the reference", LabSpeed::kComparedWithReference}};
  const auto found = known.find(table.TextOr("speed", "left out"));
  if (found == known.end()) {
    table.FailAtKey("speed", "there is no such way to judge speed",
                    "write left out, measured or compared with the reference");
  }
  return found->second;
}

LabExpectation ReadExpectation(TomlTable& table) {
  return {.loses = table.TextsIfAny("loses"),
          .halves = table.TextsIfAny("halves"),
          .may_lose = table.TextsIfAny("may_lose"),
          .says = table.TextOr("says", ""),
          .never_says = table.TextOr("never_says", "")};
}

std::string ContentOf(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

std::map<std::string, PlantedChanges> ReadChanges(const fs::path& path) {
  std::map<std::string, PlantedChanges> changes;
  const nlohmann::json all = ReadJsonObject(path);
  for (const auto& [name, one] : all.items()) {
    changes[name] = {.files = one.at("files"), .task = one.at("task")};
  }
  return changes;
}

LabCase ReadPlantedBug(const fs::path& path, PlantedChanges changes) {
  TomlTable table = ReadToml(path, kPurpose);
  LabCase one;
  one.kind = "bug";
  one.name = path.stem().string();
  one.title = table.Text("title");
  one.base = "solutions";
  one.changes = std::move(changes);
  one.expect = ReadExpectation(table);
  if (one.expect.loses.empty()) {
    table.Fail("a planted bug that no check of the grader sees",
               "name the checks that must see it: loses = [\"1.3 ...\"]");
  }
  if (one.expect.says.empty()) {
    table.Fail("a planted bug without words for its author",
               "quote from the report on the first of `loses`: says = \"...\"");
  }
  return one;
}

LabCase ReadLabCase(const fs::path& path, PlantedChanges changes) {
  TomlTable table = ReadToml(path, kPurpose);
  LabCase one;
  // cases/exploits/NAME.toml is an exploit.
  const std::map<std::string, std::string> kinds = {
      {"baselines", "baseline"}, {"exploits", "exploit"}, {"honest", "honest"}};
  one.kind = kinds.at(path.parent_path().filename().string());
  one.name = path.stem().string();
  one.title = table.Text("title");
  one.base = table.TextOr("base", "solutions");
  one.student = table.TextOr("student", "");
  one.speed = ReadSpeed(table);
  one.isolation = ReadIsolation(table);
  if (table.Has("edit")) (void)table.Tables("edit");  // plant.py has read them
  one.changes = std::move(changes);
  one.expect = ReadExpectation(table);
  table.ExpectNoMore();
  return one;
}

std::string TaskOf(const LabCase& one) {
  if (!one.changes.task.empty()) return one.changes.task;
  const std::string& first = one.expect.loses.front();
  return first.substr(0, first.find(' '));
}

std::map<std::string, std::string> SubmissionOf(const LabCase& one,
                                                const fs::path& sources) {
  std::map<std::string, std::string> changed = one.changes.files;
  for (const auto& module : fs::directory_iterator(sources / one.base)) {
    for (const auto& file : fs::directory_iterator(module.path())) {
      changed.try_emplace(module.path().filename().string() + "/" +
                              file.path().filename().string(),
                          ContentOf(file.path()));
    }
  }
  std::map<std::string, std::string> files;
  for (auto& [name, content] : changed) {
    files.emplace("modules/" + name, std::move(content));
  }
  return files;
}

void WriteSubmission(const LabCase& one, const fs::path& sources,
                     const StagingFolder& folder) {
  for (const auto& [name, content] : SubmissionOf(one, sources)) {
    folder.WriteFile(name, content);
  }
}

}  // namespace kvlab::grading
