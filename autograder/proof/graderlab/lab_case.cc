#include "autograder/proof/graderlab/lab_case.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "kit/error.h"
#include "kit/files/toml_table.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPurpose = "a case of graderlab is made from it";

std::optional<std::string> TextIfAny(TomlTable& table, std::string_view key) {
  if (!table.Has(key)) return std::nullopt;
  return table.Text(key);
}

LabEdit ReadEdit(TomlTable table) {
  LabEdit edit;
  edit.file = table.Text("file");
  edit.find = TextIfAny(table, "find");
  if (edit.find) edit.replace = table.Text("replace");
  edit.prepend = TextIfAny(table, "prepend");
  edit.append = TextIfAny(table, "append");
  edit.text = TextIfAny(table, "text");
  edit.take_from = TextIfAny(table, "take_from");
  table.ExpectNoMore();
  if (edit.find.has_value() + edit.prepend.has_value() +
          edit.append.has_value() + edit.text.has_value() +
          edit.take_from.has_value() !=
      1) {
    table.Fail("an edit changes in one way",
               "give find and replace, prepend, append, text, or take_from");
  }
  return edit;
}

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

// Changes `text` as `edit` says.
std::string Edited(const LabEdit& edit, const std::string& text) {
  if (edit.text) return *edit.text;
  if (edit.prepend) return *edit.prepend + text;
  if (edit.append) return text + *edit.append;
  const std::size_t at = text.find(*edit.find);
  if (at == std::string::npos ||
      text.find(*edit.find, at + 1) != std::string::npos) {
    throw DataError(edit.file +
                        ": what is to be replaced does not stand there "
                        "exactly once",
                    *edit.find, "adapt the edit to the present text");
  }
  return std::string(text).replace(at, edit.find->size(), edit.replace);
}

std::string ContentOf(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

LabCase ReadKnockout(const fs::path& path) {
  TomlTable table = ReadToml(path, kPurpose);
  const fs::path source = path.parent_path();
  LabCase one;
  one.kind = "knockout";
  one.name = path.stem().string();
  one.title = table.Text("title");
  one.base = "solutions";
  LabEdit edit;
  edit.file = source.parent_path().parent_path().filename().string() + "/" +
              source.filename().string() + ".cc";
  edit.find = table.Text("find");
  edit.replace = table.Text("replace");
  one.edits.push_back(std::move(edit));
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

LabCase ReadLabCase(const fs::path& path) {
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
  if (table.Has("edit")) {
    for (TomlTable& edit : table.Tables("edit")) {
      one.edits.push_back(ReadEdit(std::move(edit)));
    }
  }
  one.expect = ReadExpectation(table);
  table.ExpectNoMore();
  return one;
}

std::string TaskOf(const LabCase& one, const fs::path& sources) {
  const std::string& first = one.expect.loses.front();
  const std::string fallback = first.substr(0, first.find(' '));
  const LabEdit& edit = one.edits.front();
  const std::string text = ContentOf(sources / one.base / edit.file);
  const std::size_t at = text.find(edit.find.value_or(""));
  constexpr std::string_view kTodo = "// TODO(";
  const std::size_t todo = text.rfind(kTodo, at);
  const std::size_t begin = text.rfind("// BEGIN SOLUTION ", at);
  const std::size_t end = text.rfind("// END SOLUTION\n", at);
  if (todo == std::string::npos || begin == std::string::npos ||
      (end != std::string::npos && end > begin)) {
    return fallback;
  }
  const std::size_t task = todo + kTodo.size();
  return text.substr(task, text.find(')', task) - task);
}

void WriteSubmission(const LabCase& one, const fs::path& sources,
                     const StagingFolder& folder) {
  std::map<std::string, std::string> files;
  const fs::path base = sources / one.base;
  for (const auto& module : fs::directory_iterator(base)) {
    for (const auto& file : fs::directory_iterator(module.path())) {
      const std::string name = file.path().filename().string();
      files[module.path().filename().string() + "/" + name] =
          ContentOf(file.path());
    }
  }
  for (const LabEdit& edit : one.edits) {
    if (edit.take_from) {
      files[edit.file] = ContentOf(sources / *edit.take_from / edit.file);
      continue;
    }
    if (!edit.text && !files.contains(edit.file)) {
      throw DataError(edit.file + ": there is no such file to change",
                      "case " + one.name, "name a file of " + one.base);
    }
    files[edit.file] = Edited(edit, files[edit.file]);
  }
  for (const auto& [name, content] : files) {
    folder.WriteFile("modules/" + name, content);
  }
}

}  // namespace kvlab::grading
