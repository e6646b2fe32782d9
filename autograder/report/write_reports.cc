#include "autograder/report/write_reports.h"

#include <filesystem>

#include "autograder/report/authors_view.h"
#include "autograder/report/autolab.h"
#include "autograder/report/classroom50.h"
#include "autograder/report/gradescope.h"
#include "autograder/report/html_report.h"
#include "autograder/report/junit.h"
#include "autograder/report/prairielearn.h"
#include "autograder/report/sizes.h"
#include "autograder/report/text_report.h"
#include "autograder/report/write_file.h"

namespace kvlab::grading {

void WriteReports(const Report& report, const std::filesystem::path& folder) {
  MakeFolder(folder);
  const AuthorsView author(report);
  WriteFile(folder / "report.txt",
            WithinBytes(author.Visible(), kMostReportBytes, FullText));
  WriteFile(folder / "report.html",
            WithinBytes(author.Visible(), kMostPageBytes, HtmlReport));
  WriteFile(folder / "instructor.txt",
            InstructorText(report) +
                (author.ConcealsAny()
                     ? "\n" + WithinBytes(report, kMostReportBytes, FullText)
                     : ""));
  WriteFile(folder / "results.json", GradescopeJson(report));
  WriteFile(folder / "prairielearn.json", PrairieLearnJson(report));
  WriteFile(folder / "autolab.json", AutolabLine(report));
  WriteFile(folder / "classroom50.json", Classroom50Json(report));
  WriteFile(folder / "junit.xml", JunitXml(report));
}

}  // namespace kvlab::grading
