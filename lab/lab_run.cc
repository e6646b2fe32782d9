#include "lab/lab_run.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "kit/error.h"

namespace kvlab {

LabRun::LabRun(Options options, nlohmann::ordered_json head,
               double planned_work)
    : options_(std::move(options)),
      results_(std::move(head)),
      planned_work_(planned_work),
      started_s_(options_.instruments.now_s()) {
  results_["complete"] = false;
  Write();
}

void LabRun::Step(const std::string& what, double work) {
  done_work_ += current_work_;
  current_work_ = work;
  ExpectGoingOn();
  if (!options_.on_progress) return;
  // Before a twentieth is done the rate is unreliable.
  const double elapsed = options_.instruments.now_s() - started_s_;
  const double share = done_work_ / planned_work_;
  constexpr double kEnough = 0.05;
  options_.on_progress(what, share,
                       share < kEnough ? -1 : elapsed / share * (1 - share));
}

void LabRun::ExpectGoingOn() const {
  if (options_.stop_asked && options_.stop_asked()) throw Stopped();
}

void LabRun::Keep(const std::string& section, nlohmann::ordered_json value) {
  results_[section] = std::move(value);
  Write();
}

void LabRun::Finish() {
  results_["complete"] = true;
  Write();
}

// Writes beside the file first, so that no reader ever sees half of it.
void LabRun::Write() const {
  const std::filesystem::path half = options_.file.string() + ".part";
  std::ofstream stream(half);
  stream << results_.dump(1) << '\n';
  stream.close();
  std::error_code error;
  if (stream) std::filesystem::rename(half, options_.file, error);
  if (!stream || error) {
    throw DataError(options_.file.string() + ": results cannot be written",
                    stream ? error.message() : "writing failed",
                    "check that the folder is writable and has room");
  }
}

}  // namespace kvlab
