// Task 3.11: a student's tests as operations. They run in a thread of their
// own, which waits where they call a cache until the checker has its answer.
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "autograder/exam/arguments.h"
#include "autograder/judges/03_memoization/cache_calls.h"
#include "autograder/machine/protocol/operation.h"
#include "autograder/machine/protocol/value.h"
#include "kit/error.h"
#include "kit/tensor/tensor.h"
#include "modules/03_memoization/cache_shape.h"
#include "modules/03_memoization/cache_tests.h"

namespace kvlab::grading {
namespace {

std::int64_t Int(std::size_t number) {
  return static_cast<std::int64_t>(number);
}

// The run is over before its tests are: their thread has to end.
struct Abandoned {};

// Where the tests' thread and the one that answers requests meet.
class Meeting {
 public:
  // For the tests: asks, and waits for the answer. Throws Abandoned.
  Values Call(CacheCall call, Values arguments) {
    Values step = {Integers{static_cast<std::int64_t>(CacheTestStep::kCalls),
                            static_cast<std::int64_t>(call)}};
    for (Value& argument : arguments) step.push_back(std::move(argument));
    std::unique_lock lock(mutex_);
    if (abandoned_) throw Abandoned();
    step_ = std::move(step);
    changed_.notify_all();
    changed_.wait(lock, [&] { return answer_.has_value() || abandoned_; });
    if (abandoned_) throw Abandoned();
    const Values answer = std::move(*answer_);
    answer_.reset();
    return Returned(answer);
  }

  // For the tests: their last step.
  void End(CacheTestStep verdict, std::size_t number) {
    const std::lock_guard lock(mutex_);
    step_ = Values{Integers{static_cast<std::int64_t>(verdict), Int(number)}};
    changed_.notify_all();
  }

  void Answer(Values answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
    changed_.notify_all();
  }

  Values NextStep() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return step_.has_value(); });
    Values step = std::move(*step_);
    step_.reset();
    return step;
  }

  void Abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = true;
    changed_.notify_all();
  }

 private:
  // The values of an answer, or what the cache threw.
  static Values Returned(const Values& answer) {
    Arguments arguments(answer);
    switch (static_cast<CacheCallEnd>(arguments.Next<std::int64_t>())) {
      case CacheCallEnd::kReturned:
        return {answer.begin() + 1, answer.end()};
      case CacheCallEnd::kRefused:
        throw ContractError("the cache refused this call",
                            "it threw a ContractError",
                            "kv_cache.h says what is refused");
      default:
        throw std::runtime_error("the cache did not survive this call");
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Values> step_;
  std::optional<Values> answer_;
  bool abandoned_ = false;
};

class RemoteCache final : public TestedCache {
 public:
  RemoteCache(Meeting& meeting, Handle cache)
      : meeting_(meeting), cache_(cache) {}
  RemoteCache(const RemoteCache&) = delete;
  RemoteCache& operator=(const RemoteCache&) = delete;
  ~RemoteCache() override {
    try {
      meeting_.Call(CacheCall::kDrop, {cache_});
    } catch (...) {  // NOLINT(bugprone-empty-catch)
      // It went with its process.
    }
  }

  void Append(std::size_t layer, const Tensor4& keys,
              const Tensor4& values) override {
    meeting_.Call(CacheCall::kAppend,
                  {cache_, Int(layer), ToArray(keys), ToArray(values)});
  }
  Tensor4 Keys(std::size_t layer) const override {
    return Tensor(CacheCall::kKeys, layer);
  }
  Tensor4 Values(std::size_t layer) const override {
    return Tensor(CacheCall::kValues, layer);
  }
  std::size_t LayerPastLen(std::size_t layer) const override {
    return Size(CacheCall::kLayerPastLen, {cache_, Int(layer)});
  }
  void TruncateLayer(const LayerLength& kept) override {
    meeting_.Call(CacheCall::kTruncateLayer,
                  {cache_, Int(kept.layer), Int(kept.past_len)});
  }
  std::size_t PastLen() const override {
    return Size(CacheCall::kPastLen, {cache_});
  }
  void Truncate(std::size_t past_len) override {
    meeting_.Call(CacheCall::kTruncate, {cache_, Int(past_len)});
  }
  void Reset() override { meeting_.Call(CacheCall::kReset, {cache_}); }
  std::uint64_t Bytes() const override {
    return Size(CacheCall::kBytes, {cache_});
  }

 private:
  Tensor4 Tensor(CacheCall call, std::size_t layer) const {
    const grading::Values answer = meeting_.Call(call, {cache_, Int(layer)});
    return Arguments(answer).NextTensor<4>();
  }
  std::size_t Size(CacheCall call, const grading::Values& arguments) const {
    const grading::Values answer = meeting_.Call(call, arguments);
    return Arguments(answer).NextSize();
  }

  Meeting& meeting_;
  Handle cache_;
};

Integers SizesOf(const CacheShape& shape) {
  return {Int(shape.batch), Int(shape.max_seq_len), Int(shape.num_layers),
          Int(shape.num_kv_heads), Int(shape.head_dim)};
}

class RemoteMaker final : public CacheMaker {
 public:
  explicit RemoteMaker(Meeting& meeting) : meeting_(meeting) {}

  std::unique_ptr<TestedCache> Make(const CacheShape& shape) override {
    const Values made = meeting_.Call(CacheCall::kMake, {SizesOf(shape)});
    return std::make_unique<RemoteCache>(meeting_,
                                         Arguments(made).Next<Handle>());
  }
  std::uint64_t BytesOf(const CacheShape& shape,
                        std::size_t bytes_per_element) override {
    const Values answer = meeting_.Call(
        CacheCall::kBytesOf, {SizesOf(shape), Int(bytes_per_element)});
    return Arguments(answer).NextSize();
  }

 private:
  Meeting& meeting_;
};

// All tests of a student, put to one implementation.
class TestRun {
 public:
  explicit TestRun(std::vector<CacheTest> tests) : tests_(std::move(tests)) {}
  TestRun(const TestRun&) = delete;
  TestRun& operator=(const TestRun&) = delete;
  ~TestRun() {
    meeting_.Abandon();
    if (thread_.joinable()) thread_.join();
  }

  Values Step(Values answer) {
    const auto end =
        static_cast<CacheCallEnd>(Arguments(answer).Next<std::int64_t>());
    if (end == CacheCallEnd::kNone) {
      if (thread_.joinable()) throw std::logic_error("the tests have begun");
      thread_ = std::thread([this] { RunAll(); });
    } else {
      meeting_.Answer(std::move(answer));
    }
    return meeting_.NextStep();
  }

  // What the test said that rejected the cache.
  const std::string& Words() const { return words_; }

 private:
  void RunAll() {
    RemoteMaker maker(meeting_);
    for (std::size_t i = 0; i < tests_.size(); ++i) {
      try {
        tests_[i].run(maker);
        continue;
      } catch (const Abandoned&) {
        return;
      } catch (const std::exception& error) {
        words_ = tests_[i].promise + ": " + error.what();
      } catch (...) {
        words_ = tests_[i].promise + ": it threw what is not a std::exception";
      }
      meeting_.End(CacheTestStep::kRejected, i + 1);
      return;
    }
    meeting_.End(CacheTestStep::kAccepted, tests_.size());
  }

  std::vector<CacheTest> tests_;
  Meeting meeting_;
  std::string words_;
  std::thread thread_;
};

// cache_tests.begin() -> run
Values Begin(ObjectStore& objects, const Values& /*values*/) {
  return {objects.Keep(std::make_shared<TestRun>(CacheTests()))};
}

// cache_tests.step(run, CacheCallEnd, what the call returned ...)
//   -> [CacheTestStep, number], arguments of a call ...
Values Step(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  TestRun& run = objects.Get<TestRun>(arguments.Next<Handle>());
  return run.Step({values.begin() + 1, values.end()});
}

// cache_tests.words(run): throws what the test said that rejected the cache
Values Words(ObjectStore& objects, const Values& values) {
  Arguments arguments(values);
  throw std::runtime_error(
      objects.Get<TestRun>(arguments.Next<Handle>()).Words());
}

const RegisterOperation kBegin("cache_tests.begin", Begin);
const RegisterOperation kStep("cache_tests.step", Step);
const RegisterOperation kWords("cache_tests.words", Words);

}  // namespace
}  // namespace kvlab::grading
