#include "autograder/machine/compile_errors/compiler_errors.h"

#include <algorithm>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "autograder/machine/compile_errors/compiler_output.h"
#include "autograder/machine/text/printable.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

constexpr std::size_t kMaxErrors = 5;
constexpr std::size_t kMaxNotes = 3;  // of the student's own, for one error
constexpr std::size_t kMaxExcerptLines = 8;
constexpr int kMaxOtherLines = 5;
constexpr std::size_t kMaxCharacters = 400;  // of a line

std::string Plural(std::size_t count, std::string_view thing) {
  return fmt::format("{} {}{}", count, thing, count == 1 ? "" : "s");
}

std::string Line(std::string_view text) {
  return Shortened(text, kMaxCharacters) + "\n";
}

std::string WithExcerpt(const Remark& remark) {
  std::string text = Line(remark.text);
  const std::size_t count = std::min(remark.excerpt.size(), kMaxExcerptLines);
  for (std::size_t i = 0; i < count; ++i) text += Line(remark.excerpt[i]);
  return text;
}

// Of an error in their own file the function that it is in; of one elsewhere
// the line of theirs that led there.
std::string ContextText(const Diagnostic& diagnostic) {
  if (!diagnostic.error.IsTheirs()) {
    const Remark* way = WayThere(diagnostic.context);
    return way == nullptr ? "" : WithExcerpt(*way);
  }
  std::string text;
  for (const Remark& remark : diagnostic.context) {
    if (remark.IsTheirs()) text += WithExcerpt(remark);
  }
  return text;
}

// "modules/01_attention/attention.cc:12:"
std::string_view PlaceOf(const Remark& remark) {
  const std::string_view text = remark.text;
  const std::size_t end = text.find(':', remark.path.size() + 1);
  return text.substr(0, end == std::string_view::npos ? end : end + 1);
}

std::string NotesText(const Diagnostic& diagnostic) {
  std::string text;
  std::size_t shown = 0;
  std::size_t elsewhere = 0;
  for (const Remark& note : diagnostic.notes) {
    if (!note.IsTheirs()) {
      ++elsewhere;
    } else if (++shown <= kMaxNotes) {
      // The source of this line is shown already.
      const bool again = PlaceOf(note) == PlaceOf(diagnostic.error);
      text += again ? Line(note.text) : WithExcerpt(note);
    }
  }
  if (shown > kMaxNotes) {
    text += fmt::format("[{} on your lines]\n",
                        Plural(shown - kMaxNotes, "more note"));
  }
  if (elsewhere > 0) {
    text += fmt::format(
        "[{} on lines of the kit, xtensor and the standard library]\n",
        Plural(elsewhere, "note"));
  }
  return text;
}

std::string ErrorText(const Diagnostic& diagnostic) {
  const Remark& error = diagnostic.error;
  return ContextText(diagnostic) +
         (error.IsTheirs() ? WithExcerpt(error) : Line(error.text)) +
         NotesText(diagnostic);
}

// For errors without a line: "g++: fatal error: Killed signal ...".
std::string FirstLines(const std::string& output) {
  std::string text;
  std::istringstream lines(output);
  std::string line;
  for (int n = 0; n < kMaxOtherLines && std::getline(lines, line); ++n) {
    text += Line(line);
  }
  return text;
}

}  // namespace

std::string CompilerErrors(std::string_view output) {
  const std::string printable = Printable(output);
  const std::vector<Diagnostic> errors = ParseDiagnostics(printable);
  std::string text = errors.empty() ? FirstLines(printable) : "";
  const std::size_t shown = std::min(errors.size(), kMaxErrors);
  for (std::size_t i = 0; i < shown; ++i) text += ErrorText(errors[i]);
  if (errors.size() > shown) {
    text += fmt::format("[{}; they often follow from the first]\n",
                        Plural(errors.size() - shown, "more error"));
  }
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace kvlab::grading
