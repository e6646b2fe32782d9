// A checkpoint small enough to write in a test, and to damage in many ways.
#ifndef KVLAB_KIT_TESTING_CHECKPOINT_TESTING_H_
#define KVLAB_KIT_TESTING_CHECKPOINT_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace kvlab {

// The four files of a checkpoint, to be edited before they are written. The
// default is valid: 2 layers, 2 heads, width 4, 6 positions, 5 tokens.
struct TinyCheckpoint {
  nlohmann::ordered_json config;
  // model.safetensors: its header, and the bytes after it.
  nlohmann::ordered_json header;
  std::string data;
  std::string vocab_json;
  std::string merges_txt;

  // Element k of the file, counted over all tensors, holds k modulo 256: exact
  // in F32, F16 and BF16. Names start with `prefix`.
  explicit TinyCheckpoint(const std::string& dtype = "F32",
                          const std::string& prefix = "");

  // Appends a tensor of `dtype` whose elements continue the count.
  void AddTensor(const std::string& name, const std::string& dtype,
                 const std::vector<std::size_t>& shape);

  // Appends a tensor with the bytes of another one.
  void CopyTensor(const std::string& from, const std::string& name);

  // Removes a name but leaves its bytes under another one.
  void Rename(const std::string& name, const std::string& new_name);

  // The number of the tensor's first element, modulo 256.
  float FirstElement(const std::string& name) const;

  // Length, header and data as one file.
  std::string Safetensors() const;

  // Vocabulary and merges as Hugging Face's tokenizers writes them today.
  nlohmann::ordered_json TokenizerJson() const;

  // Writes all four files to the test's own folder, and returns it.
  std::filesystem::path Write() const;

  // The same with the tensors in two shards and an index: everything up to
  // layer 0, and the rest.
  std::filesystem::path WriteShards() const;

  // The next element's number, and that of each tensor's first.
  std::size_t next_element = 0;
  nlohmann::ordered_json first_element;
};

// The length of `header`, `header`, then `data`.
std::string SafetensorsBytes(const std::string& header,
                             const std::string& data);

// An empty folder for the running test.
std::filesystem::path EmptyTestFolder();

void WriteFile(const std::filesystem::path& path, const std::string& bytes);

}  // namespace kvlab

#endif  // KVLAB_KIT_TESTING_CHECKPOINT_TESTING_H_
