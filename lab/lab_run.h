// Shared by the experiments of ./kvlab lab: where results go, the progress of
// the whole run, and whether it was asked to stop.
#ifndef KVLAB_LAB_LAB_RUN_H_
#define KVLAB_LAB_LAB_RUN_H_

#include <cstdint>
#include <exception>
#include <filesystem>
#include <functional>
#include <string>

#include "kit/measure/instruments.h"
#include "nlohmann/json.hpp"

namespace kvlab {

// Thrown by LabRun after Ctrl-C. Saved sections stay.
class Stopped : public std::exception {
 public:
  const char* what() const noexcept override { return "stopped"; }
};

class LabRun {
 public:
  struct Options {
    std::filesystem::path file;  // results.json
    bool quick = false;
    std::uint64_t seed = 0;
    Instruments instruments;
    // Whether to stop; called before each step.
    std::function<bool()> stop_asked;
    // Called with the current step, the share of the work that is done, and the
    // seconds that are left, negative while unknown.
    std::function<void(const std::string& what, double share,
                       double seconds_left)>
        on_progress;
  };

  // `head` has the fields before the sections: machine, model and so on.
  // `planned_work` is the sum of all steps' work, in any unit.
  LabRun(Options options, nlohmann::ordered_json head, double planned_work);

  bool Quick() const { return options_.quick; }
  std::uint64_t Seed() const { return options_.seed; }
  const Instruments& Clock() const { return options_.instruments; }

  // Announces a step of the run that takes `work` of planned_work. Throws
  // Stopped if the user wants to stop.
  void Step(const std::string& what, double work);

  // In the middle of a long step: throws Stopped if the user wants to stop.
  void ExpectGoingOn() const;

  // Saves a section, new or extended: the file is complete after each call.
  // Throws DataError if it cannot be written.
  void Keep(const std::string& section, nlohmann::ordered_json value);

  // Marks the results as complete.
  void Finish();

  const nlohmann::ordered_json& Results() const { return results_; }

 private:
  void Write() const;

  Options options_;
  nlohmann::ordered_json results_;
  double planned_work_;
  double done_work_ = 0;     // of the finished steps
  double current_work_ = 0;  // of the current step
  double started_s_;
};

}  // namespace kvlab

#endif  // KVLAB_LAB_LAB_RUN_H_
