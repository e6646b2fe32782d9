// One line that says what is going on, and goes away.
#ifndef KVLAB_CLI_DEMO_PROGRESS_H_
#define KVLAB_CLI_DEMO_PROGRESS_H_

#include <string_view>

namespace kvlab {

// Shows nothing unless stderr is a terminal.
void ShowProgress(std::string_view text);
void ClearProgress();

}  // namespace kvlab

#endif  // KVLAB_CLI_DEMO_PROGRESS_H_
