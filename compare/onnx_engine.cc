// onnxruntime as an engine of the comparison: model.onnx on its CPU provider,
// called through its own C interface. Its JavaScript binding copies all past
// keys and values at each call, which takes as long as the step itself; here
// past and present are the same buffers, and nothing is copied.
// compare/peers.py compiles this against the library of its npm package.
//
// Usage: onnx_engine --model FOLDER --threads N
// Speaks the protocol of compare/README.md.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <iostream>
#include <map>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "onnxruntime_interface.h"

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
using onnxruntime::Call;
using onnxruntime::ElementType;
using onnxruntime::Place;

template <typename T>
constexpr ElementType kTypeOf = ElementType::kFloat;
template <>
constexpr ElementType kTypeOf<std::int32_t> = ElementType::kInt32;
template <>
constexpr ElementType kTypeOf<std::int64_t> = ElementType::kInt64;

class Engine {
 public:
  Engine(const std::string& folder, int threads) {
    const Json config = Json::parse(std::ifstream(folder + "/config.json"));
    OrtEnv* env = nullptr;
    Call<int, const char*, OrtEnv**>(Place::kCreateEnv,
                                     onnxruntime::kLogWarnings, "kvlab", &env);
    OrtSessionOptions* options = nullptr;
    Call<OrtSessionOptions**>(Place::kCreateSessionOptions, &options);
    Call(Place::kSetIntraOpNumThreads, options, threads);
    Call(Place::kSetSessionGraphOptimizationLevel, options,
         onnxruntime::kOptimizeAll);
    Call<const OrtEnv*, const char*, const OrtSessionOptions*, OrtSession**>(
        Place::kCreateSession, env, (folder + "/model.onnx").c_str(), options,
        &session_);
    Call<int, int, OrtMemoryInfo**>(Place::kCreateCpuMemoryInfo,
                                    onnxruntime::kArenaAllocator,
                                    onnxruntime::kDefaultMemory, &memory_info_);
    BindFixed(config);
  }

  Json Answer(const Json& request) {
    const auto prompt = request.at("prompt").get<std::vector<std::int64_t>>();
    const auto forced = request.at("forced").get<std::vector<std::int64_t>>();
    past_len_ = 0;
    Json reply = {{"step_s", Json::array()}, {"argmax", Json::array()}};
    reply["prefill_s"] = Forward(prompt, reply["argmax"]);
    for (const std::int64_t token : forced) {
      reply["step_s"].push_back(Forward({token}, reply["argmax"]));
    }
    return reply;
  }

 private:
  template <typename T>
  OrtValue* Tensor(std::vector<T>& data,
                   std::initializer_list<std::int64_t> shape) {
    std::size_t size = sizeof(T);
    for (const std::int64_t axis : shape) size *= axis;
    OrtValue* value = nullptr;
    Call<const OrtMemoryInfo*, void*, std::size_t, const std::int64_t*,
         std::size_t, ElementType, OrtValue**>(
        Place::kCreateTensorWithDataAsOrtValue, memory_info_, data.data(), size,
        shape.begin(), shape.size(), kTypeOf<T>, &value);
    return value;
  }

  // All inputs and outputs except the tokens and their positions, which come
  // first and change with the number of tokens.
  void BindFixed(const Json& config) {
    const std::int64_t layers = config["n_layer"];
    const std::int64_t heads = config["n_head"];
    const std::int64_t width = config["n_embd"];
    const std::int64_t positions = config["n_positions"];
    const std::int64_t vocab_size = config["vocab_size"];
    ids_.resize(positions);
    position_ids_.resize(positions);
    logits_.resize(vocab_size);
    inputs_ = {nullptr, nullptr, Tensor(last_position_, {1}),
               Tensor(total_len_, {})};
    input_names_ = {"input_ids", "position_ids", "last_position", "total_len"};
    outputs_ = {Tensor(logits_, {1, vocab_size})};
    output_names_ = {"logits"};
    caches_.resize(2 * layers, std::vector<float>(positions * width));
    for (std::int64_t i = 0; i < 2 * layers; ++i) {
      const std::string name =
          (i % 2 == 0 ? "key." : "value.") + std::to_string(i / 2);
      OrtValue* const cache =
          Tensor(caches_[i], {1, heads, positions, width / heads});
      inputs_.push_back(cache);
      input_names_.push_back("past_" + name);
      outputs_.push_back(cache);
      output_names_.push_back("present_" + name);
    }
    for (const std::string& n : input_names_) input_chars_.push_back(n.c_str());
    for (const std::string& n : output_names_) {
      output_chars_.push_back(n.c_str());
    }
  }

  // Seconds until the last token's logits can be read; then the best token.
  double Forward(const std::vector<std::int64_t>& tokens, Json& argmax) {
    const auto new_len = static_cast<std::int64_t>(tokens.size());
    const Clock::time_point start = Clock::now();
    std::ranges::copy(tokens, ids_.begin());
    std::iota(position_ids_.begin(), position_ids_.begin() + new_len,
              past_len_);
    if (new_len != bound_len_) {
      inputs_[0] = Tensor(ids_, {1, new_len});
      inputs_[1] = Tensor(position_ids_, {1, new_len});
      bound_len_ = new_len;
    }
    past_len_ += new_len;
    total_len_[0] = static_cast<std::int32_t>(past_len_);
    last_position_[0] = total_len_[0] - 1;
    Call<OrtSession*, const OrtRunOptions*, const char* const*,
         const OrtValue* const*, std::size_t, const char* const*, std::size_t,
         OrtValue**>(Place::kRun, session_, nullptr, input_chars_.data(),
                     inputs_.data(), inputs_.size(), output_chars_.data(),
                     outputs_.size(), outputs_.data());
    const std::chrono::duration<double> time = Clock::now() - start;
    argmax.push_back(std::ranges::max_element(logits_) - logits_.begin());
    return time.count();
  }

  OrtSession* session_ = nullptr;
  OrtMemoryInfo* memory_info_ = nullptr;
  std::int64_t past_len_ = 0;
  std::int64_t bound_len_ = 0;
  std::vector<std::int64_t> ids_;
  std::vector<std::int64_t> position_ids_;
  std::vector<std::int32_t> last_position_ = {0};
  std::vector<std::int32_t> total_len_ = {0};
  std::vector<float> logits_;
  std::vector<std::vector<float>> caches_;  // keys and values, by layer
  std::vector<OrtValue*> inputs_;
  std::vector<OrtValue*> outputs_;
  std::vector<std::string> input_names_;
  std::vector<std::string> output_names_;
  std::vector<const char*> input_chars_;
  std::vector<const char*> output_chars_;
};

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options;
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  try {
    Engine engine(options["--model"], std::stoi(options["--threads"]));
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << engine.Answer(Json::parse(line)) << std::endl;
    }
  } catch (const std::exception& error) {
    std::cerr << "onnx_engine: " << error.what() << "\n";
    return 1;
  }
}
