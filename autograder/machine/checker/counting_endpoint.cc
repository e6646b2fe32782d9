#include "autograder/machine/checker/counting_endpoint.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/machine/sandbox/sandbox_error.h"

namespace kvlab::grading {
namespace {

constexpr const char* kValgrind = "/usr/bin/valgrind";

// The file of the counts, inside the sandbox. Callgrind writes after each call
// what it counted in it, with a line `totals: 5008`, and makes no other file.
constexpr const char* kInside = "/counts";
constexpr std::string_view kTotals = "\ntotals: ";
constexpr std::size_t kMaxFileBytes = std::size_t{4} << 20U;

// Valgrind makes a call some fifty times slower; the limits have ten times as
// much time as is needed.
constexpr double kSlowdown = 5;

WorkerOptions ForValgrind(WorkerOptions options) {
  constexpr std::uint64_t kAddressSpace = std::uint64_t{16} << 30U;
  options.limits.address_space_bytes =
      std::max(options.limits.address_space_bytes, kAddressSpace);
  options.start_seconds *= kSlowdown;
  return options;
}

std::optional<std::uint64_t> Totals(const std::filesystem::path& file) {
  const std::optional<std::string> text = ReadRegularFile(file, kMaxFileBytes);
  if (!text) return std::nullopt;
  const std::size_t start = text->find(kTotals);
  if (start == std::string::npos ||
      text->find(kTotals, start + kTotals.size()) != std::string::npos) {
    return std::nullopt;
  }
  std::uint64_t count = 0;
  const auto parsed = std::from_chars(text->data() + start + kTotals.size(),
                                      text->data() + text->size(), count);
  if (parsed.ec != std::errc()) return std::nullopt;
  return count;
}

}  // namespace

CountingEndpoint::CountingEndpoint(const WorkerOptions& options)
    : WorkerEndpoint(ForValgrind(options)),
      staging_(options.host.user),
      counts_(staging_.MakeWritableFile("counts")) {
  // Without this a student's worker would seem to have crashed.
  if (::access(kValgrind, X_OK) != 0) {
    throw SandboxError("instructions cannot be counted",
                       std::string(kValgrind) + " is missing",
                       "./kvlab setup    (or: apt-get install valgrind)");
  }
}

SandboxSpec CountingEndpoint::Spec() const {
  SandboxSpec spec = WorkerEndpoint::Spec();
  std::vector<std::string> command = {
      kValgrind,
      "--tool=callgrind",
      "--quiet",
      "--vgdb=no",
      "--toggle-collect=kvlab_measured_call",
      "--dump-after=kvlab_measured_call",
      "--dump-line=no",
      "--combine-dumps=yes",
      std::string("--callgrind-out-file=") + kInside};
  command.insert(command.end(), spec.command.begin(), spec.command.end());
  spec.command = command;
  // Valgrind keeps the client's command line in a file in /tmp.
  spec.creating = Creating::kAllowed;
  spec.executing = Executing::kAllowed;  // it is two programs
  spec.mounts.push_back({counts_, kInside, Access::kWritable});
  return spec;
}

Reply CountingEndpoint::Call(const Request& request, const CallLimits& limits) {
  std::filesystem::resize_file(counts_, 0);
  CallLimits slower = limits;
  slower.seconds *= kSlowdown;
  Reply reply = WorkerEndpoint::Call(request, slower);
  instructions_ = IsAnswer(reply.status) ? Totals(counts_) : std::nullopt;
  return reply;
}

}  // namespace kvlab::grading
