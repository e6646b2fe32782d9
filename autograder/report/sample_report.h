// Reports of made-up submissions, for tests.
#ifndef KVLAB_AUTOGRADER_REPORT_SAMPLE_REPORT_H_
#define KVLAB_AUTOGRADER_REPORT_SAMPLE_REPORT_H_

#include <memory>
#include <string>

#include "autograder/report/report.h"
#include "autograder/scoring/rubric.h"

namespace kvlab::grading {

// A report, and the rubric that it refers to. Part 1, task 1.1 "Softmax", has
// the checks first to fourth of 1 to 4 points; part 2, task 2.1 "Norm", has a
// fifth of 5; part 3, task 3.1 "Speed", has two of speed and one of memory, of
// 2 points each.
struct Sample {
  std::unique_ptr<Rubric> rubric;
  Report report;

  CheckMark& Mark(std::size_t part, std::size_t check) {
    return report.marks.parts[part].tasks[0].checks[check];
  }
};

// The check failed, or earned only a part of its points.
void Lose(CheckMark& mark, double points, const std::string& came_back = "");

// "alice" has 1.5 of 15 points in the parts that can be run: of part 1, first
// passed, second earned a quarter, third follows from second, and fourth was
// not run. Part 2 does not compile. Part 3: 2 of 6; 50 tokens were fast, 500
// were not, and memory grew.
Sample MixedSample();

// "grace" has all 21 points.
Sample PerfectSample();

// "frances": part 3 is a bonus, of whose 6 points 4 count at most. She has all
// 15 of the others and 5 of the bonus.
Sample BonusSample();

// "heidi": no part can be run.
Sample BrokenSample();

// A mixed report whose author may not see the second check of task 1.1.
Sample ConcealedSample();

// Every check of the mixed report failed or could not be run, each with 100 KB
// of text, and thousands of notices: more than any honest submission causes.
Sample WorstSample();

// A mixed report in which all text of the submission tries to be markup, a
// command, control characters or a change of writing direction.
Sample HostileSample();

// Text of the hostile sample that must not become markup.
constexpr const char* kHostileMarkup =
    "</pre></style><script>window.taken = 1</script><img src=x "
    "onerror=\"window.taken=1\">]]><!--";

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_REPORT_SAMPLE_REPORT_H_
