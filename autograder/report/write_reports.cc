#include "autograder/report/write_reports.h"

#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <system_error>

#include "autograder/report/authors_view.h"
#include "autograder/report/autolab.h"
#include "autograder/report/github_classroom.h"
#include "autograder/report/gradescope.h"
#include "autograder/report/html_report.h"
#include "autograder/report/junit.h"
#include "autograder/report/prairielearn.h"
#include "autograder/report/text_report.h"

namespace kvlab::grading {
namespace {

namespace fs = std::filesystem;

void Write(const fs::path& file, const std::string& content) {
  std::ofstream stream(file, std::ios::binary);
  stream << content;
  stream.close();
  if (!stream) throw std::runtime_error("cannot write " + file.string());
}

}  // namespace

void WriteReports(const Report& report, const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    throw std::runtime_error("cannot make " + folder.string() + ": " +
                             error.message());
  }
  const AuthorsView author(report);
  Write(folder / "report.txt", FullText(author.Visible()));
  Write(folder / "report.html", HtmlReport(author.Visible()));
  Write(folder / "instructor.txt",
        InstructorText(report) +
            (author.ConcealsAny() ? "\n" + FullText(report) : ""));
  Write(folder / "results.json", GradescopeJson(report));
  Write(folder / "prairielearn.json", PrairieLearnJson(report));
  Write(folder / "autolab.json", AutolabLine(report));
  Write(folder / "github_classroom.json", GithubClassroomJson(report));
  Write(folder / "junit.xml", JunitXml(report));
}

}  // namespace kvlab::grading
