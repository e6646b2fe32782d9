// Text that arrives in pieces cut anywhere, as tokens cut it.
#ifndef KVLAB_CLI_UTF8_STREAM_H_
#define KVLAB_CLI_UTF8_STREAM_H_

#include <string>
#include <string_view>

namespace kvlab {

// A byte-level token may end in the middle of a character. The stream holds
// such a beginning back until its rest arrives, so that what it returns can be
// shown at once. Bytes that no character begins with pass unchanged: they
// cannot become one.
class Utf8Stream {
 public:
  // Adds bytes; returns all that is complete now.
  std::string Push(std::string_view bytes);

  // The end: returns what is still held back, complete or not.
  std::string Flush();

 private:
  std::string held_back_;
};

}  // namespace kvlab

#endif  // KVLAB_CLI_UTF8_STREAM_H_
