// How the points of one part are distributed.
#ifndef KVLAB_AUTOGRADER_CLASS_PAGE_PART_CHART_H_
#define KVLAB_AUTOGRADER_CLASS_PAGE_PART_CHART_H_

#include <string>
#include <vector>

#include "autograder/report/html.h"

namespace kvlab::grading {

// A figure with a bar for each tenth of `most`, and the number of people over
// it; the last bar has those with all points too. Its caption says the median
// and the quartiles.
Html PartChart(const std::string& title, const std::vector<double>& points,
               double most);

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CLASS_PAGE_PART_CHART_H_
