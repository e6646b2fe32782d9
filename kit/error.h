// kvlab's errors: what is wrong, why, and how to fix it.
#ifndef KVLAB_KIT_ERROR_H_
#define KVLAB_KIT_ERROR_H_

#include <stdexcept>
#include <string>
#include <string_view>

namespace kvlab {

// A caller broke a contract: a shape disagrees, an index is out of range, a
// token does not fit. The object that threw is unchanged.
//
//   LayerCache::Append: no room for 2 more tokens
//     why: past_len 7 + new_len 2 = 9, max_seq_len is 8
//     fix: build the cache for 9 tokens, or stop decoding at 8
class ContractError : public std::logic_error {
 public:
  ContractError(std::string_view what, std::string_view why,
                std::string_view fix);
};

// Something outside the program is wrong: a file is missing, truncated or does
// not match its header. Names the file and, where there is one, the tensor.
class DataError : public std::runtime_error {
 public:
  DataError(std::string_view what, std::string_view why, std::string_view fix);
};

// A stub that is not filled in yet.
//   NotImplemented("LayerCache::Append", "module 3, task 2")
class NotImplemented : public std::logic_error {
 public:
  NotImplemented(std::string_view function, std::string_view task);
};

}  // namespace kvlab

#endif  // KVLAB_KIT_ERROR_H_
