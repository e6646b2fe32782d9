#include "autograder/machine/building/kit_manifest.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/error.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {

KitManifest ReadKitManifest(const std::filesystem::path& file) {
  try {
    std::ifstream stream(file);
    const nlohmann::json json = nlohmann::json::parse(stream);
    KitManifest manifest;
    json.at("compiler").get_to(manifest.compiler);
    json.at("precompiled").get_to(manifest.precompiled);
    json.at("compile_flags").get_to(manifest.compile_flags);
    json.at("alone_flags").get_to(manifest.alone_flags);
    for (const nlohmann::json& entry : json.at("workers")) {
      WorkerRecipe& worker = manifest.workers.emplace_back();
      entry.at("name").get_to(worker.name);
      entry.at("student_modules").get_to(worker.student_modules);
      entry.at("archives").get_to(worker.archives);
      entry.at("link_flags").get_to(worker.link_flags);
    }
    return manifest;
  } catch (const nlohmann::json::exception& error) {
    throw DataError(file.string() + ": not a valid worker kit manifest",
                    error.what(), "bazel build //autograder/worker_kit");
  }
}

const WorkerRecipe& KitManifest::Worker(const std::string& name) const {
  const auto found = std::ranges::find(workers, name, &WorkerRecipe::name);
  if (found != workers.end()) return *found;
  std::vector<std::string> names;
  for (const WorkerRecipe& worker : workers) names.push_back(worker.name);
  throw DataError("there is no module '" + name + "' to judge",
                  fmt::format("the worker kit has {}", fmt::join(names, ", ")),
                  "name a folder of modules/ in the rubric, and build "
                  "//autograder/worker_kit again");
}

}  // namespace kvlab::grading
