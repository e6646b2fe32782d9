// How kvlab says that something is wrong: what, why it matters, what to do.
#ifndef KVLAB_KIT_ERROR_H_
#define KVLAB_KIT_ERROR_H_

#include <stdexcept>
#include <string>
#include <string_view>

namespace kvlab {

// A caller broke a contract: a shape disagrees, an index is out of range, a
// token does not fit. The object that threw is as it was before the call.
//
//   LayerCache::Append: no room for 2 more tokens
//     why: past_len 7 + new_len 2 = 9, max_seq_len is 8
//     fix: build the cache for 9 tokens, or stop decoding at 8
class ContractError : public std::logic_error {
 public:
  ContractError(std::string_view what, std::string_view why,
                std::string_view fix);
};

// The outside world broke a promise: a file is missing, truncated or does not
// hold what its header says. Names the file and, where there is one, the
// tensor.
class DataError : public std::runtime_error {
 public:
  DataError(std::string_view what, std::string_view why, std::string_view fix);
};

// A stub that nobody has filled in yet.
//   NotImplemented("LayerCache::Append", "module 3, task 2")
class NotImplemented : public std::logic_error {
 public:
  NotImplemented(std::string_view function, std::string_view task);
};

}  // namespace kvlab

#endif  // KVLAB_KIT_ERROR_H_
