// The progress of a long run: one line on stderr that is overwritten and
// finally erased.
#ifndef KVLAB_CLI_PROGRESS_LINE_H_
#define KVLAB_CLI_PROGRESS_LINE_H_

#include <chrono>
#include <optional>
#include <string_view>

namespace kvlab {

// For files and pipes, where a line cannot be overwritten.
enum class WithoutTerminal {
  kNothing,
  kEveryLine,
  kNowAndThen,  // a line every ten seconds
};

class ProgressLine {
 public:
  explicit ProgressLine(WithoutTerminal without_terminal);

  // Cuts the text off at 79 columns on a terminal.
  void Show(std::string_view text);
  void Clear() const;

 private:
  WithoutTerminal without_terminal_;
  bool terminal_;
  std::optional<std::chrono::steady_clock::time_point> last_;
};

}  // namespace kvlab

#endif  // KVLAB_CLI_PROGRESS_LINE_H_
