#include "autograder/report/write_failure.h"

#include <filesystem>
#include <sstream>
#include <string>

#include "autograder/machine/text/printable.h"
#include "autograder/report/course_version.h"
#include "autograder/report/html.h"
#include "autograder/report/write_file.h"
#include "nlohmann/json.hpp"
#include "pugixml.hpp"

namespace kvlab::grading {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kWhat =
    "The grader failed. This is not the fault of your submission, which was "
    "not graded and has no mark. Your instructor can run the grader again.";

std::string Text(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

// Gradescope requires a score in every result.
Json Gradescope() {
  return {{"score", 0},
          {"output", kWhat},
          {"output_format", "text"},
          {"visibility", "visible"},
          {"stdout_visibility", "hidden"}};
}

// Does not cost an attempt.
Json PrairieLearn() {
  return {{"gradable", false}, {"format_errors", {kWhat}}, {"message", kWhat}};
}

Json Classroom50() {
  return {{"schema", "classroom50/result/v1"},
          {"score", 0},
          {"max-score", 0},
          {"tests", Json::array()}};
}

std::string Course() { return std::string("kvlab ") + kCourseVersion; }

std::string Page(const std::string& name) {
  const Html page = Tag(
      "html", {{"lang", "en"}},
      Tag("head", VoidTag("meta", {{"charset", "utf-8"}}) +
                      Tag("title", kvlab::grading::Text("kvlab: not graded"))) +
          Tag("body",
              Tag("main", Tag("h1", kvlab::grading::Text(name)) +
                              Tag("p", kvlab::grading::Text(kWhat)) +
                              Tag("p", kvlab::grading::Text(Course())))));
  return "<!DOCTYPE html>\n" + page.Markup() + "\n";
}

std::string Junit(const std::string& name) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  pugi::xml_node suite =
      document.append_child("testsuites").append_child("testsuite");
  suite.append_child("properties");
  pugi::xml_node test_case = suite.append_child("testcase");
  test_case.append_attribute("name") = "the grader";
  test_case.append_attribute("classname") = "kvlab";
  test_case.append_attribute("time") = "0.000";
  pugi::xml_node error = test_case.append_child("error");
  error.append_attribute("message") = kWhat;
  error.append_attribute("type") = "GraderFailed";
  suite.append_child("system-out");
  suite.append_child("system-err");
  suite.append_attribute("name") = "kvlab";
  suite.append_attribute("package") = ("kvlab." + name).c_str();
  suite.append_attribute("id") = "0";
  suite.append_attribute("timestamp") = "1970-01-01T00:00:00";
  suite.append_attribute("hostname") = "localhost";
  suite.append_attribute("tests") = "1";
  suite.append_attribute("failures") = "0";
  suite.append_attribute("errors") = "1";
  suite.append_attribute("skipped") = "0";
  suite.append_attribute("time") = "0.000";
  std::ostringstream xml;
  document.save(xml, "  ");
  return xml.str();
}

}  // namespace

void WriteFailure(const std::string& name, const std::string& why,
                  const std::filesystem::path& folder) {
  MakeFolder(folder);
  const std::string shown = PrintableLine(name);
  WriteFile(folder / "report.txt",
            shown + ": not graded\n" + kWhat + "\n\n" + Course() + "\n");
  WriteFile(folder / "report.html", Page(shown));
  WriteFile(folder / "instructor.txt",
            shown + ": the grader failed: " + Printable(why) + "\n\n" +
                Course() + "\n");
  WriteFile(folder / "results.json", Text(Gradescope()));
  WriteFile(folder / "prairielearn.json", Text(PrairieLearn()));
  // Without scores Autolab keeps the ones it has.
  WriteFile(folder / "autolab.json", "{\"scores\":{}}\n");
  WriteFile(folder / "classroom50.json", Text(Classroom50()));
  WriteFile(folder / "junit.xml", Junit(shown));
}

}  // namespace kvlab::grading
