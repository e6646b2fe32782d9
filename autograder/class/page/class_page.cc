#include "autograder/class/page/class_page.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "autograder/class/class_marks.h"
#include "autograder/class/export.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/page/class_checks.h"
#include "autograder/class/page/item_statistics.h"
#include "autograder/class/page/page_frame.h"
#include "autograder/class/page/part_chart.h"
#include "autograder/machine/text/count.h"
#include "autograder/report/check_rows.h"
#include "autograder/report/html.h"
#include "autograder/report/report.h"
#include "autograder/scoring/late_policy.h"
#include "autograder/scoring/marks.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr double kPercent = 100;

// A cell of a table.
Html Words(const std::string& text) {
  return Tag("td", {{"class", "words"}}, Text(text));
}
Html Word(const std::string& text) { return Tag("td", Text(text)); }
Html Number(double number, const std::string& text) {
  return Tag("td",
             {{"class", "number"}, {"data-value", fmt::format("{}", number)}},
             Text(text));
}
Html Number(std::size_t number) {
  return Number(static_cast<double>(number), fmt::format("{}", number));
}
Html Fraction(std::size_t part, std::size_t all) {
  return Number(static_cast<double>(part), fmt::format("{} of {}", part, all));
}
Html NoNumber() {
  return Tag("td", {{"class", "number"}, {"data-value", ""}}, Text("–"));
}
Html RowHead(const std::string& text) {
  return Tag("th", {{"scope", "row"}}, Tag("bdi", Text(text)));
}

struct Table {
  std::string id;
  std::string rows;  // what they are: "checks"; tables with more can be sorted
  std::string caption;
  std::vector<std::string> heads;
  Html body;
};

// Its place can be scrolled by keyboard.
Html Shown(const Table& table) {
  Html heads;
  for (const std::string& head : table.heads) {
    heads += Tag("th", {{"scope", "col"}}, Text(head));
  }
  return Tag(
      "div",
      {{"class", "wide"},
       {"tabindex", "0"},
       {"role", "region"},
       {"aria-label", table.caption}},
      Tag("table", {{"id", table.id}, {"data-rows", table.rows}},
          Tag("caption", Text(table.caption)) + Tag("thead", Tag("tr", heads)) +
              Tag("tbody", table.body)));
}

std::string FlagText(ItemFlag flag) {
  switch (flag) {
    case ItemFlag::kNeverLost:
      return "never lost";
    case ItemFlag::kAlwaysLost:
      return "always lost";
    case ItemFlag::kReversed:
      return "reversed";
    case ItemFlag::kSeparatesLittle:
      return "separates little";
  }
  return "";
}

class Page {
 public:
  explicit Page(const ClassFindings& found)
      : found_(found), checks_(ChecksOf(found.people)) {
    // What came back may name its author.
    for (ClassCheck& check : checks_) {
      for (const PersonMarks& each : found.people) {
        check.failure =
            found.names.Without(*each.person, std::move(check.failure));
      }
    }
    std::vector<ItemScores> scores;
    for (const ClassCheck& check : checks_) scores.push_back(check.scores);
    statistics_ = AnalyzeItems(scores);
    agreeing_ = ItemsThatAgree(scores);
  }

  std::string Whole() const {
    const Html main = Marks() + Checks() + Agreement() + Decisions() +
                      Similarity() + Time() + People();
    return SelfContainedPage("kvlab class report: " + found_.course,
                             Header() + Tag("main", main));
  }

 private:
  std::string NameOf(const PersonMarks& person) const {
    return found_.names.Of(*person.person);
  }

  std::size_t CountOf(bool (PersonMarks::*is)() const) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        found_.people,
        [is](const PersonMarks& person) { return (person.*is)(); }));
  }

  std::size_t Flagged() const {
    return static_cast<std::size_t>(std::ranges::count_if(
        statistics_,
        [](const ItemStatistics& item) { return item.flag.has_value(); }));
  }

  Html Header() const {
    const std::size_t graded = CountOf(&PersonMarks::IsGraded);
    const std::size_t final = CountOf(&PersonMarks::IsFinal);
    std::size_t missing = 0;
    for (const PersonMarks& each : found_.people) {
      missing += each.attempt ? 0 : 1;
    }
    Html links;
    for (const auto& [id, title] :
         {std::pair{"marks", "Marks"}, std::pair{"checks", "Checks"},
          std::pair{"agreement", "Checks that agree"},
          std::pair{"decisions", "Blocked and overridden"},
          std::pair{"similarity", "Similarity"}, std::pair{"time", "Time"},
          std::pair{"people", "People"}}) {
      links +=
          Tag("li", Tag("a", {{"href", std::string("#") + id}}, Text(title)));
    }
    return Tag(
        "header",
        Tag("p", {{"class", "course"}}, Text("kvlab class report")) +
            Tag("h1", Tag("bdi", Text(found_.course))) +
            Tag("p", Text(fmt::format(
                         "{} people: {} graded, {} of them with blocked "
                         "checks; {} handed in nothing. {} of {} deserve a "
                         "look. {}.",
                         found_.people.size(), graded, graded - final, missing,
                         Flagged(), Count(checks_.size(), "check"),
                         found_.made_at))) +
            Tag("nav", {{"aria-label", "Sections"}}, Tag("ul", links)));
  }

  // --- Marks.

  Html Marks() const {
    std::vector<double> totals;
    std::map<std::string, std::vector<double>> by_part;
    std::vector<std::pair<std::string, double>> parts;  // and their points
    double most = 0;
    for (const PersonMarks& each : found_.people) {
      if (!each.IsGraded()) continue;
      const Report& report = each.Graded();
      totals.push_back(report.Points());
      most = std::max(most, report.marks.MaxPoints());
      for (const PartMark& part : report.marks.parts) {
        const std::string title = FullTitle(part);
        if (!by_part.contains(title)) {
          parts.emplace_back(title, part.part->Points());
        }
        by_part[title].push_back(part.Points());
      }
    }
    if (totals.empty()) {
      return Section("marks", "Marks", Tag("p", Text("Nothing is graded.")));
    }
    Html charts = PartChart("All parts, with lateness", totals, most);
    for (const auto& [title, points] : parts) {
      charts += PartChart(title, by_part[title], points);
    }
    return Section("marks", "Marks", Tag("div", {{"class", "charts"}}, charts));
  }

  // --- Checks.

  static std::string Discrimination(const ItemStatistics& item) {
    return fmt::format("{:.2f} ({:.2f} to {:.2f})", *item.discrimination,
                       item.interval.low, item.interval.high);
  }

  static Html CheckRowOf(const ClassCheck& check, const ItemStatistics& item) {
    std::string kinds = check.part;
    Html flag = Word("");
    if (item.flag) {
      const std::string text = FlagText(*item.flag);
      kinds += "|flagged|" + text;
      flag = Tag("td", Tag("span", {{"class", "flag"}}, Text(text)));
    }
    if (check.blocked > 0) kinds += "|blocked";
    if (check.overridden > 0) kinds += "|overridden";
    const std::string failure =
        check.failed_so == 0
            ? ""
            : Count(check.failed_so, "time") + ": " + check.failure;
    std::string left_out;
    if (check.blocked > 0) left_out = fmt::format("{} blocked", check.blocked);
    if (check.overridden > 0) {
      left_out += fmt::format("{}{} overridden", left_out.empty() ? "" : ", ",
                              check.overridden);
    }
    return Tag(
        "tr", {{"data-kinds", kinds}},
        Tag("th", {{"scope", "row"}},
            Text(check.name) + Html::Trusted("<br>") +
                Tag("span", {{"class", "soft"}}, Text(check.title))) +
            Word(check.part) + flag +
            Number(check.scores.points, NumberText(check.scores.points)) +
            Fraction(item.lost, item.judged) +
            (item.judged > 0
                 ? Number(item.difficulty,
                          fmt::format("{:.0f} %", kPercent * item.difficulty))
                 : NoNumber()) +
            (item.discrimination
                 ? Number(*item.discrimination, Discrimination(item))
                 : NoNumber()) +
            Words(failure) + Word(left_out) +
            Number(check.median_seconds,
                   fmt::format("{:.2f}", check.median_seconds)));
  }

  Html Checks() const {
    Html rows;
    for (std::size_t i = 0; i < checks_.size(); ++i) {
      rows += CheckRowOf(checks_[i], statistics_[i]);
    }
    const Html about = Tag(
        "p", Text("Difficulty is the mean share of the points: 100 % is "
                  "easiest. Discrimination, from −1 to 1, is how much more "
                  "often a person who passed the check has the higher score in "
                  "all other checks than one who lost points in it: 0 is a "
                  "coin, below 0 the better ones lose it. In brackets its 95 % "
                  "interval. A check separates little if even the upper end "
                  "is below ") +
                 Text(fmt::format("{}", kSeparatesWell)) +
                 Text(". A flag is a reason to read the check and its "
                      "failures, not a fault."));
    return Section("checks", "Checks",
                   about + Shown({.id = "check-table",
                                  .rows = "checks",
                                  .caption = "Every check",
                                  .heads = {"Check", "Part", "Flag", "Points",
                                            "Lost by", "Difficulty",
                                            "Discrimination", "Most failed so",
                                            "Left out", "Median seconds"},
                                  .body = rows}));
  }

  Html Agreement() const {
    Html items;
    for (const std::vector<std::size_t>& group : agreeing_) {
      std::string names;
      for (const std::size_t i : group) {
        names += (names.empty() ? "" : ", ") + checks_[i].name;
      }
      items +=
          Tag("li", Text(fmt::format("{}: lost by the same {} people", names,
                                     statistics_[group.front()].lost)));
    }
    return Section(
        "agreement", "Checks that always agree",
        Tag("p", Text("The same people lost each check of a group: it may "
                      "count one thing several times.")) +
            (agreeing_.empty() ? Tag("p", Text("There are none."))
                               : Tag("ul", items)));
  }

  // --- What was decided, or could not be.

  Html Decisions() const {
    Html rows;
    for (const PersonMarks& person : found_.people) {
      if (!person.IsGraded()) continue;
      for (const CheckRow& row : CheckRows(person.Graded())) {
        if (!row.mark->blocked) continue;
        rows += Decision(person, row.mark->check->name, "blocked",
                         "could not be judged; class grade judges it again");
      }
      for (const Override& change : person.overrides) {
        rows += Decision(person, change.check, "overridden",
                         found_.names.Without(
                             *person.person,
                             fmt::format("{} points by {} on {}: {}",
                                         NumberText(change.points), change.by,
                                         change.at.substr(0, 10), change.why)));
      }
    }
    const Html content =
        rows.Markup().empty()
            ? Tag("p", Text("There are none."))
            : Shown({.id = "decision-table",
                     .rows = "marks",
                     .caption = "Each blocked or overridden mark",
                     .heads = {"Person", "Check", "What", "Why"},
                     .body = rows});
    return Section("decisions", "Blocked and overridden marks", content);
  }

  Html Decision(const PersonMarks& person, const std::string& check,
                const std::string& what, const std::string& why) const {
    return Tag("tr", {{"data-kinds", what}},
               RowHead(NameOf(person)) + Word(check) + Word(what) + Words(why));
  }

  // --- Similarity.

  // "ann, bob" of a group, and names of earlier terms, are not on the roster.
  std::string ShownName(const std::string& name) const {
    if (!found_.names.Anonymous()) return name;
    for (const PersonMarks& each : found_.people) {
      if (each.person->id == name) return NameOf(each);
    }
    return "a group, or an earlier term";
  }

  Html Similarity() const {
    if (!found_.similar.made) {
      return Section("similarity", "Similarity",
                     Tag("p", Text("Not compared yet: ") +
                                  Tag("code", Text("./kvlab class similar")) +
                                  Text(" does it.")));
    }
    Html rows;
    for (const SimilarRow& each : found_.similar.rows) {
      rows +=
          Tag("tr", {{"data-kinds", each.what}},
              RowHead(ShownName(each.one)) +
                  Tag("td", Tag("bdi", Text(ShownName(each.other)))) +
                  Word(each.what) +
                  (each.what == "code"
                       ? Number(each.share,
                                fmt::format("{:.0f} %", kPercent * each.share))
                       : NoNumber()) +
                  Words(found_.names.Anonymous() && each.what != "code"
                            ? "the same answers"
                            : each.text));
    }
    const Html about = Tag(
        "p", {{"class", "verdict"}},
        Text("A reason to look, not a verdict. similar.html has the passages "
             "side by side."));
    const Html content =
        found_.similar.rows.empty()
            ? Tag("p", Text("There are no pairs."))
            : Shown({.id = "similar-table",
                     .rows = "pairs",
                     .caption = "Pairs whose code or answers are alike",
                     .heads = {"One", "Other", "What", "Share", "Details"},
                     .body = rows});
    return Section("similarity", "Similarity", about + content);
  }

  // --- Time.

  Html Time() const {
    std::vector<double> building;
    std::vector<double> checking;
    std::size_t late = 0;
    std::size_t on_time = 0;
    for (const PersonMarks& each : found_.people) {
      if (!each.IsGraded()) continue;
      building.push_back(each.Graded().build_seconds);
      checking.push_back(each.Graded().check_seconds);
      if (const auto& lateness = each.Graded().lateness) {
        ++(lateness->days_late > 0 ? late : on_time);
      }
    }
    double all = 0;
    for (const double seconds : building) all += seconds;
    for (const double seconds : checking) all += seconds;
    const double longest =
        checking.empty() ? 0 : *std::ranges::max_element(checking);
    std::vector<const ClassCheck*> slowest;
    for (const ClassCheck& check : checks_) slowest.push_back(&check);
    std::ranges::stable_sort(slowest, std::ranges::greater(),
                             &ClassCheck::all_seconds);
    constexpr std::size_t kSlowest = 5;
    slowest.resize(std::min(slowest.size(), kSlowest));
    Html items;
    for (const ClassCheck* check : slowest) {
      items += Tag(
          "li",
          Text(fmt::format("{}: {:.0f} s, {:.2f} s at the median", check->name,
                           check->all_seconds, check->median_seconds)));
    }
    return Section(
        "time", "Time",
        Tag("p",
            Text(fmt::format(
                "Grading took {:.1f} minutes in all. Half the submissions "
                "took more than {:.0f} s to compile and {:.0f} s to check; the "
                "slowest took {:.0f} s to check. Handed in on time: {}, late: "
                "{}, time or due date unknown: {}.",
                all / 60, MedianOf(building), MedianOf(checking), longest,
                on_time, late, checking.size() - on_time - late))) +
            Tag("p", Text("The checks that took most:")) + Tag("ol", items));
  }

  // --- People.

  static std::string StateOf(const PersonMarks& person) {
    if (!person.attempt) return "missing";
    if (!person.IsGraded()) {
      return person.failure.empty() ? "not graded" : "grader failed";
    }
    return person.IsFinal() ? "graded" : "blocked";
  }

  Html PersonRow(const PersonMarks& person,
                 const std::vector<std::string>& parts) const {
    const std::string state = StateOf(person);
    Html cells = RowHead(NameOf(person)) +
                 Word(found_.names.Anonymous() ? "" : person.person->section) +
                 Word(state);
    if (!person.IsGraded()) {
      cells += NoNumber();
      for (std::size_t i = 0; i < parts.size(); ++i) cells += NoNumber();
    } else {
      const Report& report = person.Graded();
      cells += Number(report.Points(), NumberText(report.Points()));
      for (const std::string& title : parts) {
        const auto part =
            std::ranges::find(report.marks.parts, title, FullTitle);
        cells += part == report.marks.parts.end()
                     ? NoNumber()
                     : Number(part->Points(), NumberText(part->Points()));
      }
    }
    cells += Number(person.attempts);
    std::string kinds = state;
    std::string late;
    if (person.IsGraded() && person.Graded().lateness &&
        person.Graded().lateness->days_late > 0) {
      late = Count(
          static_cast<std::size_t>(person.Graded().lateness->days_late), "day");
      kinds += "|late";
    }
    if (!person.overrides.empty()) kinds += "|overridden";
    return Tag("tr", {{"data-kinds", kinds}}, cells + Word(late));
  }

  Html People() const {
    std::vector<std::string> parts;
    std::vector<std::string> heads = {"Person", "Section", "State", "Points"};
    for (const PersonMarks& each : found_.people) {
      if (!each.IsGraded()) continue;
      for (const PartMark& part : each.Graded().marks.parts) {
        if (std::ranges::find(parts, FullTitle(part)) != parts.end()) continue;
        parts.push_back(FullTitle(part));
        heads.push_back(ShortTitle(part));
      }
    }
    heads.insert(heads.end(), {"Attempts", "Late"});
    Html rows;
    for (const PersonMarks& each : found_.people) {
      rows += PersonRow(each, parts);
    }
    return Section("people", "People",
                   Shown({.id = "people-table",
                          .rows = "people",
                          .caption = "Everyone on the roster",
                          .heads = heads,
                          .body = rows}));
  }

  const ClassFindings& found_;
  std::vector<ClassCheck> checks_;
  std::vector<ItemStatistics> statistics_;
  std::vector<std::vector<std::size_t>> agreeing_;
};

}  // namespace

std::string ClassPage(const ClassFindings& found) {
  return Page(found).Whole();
}

}  // namespace kvlab::grading
