#include "cli/demo/progress.h"

#include <unistd.h>

#include <string_view>

#include "fmt/format.h"

namespace kvlab {

void ShowProgress(std::string_view text) {
  // Back to the first column, and away with the rest of the line.
  if (isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\033[K{}", text);
}

void ClearProgress() { ShowProgress(""); }

}  // namespace kvlab
