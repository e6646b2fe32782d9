// The part of onnxruntime's C interface that onnx_engine.cc calls.
//
// Its npm package has the library but no header. The interface is a table of
// functions that only grows at its end, so a function's index in it is fixed:
// counted in onnxruntime_c_api.h, struct OrtApi.
#ifndef KVLAB_COMPARE_ONNXRUNTIME_INTERFACE_H_
#define KVLAB_COMPARE_ONNXRUNTIME_INTERFACE_H_

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

struct OrtStatus;
struct OrtEnv;
struct OrtSession;
struct OrtSessionOptions;
struct OrtRunOptions;
struct OrtMemoryInfo;
struct OrtValue;

using OrtTable = const void* const*;
struct OrtApiBase {
  OrtTable (*get_api)(std::uint32_t version);
  const char* (*get_version)();
};
extern "C" const OrtApiBase* OrtGetApiBase();

namespace onnxruntime {

enum class Place : std::size_t {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSession = 7,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetSessionGraphOptimizationLevel = 23,
  kSetIntraOpNumThreads = 24,
  kCreateTensorWithDataAsOrtValue = 49,
  kCreateCpuMemoryInfo = 69,
};

// Values of the interface's enumerations.
constexpr int kLogWarnings = 2;
constexpr int kOptimizeAll = 99;
constexpr int kArenaAllocator = 1;
constexpr int kDefaultMemory = 0;
enum class ElementType : int { kFloat = 1, kInt32 = 6, kInt64 = 7 };

constexpr std::uint32_t kVersion = 1;  // the oldest has all functions used here

inline OrtTable Table() {
  static const OrtTable table = OrtGetApiBase()->get_api(kVersion);
  return table;
}

// Calls the function at an index; throws its status unless it is null.
template <typename... Arguments>
void Call(Place place, Arguments... arguments) {
  const auto function = reinterpret_cast<OrtStatus* (*)(Arguments...)>(
      const_cast<void*>(Table()[static_cast<std::size_t>(place)]));
  const OrtStatus* const status = function(arguments...);
  if (status == nullptr) return;
  const auto message =
      reinterpret_cast<const char* (*)(const OrtStatus*)>(const_cast<void*>(
          Table()[static_cast<std::size_t>(Place::kGetErrorMessage)]));
  throw std::runtime_error(std::string("onnxruntime: ") + message(status));
}

}  // namespace onnxruntime

#endif  // KVLAB_COMPARE_ONNXRUNTIME_INTERFACE_H_
