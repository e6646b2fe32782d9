// How a student's tests reach the caches that they judge. The tests run in the
// worker, the caches in a worker of the grader's own; every call travels from
// one to the other through the checker, so neither process holds code of the
// other. See cache_tests_checks.cc.
#ifndef KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_CACHE_CALLS_H_
#define KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_CACHE_CALLS_H_

#include <cstdint>

namespace kvlab::grading {

// A function of CacheMaker or TestedCache
// (modules/03_memoization/cache_tests.h). All but kMake and kBytesOf take the
// cache's handle first; sizes are integers, a shape is a list of five, tensors
// are arrays.
enum class CacheCall : std::int64_t {
  kMake,
  kBytesOf,
  kAppend,
  kKeys,
  kValues,
  kLayerPastLen,
  kTruncateLayer,
  kPastLen,
  kTruncate,
  kReset,
  kBytes,
  kDrop,  // the cache is destroyed
  kEnd,   // none: how many there are
};

// What cache_tests.step answers: a list of its kind and a number.
enum class CacheTestStep : std::int64_t {
  kAccepted,  // and how many tests there are
  kRejected,  // and by which of them, counted from 1
  kCalls,     // and the CacheCall; its arguments follow
};

// How the call before ended, an argument of cache_tests.step: its values
// follow.
enum class CacheCallEnd : std::int64_t {
  kNone,  // there was none: the tests begin
  kReturned,
  kRefused,  // with a ContractError
  kFailed,   // otherwise
};

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_JUDGES_03_MEMOIZATION_CACHE_CALLS_H_
