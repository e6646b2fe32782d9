#include "autograder/report/junit.h"

#include <cstddef>
#include <sstream>
#include <string>

#include "autograder/machine/text/printable.h"
#include "autograder/report/authors_view.h"
#include "autograder/report/check_rows.h"
#include "autograder/report/sizes.h"
#include "autograder/report/text_report.h"
#include "fmt/format.h"
#include "pugixml.hpp"

namespace kvlab::grading {
namespace {

void Set(pugi::xml_node& node, const char* name, const std::string& value) {
  node.append_attribute(name) = Printable(value).c_str();
}

void Set(pugi::xml_node& node, const char* name, std::size_t value) {
  node.append_attribute(name) = std::to_string(value).c_str();
}

void SetSeconds(pugi::xml_node& node, double seconds) {
  node.append_attribute("time") = fmt::format("{:.3f}", seconds).c_str();
}

pugi::xml_node Add(pugi::xml_node& node, const char* name,
                   const std::string& text = "") {
  pugi::xml_node child = node.append_child(name);
  if (!text.empty()) child.text() = Printable(text).c_str();
  return child;
}

void AddProblem(pugi::xml_node& test_case, const char* element,
                const char* type, const CheckRow& row) {
  pugi::xml_node problem = Add(test_case, element, TextOf(row));
  const std::string& told =
      row.part->trouble.empty() ? row.mark->came_back : row.part->trouble;
  Set(problem, "message", told.substr(0, told.find('\n')));
  Set(problem, "type", std::string(type));
}

struct Counts {
  std::size_t tests = 0;
  std::size_t failures = 0;
  std::size_t errors = 0;
  std::size_t skipped = 0;
  double seconds = 0;
};

void AddCase(pugi::xml_node& suite, const CheckRow& row, Counts& counts) {
  pugi::xml_node test_case = suite.append_child("testcase");
  Set(test_case, "name",
      fmt::format("{} {}", row.Number(), row.mark->check->title));
  Set(test_case, "classname",
      fmt::format("{} {}", row.task->task->id, row.task->task->title));
  SetSeconds(test_case, row.mark->seconds);
  ++counts.tests;
  counts.seconds += row.mark->seconds;
  if (row.mark->Passed()) return;
  if (!row.part->trouble.empty()) {
    ++counts.errors;
    AddProblem(test_case, "error", "CouldNotBeRun", row);
  } else if (!row.mark->run || row.mark->blocked) {
    ++counts.skipped;
    Add(test_case, "skipped");
  } else {
    ++counts.failures;
    AddProblem(test_case, "failure", "CheckFailed", row);
  }
}

void AddProperty(pugi::xml_node& properties, const char* name, double value) {
  pugi::xml_node property = properties.append_child("property");
  Set(property, "name", std::string(name));
  Set(property, "value", fmt::format("{:g}", value));
}

void AddSuite(pugi::xml_node& suites, const Report& report,
              const PartMark& part, std::size_t id) {
  pugi::xml_node suite = suites.append_child("testsuite");
  pugi::xml_node properties = suite.append_child("properties");
  AddProperty(properties, "points", part.Points());
  AddProperty(properties, "max_points", part.part->Points());
  if (part.part->bonus) AddProperty(properties, "bonus", 1);
  Counts counts;
  for (const CheckRow& row : CheckRows(report)) {
    if (row.part == &part) AddCase(suite, row, counts);
  }
  Add(suite, "system-out");
  Add(suite, "system-err", part.trouble);
  Set(suite, "name", part.part->title);
  Set(suite, "package", "kvlab." + report.name);
  Set(suite, "id", id);
  Set(suite, "timestamp", report.graded_at);
  Set(suite, "hostname", std::string("localhost"));
  Set(suite, "tests", counts.tests);
  Set(suite, "failures", counts.failures);
  Set(suite, "errors", counts.errors);
  Set(suite, "skipped", counts.skipped);
  SetSeconds(suite, counts.seconds);
}

std::string Document(const Report& report) {
  pugi::xml_document document;
  pugi::xml_node declaration = document.append_child(pugi::node_declaration);
  declaration.append_attribute("version") = "1.0";
  declaration.append_attribute("encoding") = "UTF-8";
  pugi::xml_node suites = document.append_child("testsuites");
  std::size_t id = 0;
  for (const PartMark& part : report.marks.parts) {
    AddSuite(suites, report, part, id++);
  }
  std::ostringstream xml;
  document.save(xml, "  ");
  return xml.str();
}

}  // namespace

std::string JunitXml(const Report& report) {
  return WithinBytes(AuthorsView(report).Visible(), kMostReportBytes, Document);
}

}  // namespace kvlab::grading
