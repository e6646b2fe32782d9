#include "autograder/machine/compile_errors/linker_errors.h"

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/machine/text/printable.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kMaxErrors = 5;
constexpr std::size_t kMaxOtherLines = 5;
constexpr std::size_t kMaxCharacters = 400;

constexpr std::string_view kUndefined = "undefined reference to `";
constexpr std::string_view kMultiple = "multiple definition of `";
constexpr std::string_view kObjects = "/objects/";
constexpr std::string_view kArchives = "/archives/";

// A name that the linker complains about.
struct Complaint {
  std::string words;                // "undefined reference to `f()'"
  std::vector<std::string> places;  // where it is used, or defined

  bool IsUndefined() const { return words.starts_with(kUndefined); }
};

// "/objects/01_attention.attention.cc.o" is made of
// modules/01_attention/attention.cc.
std::string SourceOf(std::string_view object) {
  const std::size_t folder_end = object.find('.');
  const std::size_t end = object.find(".o", folder_end + 1);
  if (folder_end == std::string_view::npos || end == std::string_view::npos) {
    return "your code";
  }
  return fmt::format("modules/{}/{}", object.substr(0, folder_end),
                     object.substr(folder_end + 1, end - folder_end - 1));
}

std::string OwnerOf(std::string_view archive) {
  if (archive.starts_with("kit/")) return "the kit";
  constexpr std::string_view kSolutions = "solutions/";
  if (archive.starts_with(kSolutions)) {
    archive.remove_prefix(kSolutions.size());
    return fmt::format("the grader's own modules/{}",
                       archive.substr(0, archive.find('/')));
  }
  return "the grader";
}

// Whose the files are that a line names, in order.
std::vector<std::string> Places(std::string_view line) {
  std::vector<std::string> places;
  for (std::size_t at = 0; at < line.size(); ++at) {
    const std::string_view rest = line.substr(at);
    if (rest.starts_with(kObjects)) {
      places.push_back(SourceOf(rest.substr(kObjects.size())));
    } else if (rest.starts_with(kArchives)) {
      places.push_back(OwnerOf(rest.substr(kArchives.size())));
    }
  }
  return places;
}

// "undefined reference to `f()'": from there to the closing quote.
std::string WordsIn(std::string_view line) {
  for (const std::string_view beginning : {kUndefined, kMultiple}) {
    const std::size_t begin = line.find(beginning);
    if (begin == std::string_view::npos) continue;
    const std::size_t end = line.find('\'', begin);
    if (end == std::string_view::npos) continue;
    return std::string(line.substr(begin, end + 1 - begin));
  }
  return "";
}

class Parser {
 public:
  void Take(const std::string& line) {
    const std::string words = WordsIn(line);
    std::vector<std::string> places = Places(line);
    if (words.empty()) {
      // "/usr/bin/ld: /objects/...: in function `f()':"
      if (places.empty()) {
        other_.push_back(line);
      } else {
        place_ = places.front();
      }
      return;
    }
    // The line itself may name only where the other definition is.
    const bool names_its_own =
        line.find(": in function `") != std::string::npos ||
        line.starts_with("/usr/bin/ld: /");
    if (!names_its_own) {
      places.insert(places.begin(), place_);
    } else if (!places.empty()) {
      place_ = places.front();
    }
    Complaint& complaint = Find(words);
    for (const std::string& place : places) {
      if (!place.empty() && std::ranges::find(complaint.places, place) ==
                                complaint.places.end()) {
        complaint.places.push_back(place);
      }
    }
  }

  std::string Text() const {
    std::string text = complaints_.empty() ? OtherText() : "";
    const std::size_t shown = std::min(complaints_.size(), kMaxErrors);
    for (std::size_t i = 0; i < shown; ++i) text += TextOf(complaints_[i]);
    if (complaints_.size() > shown) {
      text += fmt::format("[{} more]\n", complaints_.size() - shown);
    }
    return text + Help();
  }

 private:
  Complaint& Find(const std::string& words) {
    const auto found = std::ranges::find(complaints_, words, &Complaint::words);
    if (found != complaints_.end()) return *found;
    return complaints_.emplace_back(Complaint{words, {}});
  }

  static std::string TextOf(const Complaint& complaint) {
    std::string text = Shortened(complaint.words, kMaxCharacters) + "\n";
    for (std::size_t i = 0; i < complaint.places.size(); ++i) {
      text +=
          i == 0 ? complaint.IsUndefined() ? "  used in: " : "  in: " : " and ";
      text += complaint.places[i];
    }
    return complaint.places.empty() ? text : text + "\n";
  }

  std::string OtherText() const {
    std::string text;
    const std::size_t shown = std::min(other_.size(), kMaxOtherLines);
    for (std::size_t i = 0; i < shown; ++i) {
      text += Shortened(other_[i], kMaxCharacters) + "\n";
    }
    return text;
  }

  std::string Help() const {
    std::string help;
    if (std::ranges::any_of(complaints_, &Complaint::IsUndefined)) {
      help +=
          "fix: define each name as its header declares it, with the same "
          "namespace, class, arguments and const\n";
    }
    if (!std::ranges::all_of(complaints_, &Complaint::IsUndefined)) {
      help +=
          "fix: a name that is defined twice clashes with another one: rename "
          "it, or put it in an unnamed namespace\n";
    }
    return help;
  }

  std::string place_;  // what the last lines were about
  std::vector<Complaint> complaints_;
  std::vector<std::string> other_;
};

}  // namespace

std::string LinkerErrors(std::string_view output) {
  Parser parser;
  std::istringstream lines(Printable(output));
  for (std::string line; std::getline(lines, line);) parser.Take(line);
  std::string text = parser.Text();
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace kvlab::grading
