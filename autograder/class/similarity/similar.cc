#include "autograder/class/similarity/similar.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "autograder/class/course_folder.h"
#include "autograder/class/csv.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/similarity/alike_answers.h"
#include "autograder/class/similarity/alike_pairs.h"
#include "autograder/class/similarity/handout.h"
#include "autograder/class/similarity/read_authors.h"
#include "autograder/class/similarity/similarity_page.h"
#include "autograder/class/similarity/tool_folders.h"
#include "autograder/class/whole_file.h"
#include "autograder/machine/submission/module_files.h"
#include "autograder/machine/text/count.h"
#include "autograder/machine/text/printable.h"
#include "fmt/format.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kColumns = 5;
const std::array<std::string, kColumns>& Head() {
  static const std::array<std::string, kColumns> head = {"one", "other", "what",
                                                         "share", "text"};
  return head;
}

std::string TableOf(const SimilarityFindings& found) {
  std::string csv = CsvLine(Head());
  for (const AlikeAnswers& each : found.answers) {
    const std::array<std::string, kColumns> row = {
        found.authors[each.one].name, found.authors[each.other].name, "answers",
        "", AnswersText(each)};
    csv += CsvLine(row);
  }
  for (const AlikePair& each : found.code.pairs) {
    const std::array<std::string, kColumns> row = {
        found.authors[each.one].name, found.authors[each.other].name, "code",
        fmt::format("{:.3f}", each.Share()),
        fmt::format("{:.0f} % and {:.0f} % of their own code: {} and {} lines",
                    100 * each.share_of_one, 100 * each.share_of_other,
                    each.lines_of_one, each.lines_of_other)};
    csv += CsvLine(row);
  }
  return csv;
}

}  // namespace

std::string CompareClass(const CourseFolder& course, const Handout& handout,
                         const SimilarOptions& options) {
  const std::vector<ModuleFiles> modules = ReadModuleFiles(handout.course);
  const Gradebook book(course.Database());
  Authors read = ReadClass(book, course.People(), modules);
  for (const fs::path& folder : options.earlier) {
    AddEarlierTerm(folder, modules, read);
  }
  if (!options.tools.empty()) {
    WriteToolFolders(read.authors, handout, modules, options.tools);
  }
  SimilarityFindings found;
  found.course = course.Settings().title;
  found.authors = read.authors;
  found.code = FindAlikeCode(read.authors, ReadGivenCode(handout));
  found.answers = FindAlikeAnswers(read.authors, ReadQuizzes(handout, modules));
  found.unread = read.unread;
  const fs::path page = options.page.empty()
                            ? course.Database().parent_path() / "similar.html"
                            : options.page;
  WriteWholeFile(page, SimilarityPage(found));
  WriteWholeFile(course.Database().parent_path() / "similar.csv",
                 TableOf(found));
  return fmt::format(
      "{} compared: {} of code and {} of concept checks to look at, which is "
      "not a verdict\nwrote {}\n",
      Count(read.authors.size(), "submission"),
      Count(found.code.pairs.size(), "pair"),
      Count(found.answers.size(), "pair"), PrintableLine(page.string()));
}

SimilarTable ReadSimilarTable(const CourseFolder& course) {
  const fs::path file = course.Database().parent_path() / "similar.csv";
  SimilarTable table;
  table.made = fs::exists(file);
  if (!table.made) return table;
  const CsvFile csv = CsvFile::Read(file);
  for (const CsvRow& row : csv.Rows()) {
    SimilarRow& each = table.rows.emplace_back();
    each.one = row.Text(0);
    each.other = row.Text(1);
    each.what = row.Text(2);
    const std::string& share = row.Text(3);
    std::from_chars(share.data(), share.data() + share.size(), each.share);
    each.text = row.Text(4);
  }
  return table;
}

}  // namespace kvlab::grading
