#include "autograder/exam/check.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>

namespace kvlab::grading {
namespace {

// Constructed by the first registration, so the order of sources does not
// matter.
Checks& Registered() {
  static Checks checks;
  return checks;
}

}  // namespace

Check AllOrNothing(std::string name, std::vector<std::string> settings,
                   std::function<void(Exam&)> run) {
  return {.name = std::move(name),
          .settings = std::move(settings),
          .run =
              [run = std::move(run)](Exam& exam) {
                run(exam);
                return Verdict{.share = 1, .came_back = "", .measured = ""};
              },
          .tiers_of = ""};
}

Verdict RunCheck(const Check& check, Exam& exam) {
  Verdict verdict;
  try {
    verdict = check.run(exam);
  } catch (const CheckFailed& failed) {
    verdict.came_back = failed.came_back;
  } catch (const CheckBlocked& blocked) {
    verdict.came_back = blocked.why;
    verdict.blocked = true;
  }
  verdict.measurements = exam.Recorded();
  verdict.affordable = exam.Affordable();
  return verdict;
}

const Checks& AllChecks() { return Registered(); }

RegisterChecks::RegisterChecks(const Checks& checks) {
  for (const Check& check : checks) {
    if (FindCheck(check.name) != nullptr) {
      std::fprintf(stderr, "check %s is registered twice\n",
                   check.name.c_str());
      std::abort();
    }
    Registered().push_back(check);
  }
}

const Check* FindCheck(const std::string& name) {
  for (const Check& check : AllChecks()) {
    if (check.name == name) return &check;
  }
  return nullptr;
}

}  // namespace kvlab::grading
