#include "autograder/class/similarity/similarity_page.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/class/page/page_frame.h"
#include "autograder/class/similarity/alike_answers.h"
#include "autograder/class/similarity/alike_pairs.h"
#include "autograder/class/similarity/given_code.h"
#include "autograder/machine/text/count.h"
#include "autograder/report/html.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kMostPassagesShown = 20;

Html Name(const std::string& name) { return Tag("bdi", Text(name)); }

std::vector<std::string_view> LinesOf(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// Given lines are fainter than own ones.
Html Code(const std::string& source, const OwnCode& own, const Lines& range) {
  const std::vector<std::string_view> lines = LinesOf(source);
  Html code;
  for (std::size_t i = range.first; i <= range.last && i <= lines.size(); ++i) {
    const bool is_own = i <= own.own.size() && own.own[i - 1];
    code += Tag("span", {{"class", is_own ? "own" : "given"}},
                Tag("span", {{"class", "number"}}, Text(fmt::format("{}", i))) +
                    Text(lines[i - 1])) +
            Html::Trusted("\n");
  }
  return Tag("pre", Tag("code", code));
}

class Pages {
 public:
  explicit Pages(const SimilarityFindings& found) : found_(found) {}

  Html Side(std::size_t author, const std::string& file,
            const Lines& range) const {
    return Tag("div", {{"class", "side"}},
               Tag("p", Name(found_.authors[author].name) + Text(" ") +
                            Tag("span", {{"class", "soft"}},
                                Text(fmt::format("{}, lines {} to {}", file,
                                                 range.first, range.last)))) +
                   Code(found_.authors[author].sources.at(file),
                        found_.code.own[author].at(file), range));
  }

  Html Pair(const AlikePair& pair) const {
    Html passages;
    const std::size_t shown =
        std::min(pair.passages.size(), kMostPassagesShown);
    for (std::size_t i = 0; i < shown; ++i) {
      const SharedPassage& each = pair.passages[i];
      passages += Tag("div", {{"class", "beside"}},
                      Side(pair.one, each.file_of_one, each.in_one) +
                          Side(pair.other, each.file_of_other, each.in_other));
    }
    if (shown < pair.passages.size()) {
      passages += Tag("p", Text(fmt::format("and {} shorter ones",
                                            pair.passages.size() - shown)));
    }
    const Html summary = Tag(
        "summary",
        Name(found_.authors[pair.one].name) + Text(" and ") +
            Name(found_.authors[pair.other].name) +
            Text(fmt::format(
                ": {} in {}",
                Count(std::max(pair.lines_of_one, pair.lines_of_other), "line"),
                Count(pair.passages.size(), "passage"))) +
            Tag("span", {{"class", "soft"}},
                Text(", " + PairText(pair, found_.authors))));
    return Tag("details", summary + passages);
  }

  Html Pairs() const {
    const std::size_t all = found_.code.pairs.size();
    const std::size_t shown = std::min(all, kMostPairsShown);
    Html pairs;
    if (all == 0) pairs = Tag("p", Text("There are none."));
    for (std::size_t i = 0; i < shown; ++i) pairs += Pair(found_.code.pairs[i]);
    if (shown < all) {
      pairs += Tag("p", Text(fmt::format("and {} that are less alike; "
                                         "similar.csv lists them",
                                         all - shown)));
    }
    return Section("code", "Code", Rules() + pairs);
  }

  Html Rules() const {
    return Tag(
        "p",
        Text(fmt::format(
            "Compared: code without the stubs and all other given code, and "
            "without comments; equal but for layout, names, numbers and "
            "strings. A line does not count if it is alike in more than {} "
            "pairs of one person: that is what the task suggests. Listed: at "
            "least {} lines and {:.0f} % of one of the two. Given lines are "
            "in italics.",
            found_.code.most_common, kLeastLines, 100 * kLeastShare)));
  }

  Html Answers() const {
    Html items;
    for (const AlikeAnswers& each : found_.answers) {
      items += Tag("li", Name(found_.authors[each.one].name) + Text(" and ") +
                             Name(found_.authors[each.other].name) +
                             Text(": " + AnswersText(each)));
    }
    const Html list = found_.answers.empty() ? Tag("p", Text("There are none."))
                                             : Tag("ul", items);
    return Section(
        "answers", "Concept checks",
        Tag("p", Text("Numbers and the order of options go with the id, so two "
                      "people who are both right differ.")) +
            list);
  }

  Html Unread() const {
    if (found_.unread.empty()) return {};
    Html items;
    for (const std::string& each : found_.unread) {
      items += Tag("li", Text(each));
    }
    return Section("unread", "Not compared", Tag("ul", items));
  }

  Html Header() const {
    const auto earlier = static_cast<std::size_t>(
        std::ranges::count(found_.authors, true, &Author::is_earlier));
    return Tag(
        "header",
        Tag("p", {{"class", "course"}}, Text("kvlab class similar")) +
            Tag("h1", Tag("bdi", Text(found_.course))) +
            Tag("p", {{"class", "verdict"}},
                Text("A reason to look, not a verdict: people may work "
                     "alike, learn from one source, or be allowed to "
                     "work together. Read both, and ask them.")) +
            Tag("p", Text(fmt::format(
                         "{} compared, {} of earlier terms. {} of code, "
                         "{} of concept checks.",
                         Count(found_.authors.size(), "submission"), earlier,
                         Count(found_.code.pairs.size(), "pair"),
                         Count(found_.answers.size(), "pair")))));
  }

 private:
  const SimilarityFindings& found_;
};

}  // namespace

std::string PairText(const AlikePair& pair, std::span<const Author> authors) {
  constexpr double kPercent = 100;
  return fmt::format("{:.0f} % of the own code of {}, {:.0f} % of that of {}",
                     kPercent * pair.share_of_one, authors[pair.one].name,
                     kPercent * pair.share_of_other, authors[pair.other].name);
}

std::string AnswersText(const AlikeAnswers& answers) {
  if (!answers.same_id.empty()) {
    return "both answered as '" + answers.same_id + "'";
  }
  return fmt::format(
      "the same {}, {} of them although the ids have other numbers or another "
      "order of options there",
      Count(answers.both_answered, "answer"), answers.asked_otherwise);
}

std::string SimilarityPage(const SimilarityFindings& found) {
  const Pages pages(found);
  return SelfContainedPage(
      "kvlab class similar: " + found.course,
      pages.Header() +
          Tag("main", pages.Answers() + pages.Pairs() + pages.Unread()));
}

}  // namespace kvlab::grading
