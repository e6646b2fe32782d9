#include "autograder/class/cluster/shared_jobs.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "autograder/class/grading.h"
#include "autograder/class/grading_run.h"
#include "autograder/class/mark_record.h"
#include "autograder/machine/digest/digest.h"
#include "autograder/machine/sandbox/file_descriptor.h"
#include "autograder/report/report.h"
#include "autograder/scoring/marks.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr const char* kArchive = "submission";
constexpr const char* kJob = "job.json";
constexpr const char* kResult = "result.json";
constexpr const char* kKeys = "keys";

std::string ContentOf(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream),
          std::istreambuf_iterator<char>()};
}

// Brings a file or the names in a folder to the disk.
bool Synced(const fs::path& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  return file.IsOpen() && ::fsync(file.Number()) == 0;
}

void WriteDurably(const fs::path& file, const std::string& content) {
  // Two nodes may write one result: of a job that Slurm started again.
  const fs::path part =
      file.string() + '.' + Sha256(std::to_string(::getpid()) + content);
  std::ofstream stream(part, std::ios::binary | std::ios::trunc);
  stream << content;
  stream.close();
  std::error_code error;
  const bool is_written = stream && Synced(part);
  if (is_written) fs::rename(part, file, error);
  if (!is_written || error || !Synced(file.parent_path())) {
    throw std::runtime_error("cannot write " + file.string());
  }
}

// Text of a submission may be of any bytes; JSON is in UTF-8.
std::string Dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json ToJson(const GradingJob& job, const ClassGrader& grader) {
  Json earlier;
  if (job.earlier != nullptr) {
    Report report;
    report.marks = *job.earlier;
    earlier = MarksRecord(report);
  }
  return {{"student", job.student},
          {"members", job.members},
          {"seed", job.seed},
          {"timed", job.timed == TimedChecks::kMeasured},
          {"program", grader.program},
          {"rubric", Sha256(RubricRecord(grader.rubric))},
          {"earlier", earlier}};
}

// The shared one: keys are in arrays/NAME/keys.
fs::path FolderOf(const fs::path& keys) {
  return keys.parent_path().parent_path().parent_path();
}

std::string ThisNode() {
  const char* name = std::getenv("SLURMD_NODENAME");
  return name == nullptr ? "" : name;
}

std::string KeyAt(const fs::path& keys, std::size_t index) {
  std::ifstream lines(keys);
  std::string key;
  for (std::size_t i = 0; i <= index; ++i) std::getline(lines, key);
  return key;
}

void WriteResult(const fs::path& folder, const JobResult& result) {
  WriteDurably(folder / kResult, Dumped({{"node", ThisNode()},
                                         {"machine", result.machine},
                                         {"marks", result.marks},
                                         {"failed", result.failed},
                                         {"unfit", result.unfit}}));
}

// Throws what the grader throws.
JobResult JudgeIn(const fs::path& folder, const ClassGrader& grader) {
  JobResult result = {.machine = grader.machine};
  const Json json = Json::parse(ContentOf(folder / kJob));
  if (json.at("program") != grader.program ||
      json.at("rubric") != Sha256(RubricRecord(grader.rubric))) {
    result.unfit =
        "it has another kvlab or another rubric; build the same commit there, "
        "or share the folder of kvlab as well";
    return result;
  }
  GradingJob job;
  job.student = json.at("student");
  job.members = json.at("members").get<std::vector<std::string>>();
  job.archive = folder / kArchive;
  job.seed = json.at("seed");
  job.timed = json.at("timed").get<bool>() ? TimedChecks::kMeasured
                                           : TimedChecks::kDeferred;
  Marks earlier;
  if (!json.at("earlier").is_null()) {
    earlier = ReportFrom(json.at("earlier"), grader.rubric).marks;
    job.earlier = &earlier;
  }
  if (job.timed == TimedChecks::kMeasured && grader.unfit) {
    result.unfit = grader.unfit();
    if (!result.unfit.empty()) return result;
  }
  Report report = grader.grade(
      job, [](const std::string& step) { std::cout << step << std::endl; });
  ForgetFolder(folder, report);
  result.marks = MarksRecord(report);
  return result;
}

}  // namespace

SharedJobs::SharedJobs(fs::path folder) : folder_(std::move(folder)) {
  for (const char* each : {"jobs", "arrays"}) {
    fs::create_directories(folder_ / each);
  }
}

fs::path SharedJobs::CompiledBeside(const fs::path& keys) {
  return FolderOf(keys) / "compiled" / ThisNode();
}

fs::path SharedJobs::KeysOf(const std::string& array) const {
  return folder_ / "arrays" / array / kKeys;
}

fs::path SharedJobs::LogOf(const std::string& array, std::size_t index) const {
  return folder_ / "arrays" / array / std::to_string(index);
}

std::string SharedJobs::Put(const GradingJob& job,
                            const ClassGrader& grader) const {
  const std::string text = Dumped(ToJson(job, grader));
  const std::string archive = ContentOf(job.archive);
  std::string key = Sha256(text + Sha256(archive));
  const fs::path folder = folder_ / "jobs" / key;
  if (!fs::exists(folder / kJob)) {
    fs::create_directories(folder);
    WriteDurably(folder / kArchive, archive);
    WriteDurably(folder / kJob, text);
  }
  return key;
}

void SharedJobs::Remove(const std::string& key) const {
  std::error_code ignored;
  fs::remove_all(folder_ / "jobs" / key, ignored);
}

void SharedJobs::PutArray(const std::string& array,
                          const std::vector<std::string>& keys) const {
  std::string lines;
  for (const std::string& key : keys) lines += key + '\n';
  fs::create_directory(KeysOf(array).parent_path());
  WriteDurably(KeysOf(array), lines);
}

std::vector<SharedJobs::Array> SharedJobs::Arrays() const {
  std::vector<Array> arrays;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(folder_ / "arrays")) {
    Array& array = arrays.emplace_back();
    array.name = entry.path().filename();
    std::ifstream lines(entry.path() / kKeys);
    for (std::string key; std::getline(lines, key);) array.keys.push_back(key);
  }
  return arrays;
}

void SharedJobs::RemoveArray(const std::string& array) const {
  std::error_code ignored;
  fs::remove_all(KeysOf(array).parent_path(), ignored);
}

std::optional<JobResult> SharedJobs::ResultOf(const std::string& key) const {
  const std::string text = ContentOf(folder_ / "jobs" / key / kResult);
  if (text.empty()) return std::nullopt;
  try {
    const Json json = Json::parse(text);
    return JobResult{.node = json.at("node"),
                     .machine = json.at("machine"),
                     .marks = json.at("marks"),
                     .failed = json.at("failed"),
                     .unfit = json.at("unfit")};
  } catch (const Json::exception& error) {
    return JobResult{.failed = error.what()};
  }
}

void SharedJobs::RemoveResult(const std::string& key) const {
  std::error_code ignored;
  fs::remove(folder_ / "jobs" / key / kResult, ignored);
}

void JudgeSharedJob(const fs::path& keys, std::size_t index,
                    const ClassGrader& grader) {
  const fs::path folder = FolderOf(keys) / "jobs" / KeyAt(keys, index);
  // Slurm may have started it a second time.
  if (fs::exists(folder / kResult)) return;
  JobResult result;
  try {
    result = JudgeIn(folder, grader);
  } catch (const std::exception& error) {
    result.failed = error.what();
  }
  WriteResult(folder, result);
}

void RefuseSharedJob(const fs::path& keys, std::size_t index,
                     const std::string& why) {
  WriteResult(FolderOf(keys) / "jobs" / KeyAt(keys, index), {.unfit = why});
}

}  // namespace kvlab::grading
