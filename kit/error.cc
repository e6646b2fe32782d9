#include "kit/error.h"

#include <string>
#include <string_view>

namespace kvlab {
namespace {

std::string Message(std::string_view what, std::string_view why,
                    std::string_view fix) {
  std::string text(what);
  text.append("\n  why: ").append(why);
  text.append("\n  fix: ").append(fix);
  return text;
}

// "module 3, task 2" is marked TODO(3.2).
std::string TodoOf(std::string_view task) {
  std::string numbers;
  for (const char letter : task) {
    if (letter >= '0' && letter <= '9') numbers += letter;
    if (letter == ',') numbers += '.';
  }
  return "TODO(" + numbers + ")";
}

}  // namespace

ContractError::ContractError(std::string_view what, std::string_view why,
                             std::string_view fix)
    : std::logic_error(Message(what, why, fix)) {}

DataError::DataError(std::string_view what, std::string_view why,
                     std::string_view fix)
    : std::runtime_error(Message(what, why, fix)) {}

NotImplemented::NotImplemented(std::string_view function, std::string_view task)
    : std::logic_error(Message(
          std::string(function) + " is not implemented yet",
          std::string("this is ") + std::string(task),
          "find " + TodoOf(task) + " and replace the throw below it")) {}

}  // namespace kvlab
