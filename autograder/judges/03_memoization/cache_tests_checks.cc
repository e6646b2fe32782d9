// Module 3, task 3.11: the tests that a student writes, put to the correct
// cache and to broken ones.
//
// A check draws one broken cache of its kind and runs the tests on it and on
// the correct one, three times each in random order, every time in a new
// process of the student's. The caches are in a process of the grader's
// (specimens.bzl) and the calls pass through here, so nothing in the student's
// process depends on which cache is tested, except what the calls return: no
// file, size, address, symbol or count tells them apart. A test that fails at
// random has to guess six times.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "autograder/exam/check.h"
#include "autograder/exam/exam.h"
#include "autograder/judges/03_memoization/broken_cache_kinds.h"
#include "autograder/judges/03_memoization/cache_calls.h"
#include "autograder/machine/checker/endpoint.h"
#include "autograder/machine/protocol/value.h"
#include "fmt/format.h"
#include "kit/model/random.h"

namespace kvlab::grading {
namespace {

constexpr const char* kRight = "right";
constexpr int kRunsOfEach = 3;
// What the calls of one run may keep a cache busy for.
constexpr double kMostSeconds = 10;

// One run of the tests, on one cache.
class TestsRun {
 public:
  TestsRun(Exam& exam, std::string specimen)
      : exam_(exam),
        specimens_(*exam.AllAnswerers().specimens),
        specimen_(std::move(specimen)) {
    exam.AllAnswerers().student->Restart();
    specimens_.Restart();
    ExpectThatItAnswers();
  }

  // Whether a test rejects the cache. Throws CheckFailed if the tests come to
  // no verdict.
  bool Rejects() {
    run_ = exam_.Get<Handle>(exam_.AskStudent("cache_tests.begin", {}), 0);
    Values answer = {static_cast<std::int64_t>(CacheCallEnd::kNone)};
    for (std::size_t step = 0; step < exam_.SettingSize("most_calls"); ++step) {
      Question question = {Value(run_)};
      for (Value& value : answer) question.emplace_back(std::move(value));
      const Reply reply = exam_.TryStudent("cache_tests.step", question);
      if (reply.status == Status::kWorkerCrashed) {
        test_ = "a test that ends the program: " + reply.message;
        return true;
      }
      if (reply.status != Status::kOk) exam_.Fail(Explain(reply, {}));
      const Integers& what = exam_.GetIntegers(reply.values, 0, 2);
      number_ = what[1];
      if (Is(what, CacheTestStep::kAccepted)) return false;
      if (Is(what, CacheTestStep::kRejected)) {
        test_ = fmt::format("test {} of your list", number_);
        return true;
      }
      answer = Relay(reply.values);
    }
    exam_.Fail(fmt::format("your tests call a cache more than {} times",
                           exam_.SettingSize("most_calls")));
  }

  // Which test rejected the cache.
  const std::string& Test() const { return test_; }
  // How many tests accepted it.
  std::int64_t Number() const { return number_; }

  // What the test said that rejected the cache.
  std::string Words() {
    const Reply reply = exam_.TryStudent("cache_tests.words", {Value(run_)});
    return reply.status == Status::kException ? reply.message : "";
  }

 private:
  static bool Is(const Integers& what, CacheTestStep step) {
    return what[0] == static_cast<std::int64_t>(step);
  }

  // Otherwise a fault of the grader's would look like a broken cache.
  void ExpectThatItAnswers() {
    const Request smallest = {
        "specimen.call",
        {specimen_, static_cast<std::int64_t>(CacheCall::kMake),
         Integers{1, 1, 1, 1, 1}}};
    const Reply reply = specimens_.Call(smallest, exam_.Limits());
    if (reply.status != Status::kOk) {
      throw GraderError(
          "there is no cache " + specimen_ +
          " for tests to judge: " + Explain(reply, exam_.Limits()));
    }
  }

  // Puts a call of the tests to the cache: how it ended, and what it returned.
  Values Relay(const Values& step) {
    const Integers& what = exam_.GetIntegers(step, 0, 2);
    if (!Is(what, CacheTestStep::kCalls) || what[1] < 0 ||
        what[1] >= static_cast<std::int64_t>(CacheCall::kEnd)) {
      exam_.Fail("the tests' program does not answer as it was written");
    }
    Request request = {"specimen.call", {specimen_, what[1]}};
    request.arguments.insert(request.arguments.end(), step.begin() + 1,
                             step.end());
    CallLimits limits = exam_.Limits();
    limits.seconds = std::min(limits.seconds, seconds_left_);
    Reply reply = specimens_.Call(request, limits);
    seconds_left_ -= reply.seconds;
    if (seconds_left_ <= 0) {
      exam_.Fail("your tests give a cache more to do than there is time for");
    }
    Values answer = {static_cast<std::int64_t>(
        reply.status == Status::kOk              ? CacheCallEnd::kReturned
        : reply.status == Status::kContractError ? CacheCallEnd::kRefused
                                                 : CacheCallEnd::kFailed)};
    for (Value& value : reply.values) answer.push_back(std::move(value));
    return answer;
  }

  Exam& exam_;
  Endpoint& specimens_;
  std::string specimen_;
  Handle run_;
  std::string test_;
  std::int64_t number_ = 0;
  double seconds_left_ = kMostSeconds;
};

// The tests accept the correct cache and reject one that is broken.
void ExpectRejected(Exam& exam, std::span<const BrokenCache> kind) {
  if (exam.AllAnswerers().specimens == nullptr) {
    throw GraderError("there are no caches here for tests to judge");
  }
  const BrokenCache& broken = kind[exam.Randomness().NextBelow(kind.size())];
  std::array<bool, 2 * kRunsOfEach> is_right{};
  for (std::size_t i = 0; i < is_right.size(); ++i) is_right[i] = i % 2 == 0;
  for (std::size_t i = is_right.size() - 1; i > 0; --i) {
    std::swap(is_right[i], is_right[exam.Randomness().NextBelow(i + 1)]);
  }
  int accepted = 0;
  std::int64_t tests = 0;
  for (const bool right : is_right) {
    TestsRun run(exam, right ? kRight : broken.bug);
    const bool rejects = run.Rejects();
    if (right && rejects) {
      std::string words = run.Words();
      if (!words.empty()) words = ", " + words;
      exam.Fail(fmt::format("a correct cache was rejected, by {}{}", run.Test(),
                            words));
    }
    if (right || rejects) continue;
    ++accepted;
    tests = run.Number();
  }
  if (accepted == 0) return;
  if (accepted < kRunsOfEach) {
    exam.Fail(
        fmt::format("a broken cache was accepted in {} of {} runs; a test has "
                    "to give the same verdict each time",
                    accepted, kRunsOfEach));
  }
  exam.Fail(
      fmt::format("all of your {} tests passed on a cache that is broken: {}",
                  tests, broken.mistake));
}

Checks OneOfEachKind() {
  Checks checks;
  for (const BrokenCacheKind& kind : kBrokenCacheKinds) {
    checks.push_back(AllOrNothing(
        fmt::format("cache_tests.{}", kind.name), {"most_calls", "per_author"},
        [&kind](Exam& exam) { ExpectRejected(exam, kind.caches); }));
  }
  return checks;
}

const RegisterChecks kChecks(OneOfEachKind());

}  // namespace
}  // namespace kvlab::grading
