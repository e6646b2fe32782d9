#include "kit/testing/checkpoint_testing.h"

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

namespace kvlab {
namespace {

constexpr std::array<const char*, 2> kShards = {
    "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"};

// The element as `dtype` stores it. Whole numbers below 256 need 8 bits of
// mantissa, which all three floats have.
std::string StoredElement(std::size_t element, const std::string& dtype) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(element));
  std::uint32_t stored = static_cast<std::uint32_t>(element);
  std::size_t bytes = 1;
  if (dtype == "F32") {
    stored = bits;
    bytes = 4;
  } else if (dtype == "BF16") {
    stored = bits >> 16U;
    bytes = 2;
  } else if (dtype == "F16") {
    const std::uint32_t exponent = (bits >> 23U) - 112;
    stored = element == 0 ? 0 : exponent << 10U | (bits >> 13U & 0x3FFU);
    bytes = 2;
  }
  return {reinterpret_cast<const char*>(&stored), bytes};
}

}  // namespace

TinyCheckpoint::TinyCheckpoint(const std::string& dtype,
                               const std::string& prefix)
    : config({{"model_type", "gpt2"},
              {"activation_function", "gelu_new"},
              {"n_layer", 2},
              {"n_head", 2},
              {"n_embd", 4},
              {"n_positions", 6},
              {"vocab_size", 5}}),
      vocab_json(R"({"a": 0, "b": 1, "ab": 2, "c": 3, "abc": 4})"),
      merges_txt("#version: 0.2\na b\nab c\n") {
  AddTensor(prefix + "wte.weight", dtype, {5, 4});
  AddTensor(prefix + "wpe.weight", dtype, {6, 4});
  for (const std::string layer : {"0", "1"}) {
    const std::string h = prefix + "h." + layer + ".";
    AddTensor(h + "ln_1.weight", dtype, {4});
    AddTensor(h + "ln_1.bias", dtype, {4});
    AddTensor(h + "attn.c_attn.weight", dtype, {4, 12});
    AddTensor(h + "attn.c_attn.bias", dtype, {12});
    AddTensor(h + "attn.c_proj.weight", dtype, {4, 4});
    AddTensor(h + "attn.c_proj.bias", dtype, {4});
    AddTensor(h + "ln_2.weight", dtype, {4});
    AddTensor(h + "ln_2.bias", dtype, {4});
    AddTensor(h + "mlp.c_fc.weight", dtype, {4, 16});
    AddTensor(h + "mlp.c_fc.bias", dtype, {16});
    AddTensor(h + "mlp.c_proj.weight", dtype, {16, 4});
    AddTensor(h + "mlp.c_proj.bias", dtype, {4});
  }
  AddTensor(prefix + "ln_f.weight", dtype, {4});
  AddTensor(prefix + "ln_f.bias", dtype, {4});
}

void TinyCheckpoint::AddTensor(const std::string& name,
                               const std::string& dtype,
                               const std::vector<std::size_t>& shape) {
  std::size_t size = 1;
  for (const std::size_t axis : shape) size *= axis;
  const std::size_t begin = data.size();
  first_element[name] = next_element % 256;
  for (std::size_t i = 0; i < size; ++i) {
    data += StoredElement(next_element++ % 256, dtype);
  }
  header[name] = {{"dtype", dtype},
                  {"shape", shape},
                  {"data_offsets", {begin, data.size()}}};
}

void TinyCheckpoint::CopyTensor(const std::string& from,
                                const std::string& name) {
  const auto offsets = header[from]["data_offsets"];
  const std::size_t first = offsets[0].get<std::size_t>();
  const std::size_t begin = data.size();
  data += data.substr(first, offsets[1].get<std::size_t>() - first);
  header[name] = header[from];
  header[name]["data_offsets"] = {begin, data.size()};
  first_element[name] = first_element[from];
}

void TinyCheckpoint::Rename(const std::string& name,
                            const std::string& new_name) {
  header[new_name] = header[name];
  header.erase(name);
  first_element[new_name] = first_element[name];
}

nlohmann::ordered_json TinyCheckpoint::TokenizerJson() const {
  nlohmann::ordered_json merges = nlohmann::ordered_json::array();
  std::istringstream lines(merges_txt);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.find(' ');
    if (line.starts_with("#version")) continue;
    merges.push_back({line.substr(0, space), line.substr(space + 1)});
  }
  const auto byte_level = nlohmann::ordered_json{{"type", "ByteLevel"},
                                                 {"add_prefix_space", false},
                                                 {"trim_offsets", true},
                                                 {"use_regex", true}};
  return {{"version", "1.0"},
          {"truncation", nullptr},
          {"padding", nullptr},
          {"added_tokens", nlohmann::ordered_json::array()},
          {"normalizer", nullptr},
          {"pre_tokenizer", byte_level},
          {"post_processor", byte_level},
          {"decoder", byte_level},
          {"model",
           {{"type", "BPE"},
            {"dropout", nullptr},
            {"unk_token", nullptr},
            {"continuing_subword_prefix", ""},
            {"end_of_word_suffix", ""},
            {"fuse_unk", false},
            {"byte_fallback", false},
            {"ignore_merges", false},
            {"vocab", nlohmann::ordered_json::parse(vocab_json)},
            {"merges", merges}}}};
}

float TinyCheckpoint::FirstElement(const std::string& name) const {
  return first_element.at(name).get<float>();
}

std::string TinyCheckpoint::Safetensors() const {
  return SafetensorsBytes(header.dump(), data);
}

std::filesystem::path TinyCheckpoint::Write() const {
  const std::filesystem::path folder = EmptyTestFolder();
  WriteFile(folder / "config.json", config.dump());
  WriteFile(folder / "model.safetensors", Safetensors());
  WriteFile(folder / "vocab.json", vocab_json);
  WriteFile(folder / "merges.txt", merges_txt);
  return folder;
}

std::filesystem::path TinyCheckpoint::WriteShards() const {
  const std::filesystem::path folder = Write();
  std::filesystem::remove(folder / "model.safetensors");
  std::array<nlohmann::ordered_json, 2> headers;
  std::array<std::string, 2> parts;
  nlohmann::ordered_json files;
  for (const auto& [name, entry] : header.items()) {
    const std::size_t shard = name.find("h.1.") == std::string::npos &&
                                      name.find("ln_f.") == std::string::npos
                                  ? 0
                                  : 1;
    const auto first = entry["data_offsets"][0].get<std::size_t>();
    const auto end = entry["data_offsets"][1].get<std::size_t>();
    const std::size_t begin = parts[shard].size();
    parts[shard] += data.substr(first, end - first);
    headers[shard][name] = entry;
    headers[shard][name]["data_offsets"] = {begin, parts[shard].size()};
    files[name] = kShards[shard];
  }
  for (std::size_t shard = 0; shard < kShards.size(); ++shard) {
    WriteFile(folder / kShards[shard],
              SafetensorsBytes(headers[shard].dump(), parts[shard]));
  }
  const nlohmann::ordered_json index = {
      {"metadata", {{"total_size", data.size()}}}, {"weight_map", files}};
  WriteFile(folder / "model.safetensors.index.json", index.dump());
  return folder;
}

std::string SafetensorsBytes(const std::string& header,
                             const std::string& data) {
  // Padded with spaces as the published files are, so that data is aligned.
  const std::string padding((8 - header.size() % 8) % 8, ' ');
  const std::uint64_t length = header.size() + padding.size();
  std::string bytes(sizeof(length), '\0');
  std::memcpy(bytes.data(), &length, sizeof(length));
  return bytes + header + padding + data;
}

std::filesystem::path EmptyTestFolder() {
  const ::testing::TestInfo& test =
      *::testing::UnitTest::GetInstance()->current_test_info();
  std::string name = std::string(test.test_suite_name()) + "." + test.name();
  for (char& c : name) {
    if (c == '/') c = '.';
  }
  std::filesystem::path folder =
      std::filesystem::path(::testing::TempDir()) / name;
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  return folder;
}

void WriteFile(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  ASSERT_TRUE(file.flush()) << "cannot write " << path;
}

}  // namespace kvlab
