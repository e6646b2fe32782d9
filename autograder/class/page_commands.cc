#include "autograder/class/page_commands.h"

#include <array>
#include <cstddef>
#include <ctime>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "autograder/class/class_marks.h"
#include "autograder/class/course_folder.h"
#include "autograder/class/export.h"
#include "autograder/class/gradebook.h"
#include "autograder/class/page/class_page.h"
#include "autograder/class/similarity/handout.h"
#include "autograder/class/similarity/similar.h"
#include "autograder/class/whole_file.h"
#include "autograder/machine/text/printable.h"
#include "autograder/scoring/visibility.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

void AddFolder(CLI::App& command, fs::path& folder) {
  command.add_option("--in", folder, "the folder of the class")
      ->capture_default_str()
      ->check(CLI::ExistingDirectory);
}

void AddSimilar(CLI::App& app, fs::path& folder, SimilarOptions& options) {
  CLI::App& command = *app.add_subcommand(
      "similar",
      "list pairs whose code or answers are alike: a reason to look, not a "
      "verdict");
  AddFolder(command, folder);
  command
      .add_option("--earlier", options.earlier,
                  "an earlier term: its class's folder, or one with an archive "
                  "or a folder for each person")
      ->check(CLI::ExistingDirectory);
  command.add_option("--out", options.page,
                     "the page; similar.html in the class's folder unless "
                     "given");
  command.add_option("--folders", options.tools,
                     "a new folder for JPlag and Dolos");
}

void AddReport(CLI::App& app, fs::path& folder, ReportOptions& options) {
  CLI::App& command = *app.add_subcommand(
      "report", "write a page about the class: marks, checks, decisions, time");
  AddFolder(command, folder);
  command.add_option("--out", options.page,
                     "the page; report.html in the class's folder unless "
                     "given");
  command.add_flag("--anonymous", options.anonymous,
                   "pseudonyms, as export has them");
}

std::string Now() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  const std::size_t size =
      std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M UTC", &utc);
  return {text.data(), size};
}

}  // namespace

void AddPageCommands(CLI::App& app, fs::path& folder, PageOptions& options) {
  AddSimilar(app, folder, options.similar);
  AddReport(app, folder, options.report);
}

int RunSimilar(const fs::path& folder, const std::function<Handout()>& handout,
               const SimilarOptions& options) {
  std::cout << CompareClass(CourseFolder(folder), handout(), options);
  return 0;
}

int RunReport(const fs::path& folder, const ReportOptions& options) {
  const CourseFolder course(folder);
  const Gradebook book(course.Database());
  const std::vector<PersonMarks> people =
      MarksOfClass(course, book, Visibility::kHidden);
  const fs::path page = options.page.empty()
                            ? course.Database().parent_path() / "report.html"
                            : options.page;
  WriteWholeFile(
      page, ClassPage({.course = course.Settings().title,
                       .made_at = Now(),
                       .people = people,
                       .names = options.anonymous ? ExportNames(book.Secret())
                                                  : ExportNames(),
                       .similar = ReadSimilarTable(course)}));
  std::cout << "wrote " << PrintableLine(page.string()) << '\n';
  return 0;
}

}  // namespace kvlab::grading
