// Numbers as people type them.
#ifndef KVLAB_QUIZ_TYPED_NUMBER_H_
#define KVLAB_QUIZ_TYPED_NUMBER_H_

#include <optional>
#include <string_view>

namespace kvlab {

// "1152", "1,152" and "1 152" (thousands, as the questions write them), "2.0",
// "2,0" and "0,125" (a comma that can only be a decimal one), "1.152,5",
// "1.2e3", each with words of the unit around it: "1152 MiB", "row 9". nullopt
// if it is ambiguous or has another unit: "1.125 GiB", "about 3".
// unit: the unit of the question, "MiB (1 MiB = 1,048,576 bytes)"
std::optional<double> TypedNumber(std::string_view text, std::string_view unit);

}  // namespace kvlab

#endif  // KVLAB_QUIZ_TYPED_NUMBER_H_
