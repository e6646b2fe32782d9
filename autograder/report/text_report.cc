#include "autograder/report/text_report.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/machine/text/printable.h"
#include "autograder/report/causes.h"
#include "autograder/report/check_rows.h"
#include "autograder/report/course_version.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kColumns = 80;
constexpr std::size_t kLabelColumns = 12;

// `text` in lines of up to `columns`. Keeps its line breaks; a word that is too
// long gets its own line.
std::vector<std::string> Wrap(const std::string& text, std::size_t columns) {
  std::vector<std::string> lines;
  std::istringstream paragraphs(text);
  for (std::string paragraph; std::getline(paragraphs, paragraph);) {
    // Compilers and errors indent; that is kept.
    const std::size_t indent =
        std::min(paragraph.find_first_not_of(' '), paragraph.size());
    std::string line(indent, ' ');
    std::istringstream words(paragraph);
    for (std::string word; words >> word;) {
      if (line.size() > indent && line.size() + 1 + word.size() > columns) {
        lines.push_back(line);
        line = std::string(indent, ' ');
      }
      if (line.size() > indent) line += ' ';
      line += word;
    }
    lines.push_back(line);
  }
  return lines;
}

// "      asked       A random ..." with the text wrapped beside its label.
std::string Labelled(std::size_t indent, std::string_view label,
                     const std::string& text) {
  std::string out;
  bool first = true;
  for (const std::string& line :
       Wrap(text, kColumns - indent - kLabelColumns)) {
    out += fmt::format("{:{}}{:<{}}{}\n", "", indent, first ? label : "",
                       kLabelColumns, line);
    first = false;
  }
  return out;
}

// A title on the left and points on the right.
std::string Line(std::size_t indent, const std::string& title, double points,
                 double max_points) {
  return fmt::format("{:{}}{:<{}}{:>6g} of {:g}\n", "", indent, title,
                     kColumns - 14 - indent, points, max_points);
}

// Each label with its text, for checks that lost points.
std::vector<std::pair<std::string, std::string>> Texts(const CheckMark& mark) {
  std::vector<std::pair<std::string, std::string>> texts;
  if (mark.Passed()) {
    if (!mark.measured.empty()) texts.emplace_back("measured", mark.measured);
    return texts;
  }
  if (!mark.run) {
    texts.emplace_back("not run", mark.came_back);
    return texts;
  }
  if (mark.blocked) {
    texts.emplace_back("blocked", mark.came_back);
    return texts;
  }
  if (!mark.follows.empty()) {
    texts.emplace_back("follows", FollowsText(mark));
    texts.emplace_back("came back", mark.came_back);
    return texts;
  }
  texts.emplace_back("asked", mark.check->asked);
  texts.emplace_back("came back", mark.came_back);
  texts.emplace_back("why", mark.check->why);
  texts.emplace_back("where", mark.check->where);
  return texts;
}

std::string Notices(const Report& report) {
  std::string out;
  for (const std::string& notice : report.notices) {
    out += Labelled(2, "note", notice);
  }
  for (const PartMark& part : report.marks.parts) {
    if (part.trouble.empty()) continue;
    out += fmt::format("  {} could not be run:\n", part.part->title);
    std::istringstream lines(part.trouble);
    for (std::string line; std::getline(lines, line);) {
      out += fmt::format("    {}\n", line);
    }
  }
  return out;
}

std::string Headline(const Report& report) {
  // Checks that could not be judged do not count towards the maximum.
  std::string out =
      Line(0, report.name, report.Points(), report.marks.JudgedPoints());
  if (const std::string text = BonusText(report.marks); !text.empty()) {
    out += Labelled(2, "bonus", text);
  }
  if (report.lateness) {
    out += Labelled(2, "late?",
                    LatenessText(*report.lateness, report.marks.Points()));
  }
  out += Labelled(2, "begin", WhereToBegin(report));
  return out + Notices(report);
}

std::string TaskText(const TaskMark& task) {
  std::string out =
      Line(2, fmt::format("{:<5} {}", task.task->id, task.task->title),
           task.Points(), task.task->Points());
  for (const CheckMark& mark : task.checks) {
    if (mark.Passed() && mark.measured.empty()) continue;
    out += Line(8, mark.check->title, mark.points, mark.check->points);
    for (const auto& [label, text] : Texts(mark)) {
      out += Labelled(10, label, text);
    }
  }
  return out;
}

std::string ConsequencesText(const Marks& marks) {
  std::size_t count = 0;
  double points = 0;
  for (const PartMark& part : marks.parts) {
    for (const TaskMark& task : part.tasks) {
      for (const CheckMark& mark : task.checks) {
        if (!IsConsequence(mark)) continue;
        ++count;
        points += mark.check->points - mark.points;
      }
    }
  }
  if (count == 0) return "";
  return fmt::format("  {} more check{} lost {:g} point{} as a consequence\n",
                     count, count == 1 ? "" : "s", points,
                     points == 1 ? "" : "s");
}

}  // namespace

std::string CheckText(const CheckMark& mark) {
  std::string out;
  for (const auto& [label, text] : Texts(mark)) {
    out += fmt::format("{}{}: {}", out.empty() ? "" : "\n", label, text);
  }
  return out;
}

std::string TextOf(const CheckRow& row) {
  if (row.part->trouble.empty()) return CheckText(*row.mark);
  return "not run: " + row.part->part->title +
         " could not be run; the report says why";
}

std::string FullText(const Report& report) {
  std::string out = Headline(report);
  for (const PartMark& part : report.marks.parts) {
    out += '\n';
    out += Line(0, FullTitle(part), part.Points(), part.part->Points());
    if (!part.trouble.empty()) {
      out += "  not run, see above\n";
      continue;
    }
    for (const TaskMark& task : part.tasks) out += TaskText(task);
  }
  out += fmt::format("\ngraded by kvlab {}\n", kCourseVersion);
  return Printable(out);
}

std::string BriefText(const Report& report) {
  std::string out = Headline(report);
  for (const PartMark& part : report.marks.parts) {
    for (const TaskMark& task : part.tasks) {
      for (const CheckMark& mark : task.checks) {
        if (mark.Passed() || IsConsequence(mark)) continue;
        out += Line(2,
                    fmt::format("{:<5} {}: {}", task.task->id, task.task->title,
                                mark.check->title),
                    mark.points, mark.check->points);
        for (const auto& [label, text] : Texts(mark)) {
          out += Labelled(8, label, text);
        }
      }
    }
  }
  return Printable(out + ConsequencesText(report.marks));
}

std::string InstructorText(const Report& report) {
  std::string out = fmt::format(
      "submission  {}\ncourse      kvlab {}\nseed        {}\nisolation   {}\n"
      "build       {:.1f} s\nchecks      {:.1f} s\nanswers     {}\n\n",
      report.name, kCourseVersion, report.seed, report.isolation,
      report.build_seconds, report.check_seconds,
      report.answered_as.empty() ? "none" : "as " + report.answered_as);
  for (const PartMark& part : report.marks.parts) {
    for (const TaskMark& task : part.tasks) {
      for (const CheckMark& mark : task.checks) {
        out += fmt::format("{:>8.3f} s  {:<6}{:<28}{:>5g} of {:g}\n",
                           mark.seconds, task.task->id, mark.check->name,
                           mark.points, mark.check->points);
      }
    }
  }
  return Printable(out);
}

std::string SummaryTable(std::span<const Report> reports) {
  if (reports.empty()) return "";
  std::vector<std::vector<std::string>> rows = {{"submission"}};
  for (const PartMark& part : reports.front().marks.parts) {
    // "Module 1: attention" is "Module 1" here
    const std::string& title = part.part->title;
    rows.front().push_back(title.substr(0, title.find(':')));
  }
  rows.front().emplace_back("points");
  for (const Report& report : reports) {
    std::vector<std::string>& row = rows.emplace_back();
    row.push_back(report.name);
    for (const PartMark& part : report.marks.parts) {
      row.push_back(
          fmt::format("{:g} of {:g}", part.Points(), part.part->Points()));
    }
    row.push_back(fmt::format("{:g}", report.Points()));
  }
  std::vector<std::size_t> widths(rows.front().size());
  for (const std::vector<std::string>& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string out;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    out += fmt::format("{:<{}}", rows[i].front(), widths.front());
    for (std::size_t column = 1; column < widths.size(); ++column) {
      out += fmt::format("  {:>{}}", rows[i][column], widths[column]);
    }
    const double blocked = i == 0 ? 0 : reports[i - 1].marks.BlockedPoints();
    if (blocked > 0) {
      out += fmt::format("  PROVISIONAL: {:g} points could not be judged",
                         blocked);
    }
    out += '\n';
  }
  return out;
}

}  // namespace kvlab::grading
