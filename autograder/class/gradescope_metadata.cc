#include "autograder/class/gradescope_metadata.h"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/machine/text/printable.h"
#include "autograder/scoring/iso_time.h"
#include "kit/error.h"
#include "yaml-cpp/yaml.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kMostBytes = std::size_t{16} << 20U;

[[noreturn]] void Fail(const std::string& source, const std::string& why) {
  throw DataError(source + ": not what Gradescope exports", Printable(why),
                  "export the submissions again, and name the zip or the "
                  "folder that it unpacks to");
}

// Ruby's symbols begin with a colon. "" if there is no such scalar.
std::string Text(const YAML::Node& table, const char* symbol) {
  const YAML::Node value = table[symbol];
  return value.IsDefined() && value.IsScalar() ? value.Scalar() : "";
}

// "2027-01-15 22:59:00.123456789 Z": without the space before the zone.
std::optional<ClockTime> TimeOf(std::string text) {
  const std::size_t space = text.rfind(' ');
  if (space != std::string::npos && space > text.find(' ')) {
    text.erase(space, 1);
  }
  return ParseIsoTime(text);
}

GradescopeSubmission Read(const std::string& folder, const YAML::Node& table,
                          const std::string& source) {
  if (!table.IsMap()) Fail(source, "'" + folder + "' must be a table");
  GradescopeSubmission submission;
  submission.folder = folder;
  submission.created_at = TimeOf(Text(table, ":created_at"));
  const YAML::Node submitters = table[":submitters"];
  if (!submitters.IsDefined() || !submitters.IsSequence()) {
    Fail(source, "'" + folder + "' has no list of ':submitters'");
  }
  for (const YAML::Node& each : submitters) {
    if (!each.IsMap()) Fail(source, "a submitter must be a table");
    submission.submitters.push_back(
        {.sid = Text(each, ":sid"), .email = Text(each, ":email")});
  }
  return submission;
}

}  // namespace

std::vector<GradescopeSubmission> ParseGradescopeMetadata(
    std::string_view yaml, const std::string& source) {
  if (yaml.size() > kMostBytes) Fail(source, "it has more than 16 MiB");
  std::vector<GradescopeSubmission> submissions;
  try {
    const YAML::Node root = YAML::Load(std::string(yaml));
    if (!root.IsMap()) Fail(source, "it must be a table of submissions");
    for (const auto& entry : root) {
      if (!entry.first.IsScalar()) Fail(source, "a name must be a string");
      submissions.push_back(Read(entry.first.Scalar(), entry.second, source));
    }
  } catch (const YAML::Exception& error) {
    Fail(source, error.what());
  }
  return submissions;
}

}  // namespace kvlab::grading
