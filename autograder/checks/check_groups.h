// The checks by subject; AllChecks() in check.h is all of them.
#ifndef KVLAB_AUTOGRADER_CHECKS_CHECK_GROUPS_H_
#define KVLAB_AUTOGRADER_CHECKS_CHECK_GROUPS_H_

#include "autograder/checks/check.h"

namespace kvlab::grading {

Checks AttentionChecks();        // module 1
Checks LayerChecks();            // module 2, tasks 2.1 to 2.4
Checks ModelChecks();            // module 2, task 2.5
Checks SamplingChecks();         // module 2, tasks 2.6 and 2.7
Checks MemoChecks();             // module 3, task 3.1
Checks LayerCacheChecks();       // module 3, tasks 3.2 to 3.4
Checks KvCacheChecks();          // module 3, tasks 3.5 and 3.9
Checks CachedAttentionChecks();  // module 3, task 3.6
Checks EnableChecks();           // module 3, task 3.7
Checks GenerateCachedChecks();   // module 3, task 3.8
Checks CostChecks();             // module 3: work, instructions, memory
Checks SpeedChecks();            // module 3: time
Checks FormulaChecks();          // module 4, tasks 4.1 to 4.5
Checks BenchmarkChecks();        // module 4, task 4.6
Checks ComparisonChecks();       // module 4, tasks 4.7 and 4.8
Checks FitChecks();              // module 4, tasks 4.9 and 4.10
Checks QuizChecks();             // module 4, task 4.11
Checks EndToEndChecks();         // all of a submission together

}  // namespace kvlab::grading

#endif  // KVLAB_AUTOGRADER_CHECKS_CHECK_GROUPS_H_
