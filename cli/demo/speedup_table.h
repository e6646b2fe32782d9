// Measured speedups as a table to read and as a table to plot.
#ifndef KVLAB_CLI_DEMO_SPEEDUP_TABLE_H_
#define KVLAB_CLI_DEMO_SPEEDUP_TABLE_H_

#include <string>
#include <string_view>
#include <vector>

#include "cli/demo/speedup.h"

namespace kvlab {

// The table's parts, one at a time, since a row takes seconds to measure.
std::string TableHead();
std::string TableRow(const MeasuredSpeedup& row);
// The meaning of the columns.
std::string TableFoot();

// Comma-separated, with names in the first line and `machine` in a comment
// (#) before it.
std::string Csv(const std::vector<MeasuredSpeedup>& rows,
                std::string_view machine);

}  // namespace kvlab

#endif  // KVLAB_CLI_DEMO_SPEEDUP_TABLE_H_
