// Hangs before main().
#include <unistd.h>

namespace {
bool WaitForEver() {
  while (true) ::pause();
}
[[maybe_unused]] const bool kNeverSet = WaitForEver();
}  // namespace
