// Text that arrives in pieces split anywhere, as tokens split it.
#ifndef KVLAB_CLI_UTF8_STREAM_H_
#define KVLAB_CLI_UTF8_STREAM_H_

#include <string>
#include <string_view>

namespace kvlab {

// A byte-level token may end in the middle of a character. The stream holds
// such a beginning back until the rest arrives, so its output can be shown at
// once. Bytes that cannot begin a character pass unchanged.
class Utf8Stream {
 public:
  // Adds bytes; returns all complete characters.
  std::string Push(std::string_view bytes);

  // At the end: returns what is still held back, complete or not.
  std::string Flush();

 private:
  std::string held_back_;
};

}  // namespace kvlab

#endif  // KVLAB_CLI_UTF8_STREAM_H_
