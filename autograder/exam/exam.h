// Asks the student and the reference the same questions, and reports the
// answers.
#ifndef KVLAB_AUTOGRADER_EXAM_EXAM_H_
#define KVLAB_AUTOGRADER_EXAM_EXAM_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "autograder/exam/measurement.h"
#include "autograder/exam/tiers.h"
#include "autograder/machine/checker/endpoint.h"
#include "autograder/machine/protocol/value.h"
#include "kit/model/random.h"

namespace kvlab::grading {

// The student's code broke a promise.
struct CheckFailed {
  std::string came_back;
};

// The machine is too busy for a verdict: "could not be judged, ...".
struct CheckBlocked {
  std::string why;
};

// Throws CheckBlocked for this reason, a part of a sentence.
[[noreturn]] void BlockCheck(const std::string& reason);

// The grader itself is at fault, or something that it needs is missing.
class GraderError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct QuizPaper;

// The endpoints that a check may ask, and the paper that it may read.
struct Answerers {
  Endpoint* student = nullptr;
  // The solutions, in the checker's process.
  Endpoint* reference = nullptr;
  // The solutions, in a worker like the student's, so that times can be
  // compared.
  Endpoint* baseline = nullptr;
  // The student's code under the instruction counter, and the instructions of
  // its last call; nothing if that call lost the worker.
  Endpoint* counted = nullptr;
  std::function<std::optional<std::uint64_t>()> instructions_of_last_call =
      nullptr;
  // Correct and broken implementations that tests written by the student are
  // put to, in a worker without code of the student's.
  Endpoint* specimens = nullptr;
  // Answers to the concept checks, if those are judged.
  const QuizPaper* paper = nullptr;
};

// The shipped checkpoint, where each of them finds it.
struct CheckpointPlaces {
  std::string in_worker;
  std::string here;
};

// The same object, made by the student and by the reference.
struct Pair {
  Handle student;
  Handle reference;
};

// The arguments for both; each gets its own half of a Pair.
using Question = std::vector<std::variant<Value, Pair>>;

struct Answers {
  Values student;
  Values reference;
};

class Exam {
 public:
  using Settings = std::map<std::string, double, std::less<>>;

  Exam(Answerers answerers, CheckpointPlaces checkpoint, Settings settings,
       std::uint64_t seed, const CallLimits& limits, Tiers tiers = {});

  // A number from the rubric. Throws GraderError if it is missing.
  double Setting(std::string_view name) const;
  std::size_t SettingSize(std::string_view name) const {
    return static_cast<std::size_t>(Setting(name));
  }

  // The rubric's thresholds. Throws GraderError if it gives none.
  const Tiers& Thresholds() const;

  Random& Randomness() { return random_; }
  const CheckpointPlaces& Checkpoint() const { return checkpoint_; }
  const Answerers& AllAnswerers() const { return answerers_; }
  const CallLimits& Limits() const { return limits_; }

  // Limits the total time of the student's answers from now on: in this check,
  // and in what remains for the submission. Otherwise a submission that answers
  // each request just in time could take hours. Timed calls do not count.
  void GiveTime(double check_seconds, double submission_seconds) {
    check_seconds_ = check_seconds;
    submission_seconds_ = submission_seconds;
  }
  // The total time so far, including starts of the worker.
  double WaitedSeconds() const { return waited_seconds_; }

  // Takes down what a reply of the student's says beside its values. The
  // functions below that ask do so themselves; a check that calls a worker on
  // its own has to.
  void Note(const Reply& reply);

  // Whether any answer of the student's came too late.
  bool TimedOut() const { return timed_out_; }
  // Whether any answer was NotImplemented.
  bool Undone() const { return undone_; }

  // The result of a check of a cost, noted before the answers are compared.
  void NoteCost(bool affordable) { affordable_ = affordable; }
  std::optional<bool> Affordable() const { return affordable_; }

  // Describes the next requests in general terms, as the beginning of a
  // failure's message. Must not reveal inputs.
  void Case(std::string about) { about_ = std::move(about); }

  // Throws CheckFailed; the message begins with the case.
  [[noreturn]] void Fail(const std::string& came_back) const;

  // Numbers for the reports; they stay if the check fails after all.
  void Record(const SpeedupMeasurement& speedup) {
    recorded_.speedups.push_back(speedup);
  }
  void Record(const CacheMemoryMeasurement& memory) {
    recorded_.cache_memory.push_back(memory);
  }
  const Measurements& Recorded() const { return recorded_; }

  // Throws CheckFailed unless the student answers.
  Values AskStudent(const std::string& operation, const Question& question);
  // The same under the instruction counter. Throws GraderError without one.
  Values AskCounted(const std::string& operation, const Question& question);
  // The reply, whatever it is: only one that comes too late, or says that there
  // is no code yet, throws CheckFailed.
  Reply TryStudent(const std::string& operation, const Question& question);
  // Instructions of the last AskCounted.
  std::uint64_t Instructions() const;
  // Throws GraderError unless the reference answers.
  Values AskReference(const std::string& operation, const Question& question);
  Answers AskBoth(const std::string& operation, const Question& question);
  // The same for requests whose answer is one object.
  Pair Make(const std::string& operation, const Question& question);

  // Throws CheckFailed unless the student throws ContractError.
  //   what: what should be refused, "5 features cut into 2 heads"
  void ExpectRefusal(const std::string& operation, const Question& question,
                     const std::string& what);

  // One value of an answer. Throws CheckFailed if it is missing or of another
  // type.
  template <typename T>
  const T& Get(const Values& answer, std::size_t index) const {
    if (index >= answer.size() || !std::holds_alternative<T>(answer[index])) {
      Fail("the answer is not of the kind that was asked for");
    }
    return std::get<T>(answer[index]);
  }
  // The same for integers, of which at least `count` are needed.
  const Integers& GetIntegers(const Values& answer, std::size_t index,
                              std::size_t count) const;

 private:
  Values AskStudentSide(Endpoint& endpoint, const Request& request);
  // Calls within the time left for all answers. Throws CheckFailed if none is
  // left.
  Reply CallStudent(Endpoint& endpoint, const Request& request,
                    bool refusal_is_right = false);
  [[noreturn]] void FailForTime() const;

  Answerers answerers_;
  CheckpointPlaces checkpoint_;
  Settings settings_;
  Random random_;
  CallLimits limits_;
  Tiers tiers_;
  double check_seconds_ = std::numeric_limits<double>::infinity();
  double submission_seconds_ = std::numeric_limits<double>::infinity();
  double waited_seconds_ = 0;
  bool timed_out_ = false;
  bool undone_ = false;
  std::optional<bool> affordable_;
  std::string about_;
  Measurements recorded_;
};

// The student's half, or the reference's.
Values StudentHalf(const Question& question);
Values ReferenceHalf(const Question& question);

// The message to the author about a reply that is not an answer.
std::string Explain(const Reply& reply, const CallLimits& limits);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_EXAM_EXAM_H_
