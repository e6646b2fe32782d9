// A worker whose operations harm their own process in every way that students'
// code has found, and a few honest ones beside them.
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "autograder/machine/protocol/channel.h"
#include "autograder/machine/protocol/operation.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

using Numbers = std::vector<float>;

Values Echo(ObjectStore&, const Values& arguments) { return arguments; }

Values Refuse(ObjectStore&, const Values&) {
  throw ContractError("Append: no room", "it is full", "stop");
}

// Writes to that many floats, so that they are resident, and keeps them.
Values Hold(ObjectStore& objects, const Values& arguments) {
  const auto count = std::get<std::int64_t>(arguments.at(0));
  return {objects.Keep(std::make_shared<Numbers>(count, 1.0F))};
}

// The sum of that many numbers: work that grows with it, nothing else does.
Values Sum(ObjectStore&, const Values& arguments) {
  const Numbers& numbers = std::get<Array>(arguments.at(0)).values;
  double sum = 0;
  for (const float number : numbers) sum += number;
  return {sum};
}

Values Abort(ObjectStore&, const Values&) { std::abort(); }

Values Segfault(ObjectStore&, const Values&) {
  std::raise(SIGSEGV);
  return {};
}

Values ExitWithSuccess(ObjectStore&, const Values&) { std::exit(0); }

// Volatile, so that the compiler cannot see that there is no way back.
volatile bool is_deep_enough = false;

Values OverflowStack(ObjectStore& objects, const Values& arguments) {
  if (is_deep_enough) return arguments;
  Values result = OverflowStack(objects, arguments);
  result.emplace_back(1.0);
  return result;
}

Values Hang(ObjectStore&, const Values&) {
  std::signal(SIGTERM, SIG_IGN);
  while (true) ::pause();
}

// Works for that long by its thread's own clock.
void Work(double seconds) {
  timespec now{};
  do {
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  } while (static_cast<double>(now.tv_sec) +
               1e-9 * static_cast<double>(now.tv_nsec) <
           seconds);
}

Values WorkAWhile(ObjectStore&, const Values&) {
  Work(0.25);
  return {std::string("worked")};
}

// What it would wait behind others then, it would have chosen.
Values LetOthersGoFirst(ObjectStore&, const Values&) {
  const sched_param no_priority{};
  return {
      Integers{::nice(5), ::sched_setscheduler(0, SCHED_IDLE, &no_priority)}};
}

// Threads that take all processors from the one that should answer.
Values CrowdOut(ObjectStore&, const Values&) {
  const unsigned threads = 4 * std::thread::hardware_concurrency();
  for (unsigned i = 0; i < threads; ++i) std::thread(Work, 1e9).detach();
  Work(1e9);
  return {};
}

// A child that would go on when its parent is gone.
Values HangWithChildren(ObjectStore& objects, const Values& arguments) {
  if (::fork() == 0) {
    ::setsid();
    while (true) ::pause();
  }
  return Hang(objects, arguments);
}

void Send(const void* bytes, std::size_t size) {
  const auto* next = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t count = ::write(kReplyDescriptor, next, size);
    if (count <= 0) return;
    next += count;
    size -= static_cast<std::size_t>(count);
  }
}

// Zeros without end where the reply belongs.
Values Flood(ObjectStore&, const Values&) {
  const std::vector<char> zeros(1U << 16U);
  while (true) Send(zeros.data(), zeros.size());
}

// What an honest header looks like, with a length of one's own.
void SendHeader(std::uint64_t payload_bytes) {
  const std::array<std::uint8_t, 8> start = {'k', 'v', 'l', 'm', 1, 0, 2, 0};
  Send(start.data(), start.size());
  Send(&payload_bytes, sizeof(payload_bytes));
}

Values ClaimHugeReply(ObjectStore&, const Values&) {
  SendHeader(std::uint64_t{1} << 60U);
  return {};
}

Values SendGarbage(ObjectStore&, const Values&) {
  SendHeader(64);
  const std::array<std::uint8_t, 64> garbage = {9, 9, 9, 9, 9, 9, 9, 9, 9};
  Send(garbage.data(), garbage.size());
  return {};
}

// The first half of a reply, then silence.
Values SendHalf(ObjectStore& objects, const Values& arguments) {
  SendHeader(64);
  return Hang(objects, arguments);
}

// Bytes that come only after the right reply.
Values SendMoreLater(ObjectStore&, const Values&) {
  std::thread([] {
    ::usleep(20000);
    Send("more", 4);
  }).detach();
  return {std::string("right")};
}

// Dies only after the right reply.
Values DieLater(ObjectStore&, const Values&) {
  std::thread([] {
    ::usleep(20000);
    ::_exit(0);
  }).detach();
  return {std::string("right")};
}

Values Print(ObjectStore&, const Values&) {
  const std::string line(1000, 'x');
  for (int i = 0; i < 10000; ++i) std::puts(line.c_str());
  return {std::string("printed")};
}

// The descriptors that are open, and the first line of the model's config.json.
Values LookAround(ObjectStore&, const Values&) {
  Integers open;
  for (int number = 0; number < 1024; ++number) {
    if (::dup2(number, number) == number) open.push_back(number);
  }
  const std::string file_name = std::string(kModelFolder) + "/config.json";
  std::string line(100, '\0');
  if (std::FILE* file = std::fopen(file_name.c_str(), "r")) {
    if (std::fgets(line.data(), static_cast<int>(line.size()), file) ==
        nullptr) {
      line.clear();
    }
    std::fclose(file);
  }
  line.resize(std::strlen(line.c_str()));
  return {open, line};
}

const std::vector<RegisterOperation> kOperations = {
    {"echo", Echo},
    {"refuse", Refuse},
    {"hold", Hold},
    {"sum", Sum},
    {"abort", Abort},
    {"segfault", Segfault},
    {"exit", ExitWithSuccess},
    {"overflow stack", OverflowStack},
    {"hang", Hang},
    {"work a while", WorkAWhile},
    {"let others go first", LetOthersGoFirst},
    {"crowd out", CrowdOut},
    {"hang with children", HangWithChildren},
    {"flood", Flood},
    {"claim huge reply", ClaimHugeReply},
    {"send garbage", SendGarbage},
    {"send half", SendHalf},
    {"send more later", SendMoreLater},
    {"die later", DieLater},
    {"print", Print},
    {"look around", LookAround},
};

}  // namespace
}  // namespace kvlab::grading
