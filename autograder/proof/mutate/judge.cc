// Runs the checks of the rubric on mutants, without those that need a clock or
// valgrind. For ./kvlab mutate, which writes one line for each mutant,
//
//   PROGRAM <tab> PART,PART <tab> MUTANT <tab> CPU SECONDS <tab>
//   CHECK,CHECK,...
//
// and reads one line of JSON: the first check that the mutant loses points in,
// if there is one, and why. PART is the folder of a module, or "everything" for
// the end-to-end part. The named checks go first, since they are likely to fail
// soon. MUTANT is the KVLAB_MUTANT of mutant.h; "0" is no mutant. A check that
// cannot run here, because it needs a part of the grader, is "skipped", with
// its message.
#include <algorithm>
#include <cstdint>
#include <exception>
#include <iostream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "autograder/exam/check.h"
#include "autograder/exam/exam.h"
#include "autograder/machine/checker/local_endpoint.h"
#include "autograder/proof/mutate/bare_worker.h"
#include "autograder/scoring/rubric.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/model/random.h"
#include "nlohmann/json.hpp"

namespace kvlab::grading {
namespace {

constexpr const char* kRubric = "autograder/rubric.toml";
constexpr const char* kCheckpoint = "models/shakespeare-gpt2";

struct Mutant {
  std::string program;
  std::vector<std::string> parts;
  std::string chosen;
  std::string cpu_seconds;
  std::vector<std::string> first;
};

std::vector<std::string> Cut(const std::string& text, char at) {
  std::vector<std::string> pieces;
  std::istringstream stream(text);
  for (std::string piece; std::getline(stream, piece, at);) {
    pieces.push_back(piece);
  }
  return pieces;
}

// Throws GraderError for a malformed line.
Mutant ReadMutant(const std::string& line) {
  constexpr std::size_t kFields = 4;
  const std::vector<std::string> fields = Cut(line, '\t');
  if (fields.size() < kFields) throw GraderError("not a mutant: " + line);
  Mutant mutant = {.program = fields[0],
                   .parts = Cut(fields[1], ','),
                   .chosen = fields[2],
                   .cpu_seconds = fields[3],
                   .first = {}};
  if (fields.size() > kFields) mutant.first = Cut(fields[kFields], ',');
  return mutant;
}

// The checks that judge a mutant of a module, likely ones first.
std::vector<const RubricCheck*> ChecksFor(const Rubric& rubric,
                                          const Mutant& mutant) {
  std::vector<const RubricCheck*> checks;
  for (const RubricPart& part : rubric.parts) {
    if (part.judged == Judged::kQuiz ||
        std::ranges::find(mutant.parts, part.Worker()) == mutant.parts.end()) {
      continue;
    }
    for (const RubricTask& task : part.tasks) {
      for (const RubricCheck& check : task.checks) {
        // Thresholds are for what a clock measures.
        if (check.tiers.empty()) checks.push_back(&check);
      }
    }
  }
  const auto goes_first = [&](const RubricCheck* check) {
    return std::ranges::find(mutant.first, check->name) != mutant.first.end();
  };
  if (checks.empty()) {
    throw GraderError(
        fmt::format("no part judges {}", fmt::join(mutant.parts, ", ")));
  }
  // Not std::ranges, whose result clang 14 cannot compile.
  std::stable_partition(checks.begin(), checks.end(), goes_first);
  return checks;
}

nlohmann::json Judge(const Rubric& rubric, const Mutant& mutant,
                     std::uint64_t seed) {
  BareWorker worker(mutant.program,
                    {"KVLAB_MUTANT=" + mutant.chosen,
                     "KVLAB_MUTANT_CPU_SECONDS=" + mutant.cpu_seconds,
                     "KVLAB_MUTANT_BYTES=4294967296"});
  LocalEndpoint reference;
  LocalEndpoint specimens;
  const Answerers answerers = {
      .student = &worker, .reference = &reference, .specimens = &specimens};
  double longest = 0;
  nlohmann::json skipped = nlohmann::json::object();
  for (const RubricCheck* check : ChecksFor(rubric, mutant)) {
    worker.Restart();
    reference.Restart();
    specimens.Restart();
    Exam exam(answerers, {.in_worker = kCheckpoint, .here = kCheckpoint},
              check->settings, SeedFrom(seed, check->name), rubric.limits.call,
              check->tiers);
    Verdict verdict;
    try {
      verdict = RunCheck(*FindCheck(check->run), exam);
    } catch (const GraderError& error) {
      skipped[check->name] = error.what();
      continue;
    }
    if (verdict.blocked) {
      skipped[check->name] = verdict.came_back;
      continue;
    }
    worker.Restart();
    longest = std::max(longest, worker.SpentSeconds());
    if (verdict.share < 1) {
      return {{"check", check->name},
              {"why", verdict.came_back},
              {"skipped", skipped}};
    }
  }
  return {{"check", nullptr},
          {"longest_cpu_seconds", longest},
          {"skipped", skipped}};
}

int Run(std::uint64_t seed) {
  const Rubric rubric = LoadRubric(kRubric, AllChecks());
  for (std::string line; std::getline(std::cin, line);) {
    // An answer is not always valid UTF-8.
    std::cout << Judge(rubric, ReadMutant(line), seed)
                     .dump(-1, ' ', true,
                           nlohmann::json::error_handler_t::replace)
              << std::endl;
  }
  return 0;
}

}  // namespace
}  // namespace kvlab::grading

int main(int argc, char** argv) {
  try {
    if (argc != 2) throw kvlab::grading::GraderError("usage: judge SEED");
    return kvlab::grading::Run(std::stoull(argv[1]));
  } catch (const std::exception& error) {
    std::cerr << "judge: " << error.what() << "\n";
    return 1;
  }
}
