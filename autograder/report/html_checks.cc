#include "autograder/report/html_checks.h"

#include <string>
#include <vector>

#include "fmt/format.h"

namespace kvlab::grading {
namespace {

struct Standing {
  std::string name;  // a class of report.css
  std::string sign;
  std::string words;
};

// As text as well as by colour and sign.
Standing StandingOf(const CheckMark& mark) {
  if (mark.Passed()) return {"passed", "✓", "passed"};
  if (mark.blocked) return {"skipped", "?", "could not be judged"};
  if (!mark.run) return {"skipped", "–", "not run"};
  if (mark.points > 0) return {"partly", "◐", "passed in part"};
  return {"failed", "✗", "failed"};
}

Html Term(const std::string& label, const Html& description) {
  return Tag("dt", Text(label)) + Tag("dd", description);
}

// Keeps line breaks and spaces, which compilers and errors use.
Html Verbatim(const std::string& text) {
  return Tag("pre", Tag("samp", Text(text)));
}

Html Answers(const CheckMark& mark) {
  const RubricCheck& check = *mark.check;
  Html terms = Term("What was asked", Text(check.asked));
  if (!mark.Passed()) {
    terms += Term(mark.run ? "What came back" : "Why it was not run",
                  Verbatim(mark.came_back));
  }
  // A check that failed by its measurement already shows it.
  if (!mark.measured.empty() && mark.measured != mark.came_back) {
    terms += Term("What was measured", Text(mark.measured));
  }
  if (!mark.follows.empty()) {
    terms += Term("Put this right first",
                  Text(mark.alone ? FollowsText(mark) : mark.follows));
  }
  return Tag("dl", terms + Term("Why it matters", Text(check.why)) +
                       Term("Where to look", Text(check.where)));
}

Html CheckDetails(const CheckRow& row) {
  const CheckMark& mark = *row.mark;
  const Standing standing = StandingOf(mark);
  const Html summary =
      Tag("summary",
          Tag("span", {{"class", "sign"}, {"aria-hidden", "true"}},
              Text(standing.sign)) +
              Tag("h4", Text(mark.check->title)) +
              Tag("span", {{"class", "standing"}}, Text(standing.words)) +
              PointsOf(mark.points, mark.check->points));
  Attributes attributes = {{"class", "check " + standing.name},
                           {"id", IdOf(row)}};
  if (!mark.Passed()) attributes.emplace_back("open", "");
  return Tag("details", attributes, summary + Answers(mark));
}

Html TaskSection(const Report& report, const TaskMark& task) {
  Html section =
      Tag("h3", Text(fmt::format("{} {} ", task.task->id, task.task->title)) +
                    PointsOf(task.Points(), task.task->Points()));
  for (const CheckRow& row : CheckRows(report)) {
    if (row.task == &task) section += CheckDetails(row);
  }
  return Tag("section", {{"class", "task"}}, section);
}

Html Trouble(const PartMark& part) {
  return Tag("p", Text("Nothing of this part could be run. These are the "
                       "errors, with paths as in the handout:")) +
         Verbatim(part.trouble);
}

}  // namespace

Html PointsOf(double points, double max_points) {
  return Tag("span", {{"class", "points"}},
             Text(fmt::format("{:g} of {:g}", points, max_points)));
}

std::string IdOf(const CheckRow& row) { return "check-" + row.Number(); }

std::string IdOf(const Report& report, const PartMark& part) {
  return fmt::format("part-{}", &part - report.marks.parts.data() + 1);
}

Html PartSection(const Report& report, const PartMark& part) {
  const std::string id = IdOf(report, part);
  Html section = Tag("h2", {{"id", id}},
                     Text(FullTitle(part) + " ") +
                         PointsOf(part.Points(), part.part->Points()));
  if (!part.trouble.empty()) {
    section += Trouble(part);
  } else {
    for (const TaskMark& task : part.tasks) {
      section += TaskSection(report, task);
    }
  }
  return Tag("section", {{"class", "part"}, {"aria-labelledby", id}}, section);
}

}  // namespace kvlab::grading
