#include "autograder/machine/checker/discreet_endpoint.h"

#include <cmath>
#include <cstddef>
#include <regex>
#include <string>
#include <string_view>
#include <variant>

#include "autograder/machine/text/printable.h"

namespace kvlab::grading {
namespace {

bool IsDigit(char letter) { return letter >= '0' && letter <= '9'; }

bool IsWordLetter(char letter) {
  return IsDigit(letter) || (letter >= 'a' && letter <= 'z') ||
         (letter >= 'A' && letter <= 'Z') || letter == '_';
}

// What NotImplemented of the kit says: it holds nothing but a task's number.
bool IsOfAStub(const std::string& message) {
  static const std::regex form(
      "[A-Za-z_:~]{1,60} is not implemented yet\n"
      "  why: this is module [0-9], task [0-9]{1,2}\n"
      "  fix: find TODO\\([0-9]\\.[0-9]{1,2}\\) and replace the throw below "
      "it");
  return std::regex_match(message, form);
}

// A word that begins with a digit is a number, or a part of one.
bool MayBeShown(std::string_view word, bool in_fraction,
                const SentNumbers& sent) {
  std::size_t number = 0;
  for (const char letter : word) {
    if (!IsDigit(letter)) return false;
    number = 10 * number + static_cast<std::size_t>(letter - '0');
    if (number >= SentNumbers::kEnd) return false;
  }
  return !in_fraction && !sent.Has(number);
}

// The text with '#' for numbers; a fraction or an exponent belongs to its
// number.
std::string Masked(std::string_view text, const SentNumbers& sent) {
  std::string masked;
  bool any = false;
  bool in_exponent = false;  // "1e", and what comes next belongs to it
  for (std::size_t at = 0; at < text.size();) {
    std::size_t end = at;
    while (end < text.size() && IsWordLetter(text[end])) ++end;
    const std::string_view word = text.substr(at, end - at);
    if (word.empty()) {
      masked += text[at++];
      continue;
    }
    const bool in_fraction =
        (in_exponent && (text[at - 1] == '-' || text[at - 1] == '+')) ||
        (at >= 2 && text[at - 1] == '.' && IsWordLetter(text[at - 2])) ||
        (end + 1 < text.size() && text[end] == '.' && IsDigit(text[end + 1]));
    in_exponent =
        IsDigit(word.front()) &&
        std::string_view("eEpP").find(word.back()) != std::string_view::npos;
    if (!IsDigit(word.front()) || MayBeShown(word, in_fraction, sent)) {
      masked += word;
    } else {
      masked += '#';
      any = true;
    }
    at = end;
  }
  if (any) masked += "\n(# is a number that a report does not show)";
  return masked;
}

}  // namespace

void SentNumbers::Add(double number) {
  if (number >= 0 && number < static_cast<double>(kEnd) &&
      number == std::floor(number)) {
    sent_.set(static_cast<std::size_t>(number));
  }
}

void SentNumbers::Add(const Request& request) {
  for (const Value& argument : request.arguments) {
    if (const auto* integer = std::get_if<std::int64_t>(&argument)) {
      Add(static_cast<double>(*integer));
    } else if (const auto* number = std::get_if<double>(&argument)) {
      Add(*number);
    } else if (const auto* integers = std::get_if<Integers>(&argument)) {
      for (const std::int64_t one : *integers) Add(static_cast<double>(one));
    } else if (const auto* array = std::get_if<Array>(&argument)) {
      for (const std::size_t size : array->shape) {
        Add(static_cast<double>(size));
      }
      for (const float value : array->values) Add(static_cast<double>(value));
    }
  }
}

std::string WorkersWords::Quote(std::string_view message,
                                const SentNumbers& sent) {
  std::string text = Printable(message);
  if (!IsOfAStub(text)) text = Masked(Shortened(text, kMostOfOne), sent);
  if (quoted_.contains(text)) return text;
  if (characters_ + text.size() > kMostOfAll) {
    // Which function is not done, the check's task says.
    if (IsOfAStub(text)) return "this task is not implemented yet";
    return "(its words are left out: of all that a program throws, a report "
           "quotes the first " +
           std::to_string(kMostOfAll) + " characters)";
  }
  characters_ += text.size();
  quoted_.insert(text);
  return text;
}

Reply DiscreetEndpoint::Call(const Request& request, const CallLimits& limits) {
  sent_.Add(request);
  Reply reply = endpoint_.Call(request, limits);
  if (reply.status == Status::kContractError && limits.refusal_is_right) {
    // Right answers use up none of the allowance for error messages.
    reply.message.clear();
    return reply;
  }
  switch (reply.status) {
    case Status::kContractError:
    case Status::kNotImplemented:
    case Status::kException:
      reply.message = words_.Quote(reply.message, sent_);
      break;
    case Status::kOk:
    case Status::kWorkerCrashed:
    case Status::kTimedOut:
    case Status::kBadReply:
      reply.message = Printable(reply.message);  // the checker's own words
      break;
  }
  return reply;
}

void DiscreetEndpoint::Restart() {
  sent_.Clear();
  endpoint_.Restart();
}

}  // namespace kvlab::grading
