#include "autograder/class/import.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "autograder/class/find_attempts.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/platform_csv.h"
#include "autograder/class/roster.h"
#include "autograder/machine/digest/digest.h"
#include "autograder/machine/text/count.h"
#include "autograder/machine/text/printable.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

using People = std::map<std::string, PersonFound>;  // by the platform's number

// An attempt of a group is one of each member.
struct Claimed {
  const FoundAttempt* attempt = nullptr;
  std::vector<std::string> members;
};

// All keys must name the same person, as far as they name any.
PersonFound FindAuthor(const AuthorKeys& keys, const Roster& roster,
                       const People& people) {
  PersonFound found = {nullptr, "is not on the roster"};
  for (const std::string& key : keys) {
    if (key.empty()) continue;
    PersonFound one = roster.Find(key);
    const auto listed = people.find(key);
    if (one.person == nullptr && listed != people.end()) one = listed->second;
    if (one.person == nullptr) {
      if (found.person == nullptr && one.problem.starts_with("may be")) {
        found = one;
      }
      continue;
    }
    if (found.person != nullptr && found.person != one.person) {
      return {nullptr, fmt::format("may be any of {}, {}", found.person->id,
                                   one.person->id)};
    }
    found = one;
  }
  return found;
}

std::string Named(const FoundAttempt& attempt, const AuthorKeys& keys) {
  std::vector<std::string> given;
  std::ranges::copy_if(keys, std::back_inserter(given),
                       [](const std::string& key) { return !key.empty(); });
  return PrintableLine(
      fmt::format("{} ({})", fmt::join(given, " "), attempt.origin));
}

// Whether their order is known: all times, or numbers of one export.
bool InOrder(const std::vector<Claimed>& claimed) {
  std::set<unsigned> numbers;
  bool all_timed = true;
  for (const Claimed& each : claimed) {
    all_timed = all_timed && each.attempt->submitted_at.has_value();
    numbers.insert(each.attempt->number);
  }
  return all_timed || numbers.size() == claimed.size();
}

class Importing {
 public:
  Importing(Gradebook& book, const Roster& roster, const ImportOptions& options)
      : book_(book), roster_(roster), options_(options) {
    if (options.people == nullptr) return;
    for (PlatformRow& row : options.people->Rows(roster)) {
      people_[row.number] = std::move(row.found);
    }
  }

  void Take(const FoundAttempts& found) {
    for (const std::string& what : found.ignored) {
      summary_.ignored.push_back(PrintableLine(what));
    }
    std::map<std::string, std::vector<Claimed>> by_person;
    for (const FoundAttempt& attempt : found.attempts) {
      const std::vector<std::string> members = MembersOf(attempt);
      for (const std::string& id : members) {
        by_person[id].push_back({&attempt, members});
      }
    }
    for (auto& [id, claimed] : by_person) StoreAll(id, claimed);
  }

  ImportSummary Finish() && { return std::move(summary_); }

 private:
  std::vector<std::string> MembersOf(const FoundAttempt& attempt) {
    std::vector<std::string> members;
    for (const AuthorKeys& keys : attempt.authors) {
      const PersonFound found = FindAuthor(keys, roster_, people_);
      if (found.person != nullptr) {
        members.push_back(found.person->id);
      } else if (found.problem.starts_with("may be")) {
        summary_.refused.push_back(Named(attempt, keys) + ": " + found.problem);
      } else {
        summary_.strangers.push_back(Named(attempt, keys));
      }
    }
    return members;
  }

  // Of one person and one export.
  void StoreAll(const std::string& id, std::vector<Claimed>& claimed) {
    std::map<const FoundAttempt*, std::string> contents;
    std::set<std::string> digests;
    std::erase_if(claimed, [&](const Claimed& each) {
      try {
        const auto kept =
            contents.emplace(each.attempt, each.attempt->read()).first;
        digests.insert(Sha256(kept->second));
        return false;
      } catch (const DataError& error) {
        summary_.refused.push_back(
            PrintableLine(fmt::format("{}: {}", id, error.what())));
        return true;
      }
    });
    if (digests.size() > 1 && !InOrder(claimed)) {
      summary_.refused.push_back(PrintableLine(fmt::format(
          "{}: {} that differ, and nothing says which is the later one: {}", id,
          Count(claimed.size(), "archive"),
          fmt::join(Origins(claimed), "; "))));
      return;
    }
    std::ranges::stable_sort(
        claimed, {}, [](const Claimed& each) { return each.attempt->number; });
    for (const Claimed& each : claimed) {
      Store(id, each, contents.at(each.attempt));
    }
  }

  static std::vector<std::string> Origins(const std::vector<Claimed>& claimed) {
    std::vector<std::string> origins;
    origins.reserve(claimed.size());
    for (const Claimed& each : claimed) {
      origins.push_back(each.attempt->origin);
    }
    return origins;
  }

  void Store(const std::string& id, const Claimed& claimed,
             const std::string& content) {
    const FoundAttempt& attempt = *claimed.attempt;
    NewAttempt stored = {.student = id,
                         .members = claimed.members,
                         .content = content,
                         .submitted_at = attempt.submitted_at,
                         .marked_late = attempt.marked_late,
                         .origin = attempt.origin};
    if (!stored.submitted_at) stored.submitted_at = options_.submitted_at;
    switch (book_.Store(stored)) {
      case Stored::kNew:
        ++summary_.added;
        break;
      case Stored::kKnown:
        ++summary_.known;
        break;
      case Stored::kTimeAdded:
        ++summary_.times_added;
        break;
    }
    if (stored.marked_late && !stored.submitted_at) {
      summary_.late_marks.push_back(PrintableLine(id));
    }
  }

  Gradebook& book_;
  const Roster& roster_;
  const ImportOptions& options_;
  People people_;
  ImportSummary summary_;
};

std::string List(const std::string& title,
                 const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string text = fmt::format("{}: {}\n", title, lines.size());
  for (const std::string& line : lines) text += "  " + line + '\n';
  return text;
}

}  // namespace

ImportSummary Import(Gradebook& book, const Roster& roster,
                     const std::vector<std::filesystem::path>& paths,
                     const ImportOptions& options) {
  Importing importing(book, roster, options);
  book.Atomically([&] {
    for (const std::filesystem::path& path : paths) {
      importing.Take(FindAttempts(path, roster, options.origin));
    }
  });
  return std::move(importing).Finish();
}

std::string ImportText(const ImportSummary& summary, const Gradebook& book,
                       const Roster& roster) {
  std::map<std::string, std::size_t> counts;
  for (const Attempt& attempt : book.Attempts()) ++counts[attempt.student];
  std::vector<std::string> missing;
  std::vector<std::string> several;
  for (const Person& person : roster.People()) {
    const std::size_t count = counts[person.id];
    if (count == 0) missing.push_back(PrintableLine(person.id));
    if (count > 1) {
      several.push_back(PrintableLine(
          fmt::format("{}: {}", person.id, Count(count, "attempt"))));
    }
  }
  std::string text =
      fmt::format("{} new, {} known already\n", Count(summary.added, "attempt"),
                  summary.known);
  if (summary.times_added > 0) {
    text += fmt::format("{} got the time that was missing\n",
                        Count(summary.times_added, "attempt"));
  }
  text += List("not on the roster", summary.strangers);
  text += List("refused", summary.refused);
  text += List("ignored", summary.ignored);
  text += List("marked late, at an unknown time (--submitted-at gives it)",
               summary.late_marks);
  text += List("handed in several times", several);
  return text + List("handed in nothing", missing);
}

}  // namespace kvlab::grading
