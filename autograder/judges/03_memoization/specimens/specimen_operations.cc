// The specimens as an operation.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>

#include "autograder/exam/arguments.h"
#include "autograder/judges/03_memoization/cache_calls.h"
#include "autograder/judges/03_memoization/cache_values.h"
#include "autograder/judges/03_memoization/specimens/specimens.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/tensor/tensor.h"
#include "modules/03_memoization/cache_tests.h"

namespace kvlab::grading {
namespace {

Value Size(std::uint64_t number) { return static_cast<std::int64_t>(number); }

Values CallCache(TestedCache& cache, CacheCall call, Arguments& arguments) {
  switch (call) {
    case CacheCall::kAppend: {
      const std::size_t layer = arguments.NextSize();
      const Tensor4 keys = arguments.NextTensor<4>();
      cache.Append(layer, keys, arguments.NextTensor<4>());
      return {};
    }
    case CacheCall::kKeys:
      return {ToArray(cache.Keys(arguments.NextSize()))};
    case CacheCall::kValues:
      return {ToArray(cache.Values(arguments.NextSize()))};
    case CacheCall::kLayerPastLen:
      return {Size(cache.LayerPastLen(arguments.NextSize()))};
    case CacheCall::kTruncateLayer: {
      const std::size_t layer = arguments.NextSize();
      cache.TruncateLayer({.layer = layer, .past_len = arguments.NextSize()});
      return {};
    }
    case CacheCall::kPastLen:
      return {Size(cache.PastLen())};
    case CacheCall::kTruncate:
      cache.Truncate(arguments.NextSize());
      return {};
    case CacheCall::kReset:
      cache.Reset();
      return {};
    case CacheCall::kBytes:
      return {Size(cache.Bytes())};
    default:
      throw std::logic_error("a cache has no such function");
  }
}

// specimen.call(name, CacheCall, its arguments ...) -> what it returns
Values Call(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  const std::string name = arguments.Next<std::string>();
  const auto call = static_cast<CacheCall>(arguments.Next<std::int64_t>());
  if (call == CacheCall::kMake) {
    const std::unique_ptr<CacheMaker> maker = Specimens().at(name)();
    return {objects.Keep(
        std::shared_ptr<TestedCache>(maker->Make(NextCacheShape(arguments))))};
  }
  if (call == CacheCall::kBytesOf) {
    const std::unique_ptr<CacheMaker> maker = Specimens().at(name)();
    const CacheShape shape = NextCacheShape(arguments);
    return {Size(maker->BytesOf(shape, arguments.NextSize()))};
  }
  const auto handle = arguments.Next<Handle>();
  if (call == CacheCall::kDrop) {
    objects.Drop(handle);
    return {};
  }
  return CallCache(objects.Get<TestedCache>(handle), call, arguments);
}

const RegisterOperation kCall("specimen.call", Call);

}  // namespace
}  // namespace kvlab::grading
