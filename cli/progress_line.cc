#include "cli/progress_line.h"

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <string_view>

#include "fmt/format.h"

namespace kvlab {

ProgressLine::ProgressLine(WithoutTerminal without_terminal)
    : without_terminal_(without_terminal),
      terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::Show(std::string_view text) {
  if (terminal_) {
    // To the first column, then erase the rest of the line.
    constexpr std::size_t kColumns = 79;
    fmt::print(stderr, "\r\033[K{}", text.substr(0, kColumns));
    return;
  }
  if (without_terminal_ == WithoutTerminal::kNothing) return;
  constexpr std::chrono::seconds kNowAndThen(10);
  const auto now = std::chrono::steady_clock::now();
  if (without_terminal_ == WithoutTerminal::kNowAndThen && last_ &&
      now - *last_ < kNowAndThen) {
    return;
  }
  last_ = now;
  fmt::print(stderr, "{}\n", text);
}

void ProgressLine::Clear() const {
  if (terminal_) fmt::print(stderr, "\r\033[K");
}

}  // namespace kvlab
