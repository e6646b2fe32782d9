#include "autograder/class/regrading.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "autograder/class/class_marks.h"
#include "autograder/class/grading_run.h"
#include "autograder/class/mark_changes.h"
#include "autograder/class/mark_record.h"
#include "autograder/machine/digest/digest.h"
#include "autograder/machine/text/printable.h"
#include "autograder/scoring/marks.h"
#include "autograder/scoring/rubric.h"
#include "autograder/scoring/scoring.h"
#include "autograder/scoring/visibility.h"
#include "fmt/format.h"
#include "fmt/ranges.h"
#include "kit/error.h"

namespace kvlab::grading {
namespace {

// "--check mask --part 3"; "the rubric" without names.
std::string ReasonText(const JudgedAgain& again) {
  std::vector<std::string> words;
  for (const std::string& name : again.checks) {
    words.push_back("--check " + name);
  }
  for (const std::string& name : again.parts) words.push_back("--part " + name);
  return words.empty() ? "the rubric"
                       : fmt::format("{}", fmt::join(words, " "));
}

bool HasChecksToRun(const Rubric& rubric, const Marks& kept) {
  return std::ranges::any_of(rubric.parts, [&](const RubricPart& part) {
    return HasChecksToRun(part, &kept);
  });
}

void ExpectSameOtherwise(const RestoredReport& before, const Rubric& rubric,
                         const JudgedAgain& again) {
  const std::vector<std::string> changes = OtherChanges(before, rubric, again);
  if (changes.empty()) return;
  throw DataError(
      fmt::format("the rubric also changes '{}'{}", changes.front(),
                  changes.size() > 1
                      ? fmt::format(" and {} more", changes.size() - 1)
                      : ""),
      "with --check or --part only what they name is judged again, and one "
      "mark cannot be of two rubrics",
      "leave them out to take in the whole rubric, or give the one that the "
      "class was graded by with --rubric");
}

void ExpectOverridesFit(const std::string& student,
                        const std::vector<Override>& overrides,
                        const Rubric& rubric) {
  for (const Override& change : overrides) {
    if (change.student != student) continue;
    const RubricCheck* check = NamedCheck(rubric, change.check);
    if (check != nullptr && change.points <= check->points) continue;
    throw DataError(
        fmt::format("{}: an override sets the points of the check '{}' to {}",
                    PrintableLine(student), PrintableLine(change.check),
                    NumberText(change.points)),
        check == nullptr
            ? "the rubric has no such check, and an override survives regrading"
            : fmt::format("by the rubric it has {}, and an override survives "
                          "regrading",
                          NumberText(check->points)),
        "keep the check in the rubric, or override it again first");
  }
}

bool MarkDiffers(const PersonMarks& before, const PersonMarks& after) {
  const Report& old = before.Graded();
  const Report& fresh = after.Graded();
  return old.Points() != fresh.Points() ||
         old.marks.JudgedPoints() != fresh.marks.JudgedPoints();
}

std::vector<Attempt> Graded(const Gradebook& book, const Roster& roster) {
  const std::set<std::int64_t> graded = book.Graded();
  std::vector<Attempt> attempts = CountingAttempts(book, roster);
  std::erase_if(attempts, [&](const Attempt& attempt) {
    return !graded.contains(attempt.id);
  });
  return attempts;
}

}  // namespace

Regrading::Regrading(const CourseFolder& course, Gradebook& book,
                     const ClassGrader& grader, const JudgedAgain& again)
    : course_(course),
      book_(book),
      grader_(grader),
      again_(again),
      reason_(ReasonText(again)) {
  ExpectKnown(again_, grader_.rubric);
  const std::string rubric = RubricRecord(grader_.rubric);
  request_ = Sha256(reason_ + '\n' + grader_.program + '\n' + rubric);
  const std::vector<Override> overrides = book_.Overrides();
  for (const Attempt& attempt : Graded(book_, course_.People())) {
    const GradingRecord record = *book_.RecordOf(attempt.id);
    if (record.rubric == rubric && again_.IsEmpty()) continue;
    const RestoredReport before = Restore(record.rubric, record.marks);
    if (!again_.IsEmpty()) ExpectSameOtherwise(before, grader_.rubric, again_);
    ExpectOverridesFit(attempt.student, overrides, grader_.rubric);
    const Marks kept = MarksThatStay(before, grader_.rubric, again_);
    const bool runs = HasChecksToRun(grader_.rubric, kept);
    if (!runs && record.rubric == rubric) continue;
    touched_.insert(attempt.id);
    if (runs) to_run_.insert(attempt.id);
  }
}

GradingSummary Regrading::Run(const OnStep& on_progress) {
  const auto pending = [this] {
    const std::set<std::int64_t> decided = book_.Decided(request_);
    std::vector<Attempt> attempts = CountingAttempts(book_, course_.People());
    std::erase_if(attempts, [&](const Attempt& attempt) {
      return !touched_.contains(attempt.id) || decided.contains(attempt.id);
    });
    return attempts;
  };
  const auto earlier =
      [this](const Attempt& attempt) -> std::optional<EarlierGrading> {
    const std::optional<GradingRecord> proposal =
        book_.ProposalOf(attempt.id, request_);
    const GradingRecord record =
        proposal ? *proposal : *book_.RecordOf(attempt.id);
    EarlierGrading grading = {.restored = Restore(record.rubric, record.marks),
                              .kept = {}};
    grading.kept =
        MarksThatStay(grading.restored, grader_.rubric,
                      proposal ? JudgedAgain{.blocked = true} : again_);
    return grading;
  };
  const auto keep = [this](GradingRecord record) {
    record.reason = "regrade: " + reason_;
    book_.Propose(record, request_);
  };
  return RunGrader(book_, grader_, course_.Workspace(),
                   {.pending = pending, .earlier = earlier, .keep = keep},
                   on_progress);
}

// Whether a check could not be judged that had been judged before.
bool Regrading::IsUndecided(const GradingRecord& proposal) const {
  if (proposal.blocked_points == 0) return false;
  const GradingRecord record = *book_.RecordOf(proposal.attempt);
  const RestoredReport before = Restore(record.rubric, record.marks);
  const RestoredReport after = Restore(proposal.rubric, proposal.marks);
  const std::map<std::string, CheckStanding> old = StandingsOf(before.report);
  return std::ranges::any_of(StandingsOf(after.report), [&](const auto& named) {
    const auto was = old.find(named.first);
    return named.second.blocked && (was == old.end() || !was->second.blocked);
  });
}

MarkChanges Regrading::Changes() const {
  const ProposedRecords proposals = book_.Proposals(request_);
  MarkChanges changes;
  std::vector<PersonMarks> before =
      MarksOfClass(course_, book_, Visibility::kHidden);
  std::vector<PersonMarks> after =
      MarksOfClass(course_, book_, Visibility::kHidden, proposals);
  for (std::size_t i = 0; i < before.size(); ++i) {
    const auto& attempt = before[i].attempt;
    const auto proposal =
        attempt ? proposals.find(attempt->id) : proposals.end();
    if (proposal == proposals.end()) continue;
    if (IsUndecided(proposal->second)) {
      changes.undecided.push_back(before[i].person->id);
      continue;
    }
    if (MarkDiffers(before[i], after[i])) ++changes.marks;
    changes.before.push_back(std::move(before[i]));
    changes.after.push_back(std::move(after[i]));
  }
  return changes;
}

void Regrading::Publish() {
  book_.Atomically([this] {
    for (const auto& [attempt, proposal] : book_.Proposals(request_)) {
      if (!IsUndecided(proposal)) book_.Publish(proposal);
    }
  });
}

std::string ChangesText(const MarkChanges& changes) {
  std::string text;
  for (std::size_t i = 0; i < changes.before.size(); ++i) {
    const PersonMarks& before = changes.before[i];
    const PersonMarks& after = changes.after[i];
    const Report& old = before.Graded();
    const Report& fresh = after.Graded();
    const std::vector<std::string> checks = CheckChanges(old, fresh);
    if (checks.empty() && !MarkDiffers(before, after)) continue;
    const std::string id = PrintableLine(before.person->id);
    const std::string now = fmt::format("{} of {}", NumberText(fresh.Points()),
                                        NumberText(fresh.marks.JudgedPoints()));
    if (MarkDiffers(before, after)) {
      text += fmt::format("{}: {} of {} -> {}\n", id, NumberText(old.Points()),
                          NumberText(old.marks.JudgedPoints()), now);
    } else {
      text += fmt::format("{}: stays at {}\n", id, now);
    }
    for (const std::string& check : checks) {
      text += "  " + PrintableLine(check) + '\n';
    }
  }
  for (const std::string& id : changes.undecided) {
    text += PrintableLine(id) +
            ": checks could not be judged on this busy machine; run this "
            "again\n";
  }
  return text;
}

}  // namespace kvlab::grading
