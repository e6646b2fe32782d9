// Ends with success before main() has begun.
#include <unistd.h>

namespace {
[[maybe_unused]] const bool kNeverSet = (::_exit(0), true);
}  // namespace
