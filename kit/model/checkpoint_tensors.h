// The tensors of a checkpoint folder by name, whether in one file or in
// several.
#ifndef KVLAB_KIT_MODEL_CHECKPOINT_TENSORS_H_
#define KVLAB_KIT_MODEL_CHECKPOINT_TENSORS_H_

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kit/files/safetensors.h"

namespace kvlab {

// The name of the weights' file, and of the index that replaces it if they are
// split into shards: {"weight_map": {"tensor": "file", ...}}.
constexpr const char* kWeightsFile = "model.safetensors";
constexpr const char* kShardIndex = "model.safetensors.index.json";

// The first file, by name, that looks like weights in another format or under
// another name, such as pytorch_model.bin; empty if there is none.
std::string OtherWeights(const std::filesystem::path& directory);

class CheckpointTensors {
 public:
  // A tensor and the file that holds it. Valid while the CheckpointTensors
  // exists.
  struct Found {
    const SafeTensor* tensor;
    const SafeTensorsFile* file;
  };

  // Opens `directory`/model.safetensors or, without one, all shards that
  // model.safetensors.index.json names. Throws DataError as
  // SafeTensorsFile::Open does, and for an index that is malformed, names a
  // file outside the folder, a file that is missing or a tensor that its file
  // lacks. If the only weights are in another format, the error names their
  // file.
  static CheckpointTensors Open(const std::filesystem::path& directory);

  // The tensor of this name or, if there is none, the one stored in its place
  // (see SafeTensorsFile::Metadata).
  std::optional<Found> Find(std::string_view name) const;

  // The file or the index, for messages.
  const std::filesystem::path& Path() const { return path_; }

  // A tensor whose name ends with "." and `name`; empty if there is none.
  std::string NameEndingWith(std::string_view name) const;

  // Reading a page also loads its neighbours: releases all pages left over from
  // loading. Pages that are still needed are loaded again when read.
  void ReleaseAll() const;

 private:
  explicit CheckpointTensors(std::filesystem::path path)
      : path_(std::move(path)) {}

  void OpenShards(const std::filesystem::path& directory);
  std::optional<Found> FindStored(std::string_view name) const;

  std::filesystem::path path_;
  std::vector<SafeTensorsFile> files_;
  // Which of the files holds a tensor.
  std::map<std::string, std::size_t, std::less<>> file_of_tensor_;
};

}  // namespace kvlab

#endif  // KVLAB_KIT_MODEL_CHECKPOINT_TENSORS_H_
