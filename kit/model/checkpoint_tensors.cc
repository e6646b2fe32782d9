#include "kit/model/checkpoint_tensors.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "kit/error.h"
#include "kit/files/json_object.h"
#include "kit/files/safetensors.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kUsePublished =
    "download the index and all its shards again";

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

void CheckNoOtherFormat(const fs::path& directory) {
  const std::string other = OtherWeights(directory);
  if (other.empty()) return;
  const std::string what = (directory / kWeightsFile).string() + ": is missing";
  if (other.ends_with(".safetensors")) {
    throw DataError(what, "the folder has " + other,
                    "rename it to " + std::string(kWeightsFile) +
                        " if it holds the whole model");
  }
  throw DataError(
      what,
      "the folder has " + other + "; kvlab reads weights as safetensors only",
      "in Python: from transformers import GPT2LMHeadModel as M; "
      "M.from_pretrained('FOLDER').save_pretrained('FOLDER')");
}

// Only a file name: a path could lead out of the folder.
bool IsPlainName(std::string_view name) {
  return !name.empty() && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(), [](char c) {
           return c == '/' || c == '\\' || static_cast<unsigned char>(c) < ' ';
         });
}

// The entries of "weight_map": tensor and file.
std::map<std::string, std::string> ReadWeightMap(const fs::path& index) {
  const nlohmann::json object = ReadJsonObject(index);
  const auto map = object.find("weight_map");
  if (map == object.end() || !map->is_object() || map->empty()) {
    throw DataError(index.string() + ": has no 'weight_map'",
                    "it must map the tensors' names to their files",
                    kUsePublished);
  }
  std::map<std::string, std::string> files;
  for (const auto& [tensor, file] : map->items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    if (!IsPlainName(name)) {
      throw DataError(index.string() + ": the file of tensor " +
                          Quoted(tensor) + " is not a file's name",
                      "it is " + Quoted(file.is_string() ? name : file.dump()) +
                          "; shards are in the folder of the index, and a path "
                          "is not allowed",
                      kUsePublished);
    }
    files.emplace(tensor, name);
  }
  return files;
}

void CheckAllThere(const fs::path& directory, const fs::path& index,
                   const std::map<std::string, std::size_t>& shards) {
  std::string missing;
  std::size_t count = 0;
  for (const auto& [name, number] : shards) {
    if (Exists(directory / name)) continue;
    missing += (count++ == 0 ? "" : ", ") + name;
  }
  if (count == 0) return;
  throw DataError(index.string() + ": " + std::to_string(count) + " of " +
                      std::to_string(shards.size()) + " shards are missing",
                  "there is no " + missing, "download these into the folder");
}

}  // namespace

std::string OtherWeights(const fs::path& directory) {
  constexpr std::array<std::string_view, 7> kEndings = {
      ".safetensors", ".bin", ".h5", ".msgpack", ".onnx", ".gguf", ".ot"};
  std::string first;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory, ignored)) {
    const std::string name = entry.path().filename().string();
    const bool weights = std::any_of(
        kEndings.begin(), kEndings.end(),
        [&](std::string_view ending) { return name.ends_with(ending); });
    if (weights && (first.empty() || name < first)) first = name;
  }
  return first;
}

CheckpointTensors CheckpointTensors::Open(const fs::path& directory) {
  const fs::path whole = directory / kWeightsFile;
  const fs::path index = directory / kShardIndex;
  if (!Exists(whole) && Exists(index)) {
    CheckpointTensors tensors(index);
    tensors.OpenShards(directory);
    return tensors;
  }
  if (!Exists(whole)) CheckNoOtherFormat(directory);
  CheckpointTensors tensors(whole);
  tensors.files_.push_back(SafeTensorsFile::Open(whole));
  for (const std::string& name : tensors.files_.front().Names()) {
    tensors.file_of_tensor_.emplace(name, 0);
  }
  return tensors;
}

void CheckpointTensors::OpenShards(const fs::path& directory) {
  const std::map<std::string, std::string> file_names = ReadWeightMap(path_);
  std::map<std::string, std::size_t> shards;  // name and number
  for (const auto& [tensor, name] : file_names) shards.emplace(name, 0);
  CheckAllThere(directory, path_, shards);
  for (auto& [name, number] : shards) {
    number = files_.size();
    files_.push_back(SafeTensorsFile::Open(directory / name));
  }
  for (const auto& [tensor, name] : file_names) {
    const std::size_t number = shards.at(name);
    if (files_[number].Find(tensor) == nullptr) {
      throw DataError(path_.string() + ": tensor " + Quoted(tensor) +
                          " is missing from its shard",
                      files_[number].Path().string() + " does not have it",
                      kUsePublished);
    }
    file_of_tensor_.emplace(tensor, number);
  }
}

std::optional<CheckpointTensors::Found> CheckpointTensors::FindStored(
    std::string_view name) const {
  const auto found = file_of_tensor_.find(name);
  if (found == file_of_tensor_.end()) return std::nullopt;
  const SafeTensorsFile& file = files_[found->second];
  return Found{.tensor = file.Find(name), .file = &file};
}

std::optional<CheckpointTensors::Found> CheckpointTensors::Find(
    std::string_view name) const {
  if (const auto stored = FindStored(name)) return stored;
  for (const SafeTensorsFile& file : files_) {
    const std::string* kept = file.Metadata(name);
    if (kept == nullptr) continue;
    if (const auto stored = FindStored(*kept)) return stored;
  }
  return std::nullopt;
}

std::string CheckpointTensors::NameEndingWith(std::string_view name) const {
  std::string ending = ".";
  ending += name;
  for (const auto& [tensor, file] : file_of_tensor_) {
    if (tensor.ends_with(ending)) return tensor;
  }
  return "";
}

void CheckpointTensors::ReleaseAll() const {
  for (const SafeTensorsFile& file : files_) {
    file.Mapping()->Release(file.Mapping()->Bytes());
  }
}

}  // namespace kvlab
