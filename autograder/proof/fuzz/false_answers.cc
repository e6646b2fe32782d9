#include "autograder/proof/fuzz/false_answers.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "autograder/machine/protocol/message.h"
#include "autograder/machine/protocol/value.h"

namespace kvlab::grading {
namespace {

constexpr std::array<float, 6> kFloats = {
    0,
    std::numeric_limits<float>::quiet_NaN(),
    std::numeric_limits<float>::infinity(),
    std::numeric_limits<float>::max(),
    -1,
    std::numeric_limits<float>::denorm_min()};

// What comes out at the checker's end of the pipe.
Reply Travel(const Reply& reply) {
  const Bytes bytes = EncodeReply(reply);
  try {
    return DecodeReply(std::span(bytes).subspan(kHeaderBytes));
  } catch (const MalformedMessage& error) {
    Reply refused;
    refused.status = Status::kBadReply;
    refused.message = error.what();
    return refused;
  }
}

}  // namespace

Reply FalseAnswers::Next(Reply honest) {
  switch (NextByte() % 8) {
    case 4: {
      Reply lost;
      lost.status = static_cast<Status>(NextByte() % 7);
      lost.message = "as it likes";
      return IsAnswer(lost.status) ? Travel(lost) : lost;
    }
    case 5:
      ChangeValues(honest.values);
      break;
    case 6:
      if (!honest.values.empty()) {
        ChangeNumber(honest.values[NextByte() % honest.values.size()]);
      }
      break;
    case 7:
      if (!honest.values.empty()) {
        ChangeShape(honest.values[NextByte() % honest.values.size()]);
      }
      break;
    default:
      return honest;
  }
  return Travel(honest);
}

std::uint8_t FalseAnswers::NextByte() {
  if (script_.empty()) return 0;
  const std::uint8_t byte = script_.front();
  script_ = script_.subspan(1);
  return byte;
}

std::int64_t FalseAnswers::NextInteger() {
  constexpr std::array<std::int64_t, 8> kIntegers = {
      0,     1,          -1,         255,
      65535, 1LL << 31U, 1LL << 62U, std::numeric_limits<std::int64_t>::min()};
  return kIntegers[NextByte() % kIntegers.size()];
}

Value FalseAnswers::NextValue() {
  switch (NextByte() % 7) {
    case 0:
      return NextInteger();
    case 1:
      return static_cast<double>(kFloats[NextByte() % kFloats.size()]);
    case 2:
      return Integers(NextByte(), NextInteger());
    case 3:
      return Array{{0, NextByte()}, {}};
    case 4:
      return Array{{}, {kFloats[NextByte() % kFloats.size()]}};
    case 5:
      return Handle{static_cast<std::uint64_t>(NextInteger())};
    default:
      return std::string(NextByte(), '%');
  }
}

void FalseAnswers::ChangeValues(Values& values) {
  const std::size_t at = values.empty() ? 0 : NextByte() % values.size();
  switch (NextByte() % 4) {
    case 0:
      values.clear();
      break;
    case 1:
      values.push_back(NextValue());
      break;
    case 2:
      if (!values.empty()) values.pop_back();
      break;
    default:
      if (!values.empty()) values[at] = NextValue();
  }
}

void FalseAnswers::ChangeNumber(Value& value) {
  if (auto* integers = std::get_if<Integers>(&value)) {
    if (NextByte() % 4 == 0) integers->resize(NextByte());
    if (integers->empty()) return;
    (*integers)[NextByte() % integers->size()] = NextInteger();
  } else if (auto* array = std::get_if<Array>(&value)) {
    if (array->values.empty()) return;
    array->values[NextByte() % array->values.size()] =
        kFloats[NextByte() % kFloats.size()];
  } else {
    value = NextValue();
  }
}

void FalseAnswers::ChangeShape(Value& value) {
  auto* array = std::get_if<Array>(&value);
  if (array == nullptr) return ChangeNumber(value);
  switch (NextByte() % 4) {
    case 0:
      array->shape.push_back(1);
      break;
    case 1:
      std::ranges::reverse(array->shape);
      break;
    case 2:
      array->shape = {array->values.size()};
      break;
    default:
      array->values.clear();
      if (!array->shape.empty()) {
        array->shape[NextByte() % array->shape.size()] = 0;
      }
  }
}

}  // namespace kvlab::grading
