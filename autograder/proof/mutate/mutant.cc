#include "autograder/proof/mutate/mutant.h"

#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <string>

namespace kvlab_mutant {

std::int32_t active = 0;
std::uint32_t size_index = 0;
double gate = 0;

namespace {

// A mutant may loop or allocate endlessly.
void Limit(int resource, const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr) return;
  const auto value = static_cast<rlim_t>(std::strtoull(text, nullptr, 10));
  const rlimit limit = {value, value};
  if (setrlimit(static_cast<__rlimit_resource>(resource), &limit) != 0) {
    std::abort();
  }
}

// Before any other static object: those of priority 101 come first.
struct Choice {
  Choice() {
    const char* text = std::getenv("KVLAB_MUTANT");
    if (text != nullptr) {
      std::istringstream(text) >> active >> size_index >> gate;
    }
    Limit(RLIMIT_CPU, "KVLAB_MUTANT_CPU_SECONDS");
    Limit(RLIMIT_AS, "KVLAB_MUTANT_BYTES");
  }
} const kChoice __attribute__((init_priority(101)));

}  // namespace
}  // namespace kvlab_mutant
