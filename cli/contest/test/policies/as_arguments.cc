// Starts itself again, with tokens as its arguments.
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <span>
#include <string>
#include <system_error>

#include "modules/05_beyond/contest_policy.h"

namespace kvlab {
namespace {

class Policy final : public ContestPolicy {
  void Attend(const ContestToken& /*token*/,
              std::span<float> /*output*/) override {
    std::string tokens(100'000, 'x');
    char* words[] = {tokens.data(), nullptr};
    ::execve("/proc/self/exe", words, nullptr);
    throw std::system_error(errno, std::generic_category(), "execve");
  }
};

}  // namespace

std::unique_ptr<ContestPolicy> MakeContestPolicy(
    const ContestShape& /*shape*/) {
  return std::make_unique<Policy>();
}

}  // namespace kvlab
