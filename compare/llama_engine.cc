// llama.cpp as an engine of the comparison, called through its own C interface,
// without JavaScript. compare/peers.py compiles this against the headers and
// the library in its npm packages.
//
// Usage: llama_engine --model FOLDER --threads N --cache f16|f32
//                     --flash on|off --backends FOLDER
// Speaks the protocol of compare/README.md.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <iostream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "ggml-backend.h"
#include "llama.h"
#include "nlohmann/json.hpp"

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kMaxTokens = 1024;

double SecondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class Engine {
 public:
  explicit Engine(std::map<std::string, std::string>& options) {
    // Picks the library that was compiled for this processor.
    ggml_backend_load_all_from_path(options["--backends"].c_str());
    llama_backend_init();
    llama_model_params model_params = llama_model_default_params();
    model_params.n_gpu_layers = 0;
    model_ = llama_model_load_from_file(
        (options["--model"] + "/model.gguf").c_str(), model_params);
    if (model_ == nullptr) throw std::runtime_error("llama.cpp cannot load");
    llama_context_params params = llama_context_default_params();
    params.n_ctx = kMaxTokens;
    params.n_batch = kMaxTokens;
    params.n_ubatch = 512;  // llama.cpp's default; holds a prompt of 500
    params.n_threads = params.n_threads_batch = std::stoi(options["--threads"]);
    params.type_k = params.type_v =
        options["--cache"] == "f32" ? GGML_TYPE_F32 : GGML_TYPE_F16;
    params.flash_attn_type = options["--flash"] == "on"
                                 ? LLAMA_FLASH_ATTN_TYPE_ENABLED
                                 : LLAMA_FLASH_ATTN_TYPE_DISABLED;
    params.offload_kqv = params.op_offload = false;
    context_ = llama_init_from_model(model_, params);
    if (context_ == nullptr) throw std::runtime_error("llama.cpp: no context");
  }

  Json Answer(const Json& request) {
    auto prompt = request.at("prompt").get<std::vector<llama_token>>();
    const auto forced = request.at("forced").get<std::vector<llama_token>>();
    llama_memory_clear(llama_get_memory(context_), false);
    Json reply = {{"step_s", Json::array()}, {"argmax", Json::array()}};
    reply["prefill_s"] = Forward(prompt, reply["argmax"]);
    for (llama_token token : forced) {
      std::vector<llama_token> one = {token};
      reply["step_s"].push_back(Forward(one, reply["argmax"]));
    }
    return reply;
  }

 private:
  // Seconds until the last token's logits can be read; then the best token.
  double Forward(std::vector<llama_token>& tokens, Json& argmax) {
    const Clock::time_point start = Clock::now();
    const int status = llama_decode(
        context_,
        llama_batch_get_one(tokens.data(), static_cast<int>(tokens.size())));
    const float* logits = llama_get_logits_ith(context_, -1);
    const double seconds = SecondsSince(start);
    if (status != 0) throw std::runtime_error("llama_decode failed");
    const int size = llama_vocab_n_tokens(llama_model_get_vocab(model_));
    argmax.push_back(std::max_element(logits, logits + size) - logits);
    return seconds;
  }

  llama_model* model_ = nullptr;
  llama_context* context_ = nullptr;
};

// Suppresses messages about each tensor and buffer.
void LogErrors(ggml_log_level level, const char* text, void* /*data*/) {
  if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
}

}  // namespace

int main(int argc, char** argv) {
  std::map<std::string, std::string> options;
  for (int i = 1; i + 1 < argc; i += 2) options[argv[i]] = argv[i + 1];
  try {
    llama_log_set(LogErrors, nullptr);
    Engine engine(options);
    for (std::string line; std::getline(std::cin, line);) {
      std::cout << engine.Answer(Json::parse(line)) << std::endl;
    }
  } catch (const std::exception& error) {
    std::cerr << "llama_engine: " << error.what() << "\n";
    return 1;
  }
}
