#include "autograder/checker/counting_endpoint.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "autograder/sandbox/file_descriptor.h"
#include "autograder/sandbox/sandbox_error.h"

namespace kvlab::grading {
namespace {

constexpr const char* kValgrind = "/usr/bin/valgrind";

// The folder of the counts, inside the sandbox.
constexpr const char* kInside = "/counts";

// Callgrind writes one file per call: the name below, a dot, its number. It
// holds a line `totals: 5008`.
constexpr const char* kFilePrefix = "count.";
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

std::vector<std::filesystem::path> CountFiles(
    const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code ignored;
  for (const auto& entry :
       std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().filename().string().starts_with(kFilePrefix)) {
      files.push_back(entry.path());
    }
  }
  return files;
}

std::optional<std::uint64_t> Totals(const std::filesystem::path& file) {
  const std::optional<std::string> text = ReadRegularFile(file, kMaxFileBytes);
  if (!text) return std::nullopt;
  const std::size_t start = text->find(kTotals);
  if (start == std::string::npos) return std::nullopt;
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
      counts_(staging_.MakeWritable("counts")) {
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
      std::string("--callgrind-out-file=") + kInside + "/count"};
  command.insert(command.end(), spec.command.begin(), spec.command.end());
  spec.command = command;
  spec.mounts.push_back({counts_, kInside, Access::kWritable});
  return spec;
}

Reply CountingEndpoint::Call(const Request& request, const CallLimits& limits) {
  for (const std::filesystem::path& file : CountFiles(counts_)) {
    std::error_code ignored;
    std::filesystem::remove_all(file, ignored);
  }
  CallLimits slower = limits;
  slower.seconds *= kSlowdown;
  Reply reply = WorkerEndpoint::Call(request, slower);
  const std::vector<std::filesystem::path> files = CountFiles(counts_);
  instructions_ = IsAnswer(reply.status) && files.size() == 1
                      ? Totals(files.front())
                      : std::nullopt;
  return reply;
}

}  // namespace kvlab::grading
