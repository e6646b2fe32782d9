#include "autograder/checks/check.h"

#include <string>
#include <utility>

#include "autograder/checks/check_groups.h"

namespace kvlab::grading {

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

const Checks& AllChecks() {
  static const Checks all = [] {
    Checks checks;
    for (const Checks& group :
         {AttentionChecks(), LayerChecks(), ModelChecks(), SamplingChecks(),
          MemoChecks(), LayerCacheChecks(), KvCacheChecks(),
          CachedAttentionChecks(), EnableChecks(), GenerateCachedChecks(),
          CostChecks(), SpeedChecks(), FormulaChecks(), BenchmarkChecks(),
          ComparisonChecks(), FitChecks(), QuizChecks(), EndToEndChecks()}) {
      checks.insert(checks.end(), group.begin(), group.end());
    }
    return checks;
  }();
  return all;
}

const Check* FindCheck(const std::string& name) {
  for (const Check& check : AllChecks()) {
    if (check.name == name) return &check;
  }
  return nullptr;
}

}  // namespace kvlab::grading
