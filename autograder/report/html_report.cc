#include "autograder/report/html_report.h"

#include <cstddef>
#include <string>

#include "autograder/report/causes.h"
#include "autograder/report/check_rows.h"
#include "autograder/report/course_version.h"
#include "autograder/report/html.h"
#include "autograder/report/html_checks.h"
#include "autograder/report/html_measurements.h"
#include "autograder/report/report_css.h"
#include "autograder/scoring/late_policy.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

// No script, no network: the page is self-contained.
constexpr const char* kPolicy =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'";

Html Head(const Report& report) {
  return Tag("head",
             VoidTag("meta", {{"charset", "utf-8"}}) +
                 VoidTag("meta", {{"http-equiv", "Content-Security-Policy"},
                                  {"content", kPolicy}}) +
                 VoidTag("meta",
                         {{"name", "viewport"},
                          {"content", "width=device-width, initial-scale=1"}}) +
                 VoidTag("meta", {{"name", "color-scheme"},
                                  {"content", "light dark"}}) +
                 Tag("title", Text("kvlab report: " + report.name)) +
                 Tag("style", Html::Trusted(kReportCss)));
}

// "2024-06-07 12:34 UTC"
std::string TimeOf(const Report& report) {
  std::string time = report.graded_at.substr(0, 16);
  for (char& letter : time) {
    if (letter == 'T') letter = ' ';
  }
  return time + " UTC";
}

Html LateNote(const Report& report) {
  if (!report.lateness) return {};
  const std::string text =
      LatenessText(*report.lateness, report.marks.Points());
  return Tag("p", Text("Late? " + text + "."));
}

Html BonusNote(const Report& report) {
  const std::string text = BonusText(report.marks);
  return text.empty() ? Html{} : Tag("p", Text("Bonus: " + text + "."));
}

Html BeginNote(const Report& report) {
  const std::string text = WhereToBegin(report);
  return text.empty() ? Html{} : Tag("p", Text(text));
}

Html Header(const Report& report) {
  return Tag("header",
             Tag("p", {{"class", "course"}}, Text("kvlab report")) +
                 Tag("h1", Tag("bdi", Text(report.name))) +
                 Tag("p", {{"class", "total"}},
                     Tag("strong", Text(fmt::format("{:g}", report.Points()))) +
                         Text(fmt::format(" of {:g} points",
                                          report.marks.MaxPoints()))) +
                 BonusNote(report) + BeginNote(report) + LateNote(report) +
                 Tag("p", Text("Graded on " + TimeOf(report) + ".")));
}

Html Link(const std::string& id, const Html& words) {
  return Tag("a", {{"href", "#" + id}}, words);
}

Html GlanceRow(const Report& report, const PartMark& part) {
  const double most = part.part->Points();
  const double share = most > 0 ? 100 * part.Points() / most : 0;
  return Tag(
      "tr",
      Tag("th", {{"scope", "row"}},
          Link(IdOf(report, part), Text(FullTitle(part)))) +
          Tag("td", PointsOf(part.Points(), most)) +
          Tag("td", {{"class", "bar"}, {"aria-hidden", "true"}},
              Tag("div",
                  Tag("div", {{"style", fmt::format("width: {:.1f}%", share)}},
                      {}))));
}

Html Glance(const Report& report) {
  Html rows;
  for (const PartMark& part : report.marks.parts) {
    rows += GlanceRow(report, part);
  }
  return Tag("table", {{"class", "glance"}},
             Tag("caption", Text("Points of each part")) + Tag("tbody", rows));
}

Html FirstItem(const CheckRow& row) {
  const double lost = row.mark->check->points - row.mark->points;
  return Tag("li", Link(IdOf(row), Text(fmt::format("{} {}", row.task->task->id,
                                                    row.Name()))) +
                       Text(fmt::format(" ({:g} point{} lost)", lost,
                                        lost == 1 ? "" : "s")));
}

// Causes, not their consequences.
Html FirstThings(const Report& report) {
  Html items;
  for (const PartMark& part : report.marks.parts) {
    if (part.trouble.empty()) continue;
    items += Tag("li", Link(IdOf(report, part), Text(part.part->title)) +
                           Text(" could not be run"));
  }
  std::size_t consequences = 0;
  for (const CheckRow& row : CheckRows(report)) {
    if (row.mark->Passed() || !row.part->trouble.empty()) continue;
    if (IsConsequence(*row.mark)) {
      ++consequences;
    } else {
      items += FirstItem(row);
    }
  }
  const Html title = Tag("h2", {{"id", "first"}}, Text("Look at these first"));
  if (items.Markup().empty()) {
    return Tag("p", Text("Every check earned its points."));
  }
  Html rest;
  if (consequences > 0) {
    rest = Tag("p", Text(fmt::format(
                        "{} more check{} probably failed because of these.",
                        consequences, consequences == 1 ? "" : "s")));
  }
  return Tag("section", {{"aria-labelledby", "first"}},
             title + Tag("ol", items) + rest);
}

Html Notices(const Report& report) {
  Html items;
  for (const std::string& notice : report.notices) {
    items += Tag("li", Text(notice));
  }
  if (items.Markup().empty()) return {};
  return Tag("section", {{"aria-labelledby", "notices"}},
             Tag("h2", {{"id", "notices"}}, Text("About your files")) +
                 Tag("ul", items));
}

Html Footer() {
  return Tag(
      "footer",
      Tag("p",
          Text("Inputs are drawn at random for each grading and are not shown. "
               "Modules are judged separately: an error in one costs no points "
               "in another, except in the end-to-end part.")) +
          Tag("p", Text(fmt::format("Graded by kvlab {}.", kCourseVersion))));
}

}  // namespace

std::string HtmlReport(const Report& report) {
  Html main = Glance(report) + FirstThings(report) + Notices(report) +
              MeasurementsSection(AllMeasurements(report));
  for (const PartMark& part : report.marks.parts) {
    main += PartSection(report, part);
  }
  const Html page =
      Tag("html", {{"lang", "en"}},
          Head(report) +
              Tag("body", Header(report) + Tag("main", main) + Footer()));
  return "<!DOCTYPE html>\n" + page.Markup() + "\n";
}

}  // namespace kvlab::grading
