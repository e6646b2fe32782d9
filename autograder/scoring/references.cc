#include "autograder/scoring/references.h"

#include <algorithm>
#include <cstddef>
#include <set>
#include <string>
#include <vector>

#include "fmt/format.h"
#include "fmt/ranges.h"

namespace kvlab::grading {
namespace {

// A part's checks as a graph of what needs what.
class References {
 public:
  References(const RubricPart& part, const std::vector<TomlTable>& tables)
      : tables_(tables) {
    for (const RubricTask& task : part.tasks) {
      for (const RubricCheck& check : task.checks) {
        checks_.push_back({&task, &check});
      }
    }
  }

  void ExpectAllAbove() const {
    for (std::size_t i = 0; i < checks_.size(); ++i) {
      ExpectAbove(i, "needs", checks_[i].check->needs);
      ExpectAbove(i, "follows", checks_[i].check->follows);
      ExpectAbove(i, "affordable", checks_[i].check->affordable);
    }
  }

 private:
  struct Node {
    const RubricTask* task;
    const RubricCheck* check;
  };

  // The checks that a name refers to: one, or all of a task.
  std::vector<std::size_t> Resolve(const std::string& name) const {
    std::vector<std::size_t> found;
    for (std::size_t i = 0; i < checks_.size(); ++i) {
      if (checks_[i].check->name == name || checks_[i].task->id == name) {
        found.push_back(i);
      }
    }
    return found;
  }

  void ExpectAbove(std::size_t from, const char* key,
                   const std::vector<std::string>& names) const {
    const std::string& own = checks_[from].check->name;
    for (const std::string& name : names) {
      const std::vector<std::size_t> targets = Resolve(name);
      if (targets.empty()) {
        tables_[from].FailAtKey(
            key,
            fmt::format("'{}' refers to '{}', which is neither a check nor a "
                        "task of this part",
                        own, name),
            "correct its spelling, or name a check or task above");
      }
      if (targets.back() < from) continue;
      const std::vector<std::string> circle = Circle(from, targets);
      if (!circle.empty()) {
        tables_[from].FailAtKey(
            key,
            fmt::format("circular reference: {}", fmt::join(circle, " -> ")),
            "remove one of these references");
      }
      tables_[from].FailAtKey(
          key,
          fmt::format("'{}' refers to '{}', which is not above it", own, name),
          "name a check or task above it, or move this one down");
    }
  }

  // The way from a check through `targets` back to itself; empty if there is
  // none.
  std::vector<std::string> Circle(
      std::size_t from, const std::vector<std::size_t>& targets) const {
    std::vector<std::string> path = {checks_[from].check->name};
    std::set<std::size_t> seen;
    for (const std::size_t target : targets) {
      if (Reaches(target, from, seen, path)) return path;
    }
    return {};
  }

  // Appends the way from `at` to `goal` to `path`, if there is one.
  bool Reaches(std::size_t at, std::size_t goal, std::set<std::size_t>& seen,
               std::vector<std::string>& path) const {
    path.push_back(checks_[at].check->name);
    if (at == goal) return true;
    if (seen.insert(at).second) {
      for (const std::string& name : checks_[at].check->needs) {
        for (const std::size_t next : Resolve(name)) {
          if (Reaches(next, goal, seen, path)) return true;
        }
      }
    }
    path.pop_back();
    return false;
  }

  const std::vector<TomlTable>& tables_;
  std::vector<Node> checks_;
};

}  // namespace

void ExpectReferencesAbove(const RubricPart& part,
                           const std::vector<TomlTable>& tables) {
  References(part, tables).ExpectAllAbove();
}

}  // namespace kvlab::grading
