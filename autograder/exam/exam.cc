#include "autograder/exam/exam.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <variant>

#include "fmt/format.h"
#include "kit/measure/stopwatch.h"

namespace kvlab::grading {
namespace {

Values Half(const Question& question, Handle Pair::*half) {
  Values arguments;
  for (const auto& argument : question) {
    if (const auto* pair = std::get_if<Pair>(&argument)) {
      arguments.emplace_back(pair->*half);
    } else {
      arguments.push_back(std::get<Value>(argument));
    }
  }
  return arguments;
}

bool Fills(const Array& array) {
  std::size_t count = 1;
  for (const std::size_t size : array.shape) {
    if (__builtin_mul_overflow(count, size, &count)) return false;
  }
  return count == array.values.size();
}

}  // namespace

Values StudentHalf(const Question& question) {
  return Half(question, &Pair::student);
}

Values ReferenceHalf(const Question& question) {
  return Half(question, &Pair::reference);
}

std::string Explain(const Reply& reply, const CallLimits& limits) {
  switch (reply.status) {
    case Status::kOk:
      return "an answer";
    case Status::kContractError:
      return "refused with a ContractError, although the request keeps the "
             "contract:\n" +
             reply.message;
    case Status::kNotImplemented:
      return reply.message;
    case Status::kException:
      return "threw an exception: " + reply.message;
    case Status::kWorkerCrashed:
      return "the program ended instead of answering: " + reply.message;
    case Status::kTimedOut:
      return fmt::format("no answer within {:.3g} seconds", limits.seconds);
    case Status::kBadReply:
      return "the answer cannot be read: " + reply.message;
  }
  return reply.message;
}

void BlockCheck(const std::string& reason) {
  throw CheckBlocked{
      "could not be judged, and is neither earned nor lost: " + reason +
      ". Grade again while the machine does nothing else"};
}

Exam::Exam(Answerers answerers, CheckpointPlaces checkpoint, Settings settings,
           std::uint64_t seed, const CallLimits& limits, Tiers tiers)
    : answerers_(std::move(answerers)),
      checkpoint_(std::move(checkpoint)),
      settings_(std::move(settings)),
      random_(seed),
      limits_(limits),
      tiers_(std::move(tiers)) {}

double Exam::Setting(std::string_view name) const {
  const auto found = settings_.find(name);
  if (found == settings_.end()) {
    throw GraderError(fmt::format("the rubric gives no '{}'", name));
  }
  return found->second;
}

const Tiers& Exam::Thresholds() const {
  if (tiers_.empty()) throw GraderError("the rubric gives no tiers");
  return tiers_;
}

void Exam::Fail(const std::string& came_back) const {
  throw CheckFailed{about_.empty() ? came_back : about_ + ": " + came_back};
}

void Exam::Note(const Reply& reply) {
  timed_out_ = timed_out_ || reply.status == Status::kTimedOut;
  undone_ = undone_ || reply.status == Status::kNotImplemented;
}

void Exam::FailForTime() const {
  if (submission_seconds_ < check_seconds_) {
    Fail(fmt::format(
        "not answered: the submission's time is used up. All its answers "
        "together, timed runs aside, may take as long as the rubric's "
        "submission_seconds; the rest counts as not answered"));
  }
  Fail(fmt::format(
      "no answer in time: the answers of this check may take {:.3g} seconds in "
      "all, and none of them more than {:.3g}",
      check_seconds_, limits_.seconds));
}

Reply Exam::CallStudent(Endpoint& endpoint, const Request& request,
                        bool refusal_is_right) {
  const double left =
      std::min(check_seconds_, submission_seconds_) - waited_seconds_;
  if (left <= 0) FailForTime();
  CallLimits limits = limits_;
  limits.seconds = std::min(limits.seconds, left);
  limits.refusal_is_right = refusal_is_right;
  const Stopwatch watch;
  Reply reply = endpoint.Call(request, limits);
  waited_seconds_ += std::max(0.0, watch.Seconds() - reply.withheld_seconds);
  if (reply.starved) {
    BlockCheck(fmt::format(
        "other programs take the processors; of {:.3g} seconds the submission "
        "was kept waiting for {:.3g}",
        watch.Seconds(), reply.withheld_seconds));
  }
  Note(reply);
  if (reply.status == Status::kTimedOut && left < limits_.seconds) {
    FailForTime();
  }
  return reply;
}

Values Exam::AskStudentSide(Endpoint& endpoint, const Request& request) {
  Reply reply = CallStudent(endpoint, request);
  if (reply.status != Status::kOk) Fail(Explain(reply, limits_));
  for (const Value& value : reply.values) {
    const auto* array = std::get_if<Array>(&value);
    if (array != nullptr && !Fills(*array)) {
      Fail("an array came back whose numbers do not fill its shape");
    }
  }
  return std::move(reply.values);
}

Values Exam::AskStudent(const std::string& operation,
                        const Question& question) {
  return AskStudentSide(*answerers_.student,
                        {operation, StudentHalf(question)});
}

Values Exam::AskCounted(const std::string& operation,
                        const Question& question) {
  if (answerers_.counted == nullptr) {
    throw GraderError("instructions cannot be counted here");
  }
  return AskStudentSide(*answerers_.counted,
                        {operation, StudentHalf(question)});
}

Reply Exam::TryStudent(const std::string& operation, const Question& question) {
  Reply reply =
      CallStudent(*answerers_.student, {operation, StudentHalf(question)});
  if (reply.status == Status::kTimedOut ||
      reply.status == Status::kNotImplemented) {
    Fail(Explain(reply, limits_));
  }
  return reply;
}

std::uint64_t Exam::Instructions() const {
  const auto counted = answerers_.instructions_of_last_call();
  if (!counted) Fail("its instructions could not be counted");
  return *counted;
}

Values Exam::AskReference(const std::string& operation,
                          const Question& question) {
  Reply reply =
      answerers_.reference->Call({operation, ReferenceHalf(question)}, limits_);
  if (reply.status != Status::kOk) {
    throw GraderError("the reference does not answer " + operation + ": " +
                      reply.message);
  }
  return std::move(reply.values);
}

Answers Exam::AskBoth(const std::string& operation, const Question& question) {
  Values reference = AskReference(operation, question);
  return {AskStudent(operation, question), std::move(reference)};
}

Pair Exam::Make(const std::string& operation, const Question& question) {
  const Answers made = AskBoth(operation, question);
  return {Get<Handle>(made.student, 0), Get<Handle>(made.reference, 0)};
}

void Exam::ExpectRefusal(const std::string& operation, const Question& question,
                         const std::string& what) {
  const Reply reply = CallStudent(*answerers_.student,
                                  {operation, StudentHalf(question)}, true);
  if (reply.status == Status::kContractError) return;
  if (reply.status == Status::kOk) {
    Fail(what + " was accepted; the header asks for a ContractError");
  }
  Fail(what + " should be refused with a ContractError; instead: " +
       Explain(reply, limits_));
}

const Integers& Exam::GetIntegers(const Values& answer, std::size_t index,
                                  std::size_t count) const {
  const Integers& integers = Get<Integers>(answer, index);
  if (integers.size() < count) {
    Fail("the answer is not of the kind that was asked for");
  }
  return integers;
}

}  // namespace kvlab::grading
