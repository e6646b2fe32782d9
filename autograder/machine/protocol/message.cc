#include "autograder/machine/protocol/message.h"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace kvlab::grading {
namespace {

constexpr std::uint32_t kMagic = 0x6d6c766b;  // "kvlm"
constexpr std::uint16_t kVersion = 1;

// No axis is longer, even where another axis is 0.
constexpr std::uint64_t kMaxAxis = std::uint64_t{1} << 32U;

// A tag and a length: no value is shorter.
constexpr std::size_t kMinValueBytes = 9;

// The tag of a value is its place in the variant.
template <typename T, std::size_t I = 0>
constexpr std::uint8_t TagOf() {
  if constexpr (std::is_same_v<T, std::variant_alternative_t<I, Value>>) {
    return I;
  } else {
    return TagOf<T, I + 1>();
  }
}

class Writer {
 public:
  explicit Writer(MessageKind kind) {
    Put(kMagic);
    Put(kVersion);
    Put(static_cast<std::uint16_t>(kind));
    Put(std::uint64_t{0});
  }

  template <typename Number>
  void Put(Number number) {
    static_assert(std::is_arithmetic_v<Number>);
    Append(&number, sizeof(number));
  }

  void PutText(std::string_view text) {
    Put(std::uint64_t{text.size()});
    Append(text.data(), text.size());
  }

  template <typename Number>
  void PutList(std::span<const Number> list) {
    Put(std::uint64_t{list.size()});
    Append(list.data(), list.size_bytes());
  }

  void PutValues(const Values& values) {
    Put(std::uint64_t{values.size()});
    for (const Value& value : values) {
      Put(static_cast<std::uint8_t>(value.index()));
      std::visit([this](const auto& content) { PutContent(content); }, value);
    }
  }

  Bytes Finish() && {
    const std::uint64_t payload = bytes_.size() - kHeaderBytes;
    std::memcpy(bytes_.data() + kHeaderBytes - sizeof(payload), &payload,
                sizeof(payload));
    return std::move(bytes_);
  }

 private:
  void PutContent(std::int64_t number) { Put(number); }
  void PutContent(double number) { Put(number); }
  void PutContent(const Integers& numbers) {
    PutList(std::span<const std::int64_t>(numbers));
  }
  void PutContent(const Array& array) {
    PutList(std::span<const std::size_t>(array.shape));
    PutList(std::span<const float>(array.values));
  }
  void PutContent(const Handle& handle) { Put(handle.id); }
  void PutContent(const std::string& text) { PutText(text); }

  void Append(const void* data, std::size_t size) {
    if (size == 0) return;
    const std::size_t end = bytes_.size();
    bytes_.resize(end + size);
    std::memcpy(bytes_.data() + end, data, size);
  }

  Bytes bytes_;
};

class Reader {
 public:
  explicit Reader(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  template <typename Number>
  Number Take() {
    static_assert(std::is_arithmetic_v<Number>);
    Number number{};
    Require(sizeof(number), "a number");
    std::memcpy(&number, bytes_.data(), sizeof(number));
    bytes_ = bytes_.subspan(sizeof(number));
    return number;
  }

  std::string TakeText(std::size_t longest) {
    const std::size_t size = TakeCount(1, "a text");
    if (size > longest) throw MalformedMessage("a text is too long");
    std::string text(size, '\0');
    CopyTo(text.data(), size);
    return text;
  }

  template <typename Number>
  std::vector<Number> TakeList() {
    std::vector<Number> list(TakeCount(sizeof(Number), "a list"));
    CopyTo(list.data(), list.size() * sizeof(Number));
    return list;
  }

  Values TakeValues() {
    Values values;
    const std::size_t count = TakeCount(kMinValueBytes, "the values");
    values.reserve(count);
    for (std::size_t i = 0; i < count; ++i) values.push_back(TakeValue());
    return values;
  }

  void ExpectEnd() const {
    if (!bytes_.empty()) {
      throw MalformedMessage(std::to_string(bytes_.size()) +
                             " bytes are left over");
    }
  }

 private:
  Value TakeValue() {
    switch (Take<std::uint8_t>()) {
      case TagOf<std::int64_t>():
        return Take<std::int64_t>();
      case TagOf<double>():
        return Take<double>();
      case TagOf<Integers>():
        return TakeList<std::int64_t>();
      case TagOf<Array>():
        return TakeArray();
      case TagOf<Handle>():
        return Handle{Take<std::uint64_t>()};
      case TagOf<std::string>():
        return TakeText(std::numeric_limits<std::size_t>::max());
      default:
        throw MalformedMessage("a value has an unknown tag");
    }
  }

  Array TakeArray() {
    Array array;
    array.shape = TakeList<std::size_t>();
    if (array.shape.size() > kMaxRank) {
      throw MalformedMessage("a tensor has too many axes");
    }
    array.values = TakeList<float>();
    if (ElementCount(array.shape) != array.values.size()) {
      throw MalformedMessage("a tensor's shape disagrees with its elements");
    }
    return array;
  }

  static std::uint64_t ElementCount(std::span<const std::size_t> shape) {
    std::uint64_t count = 1;
    for (const std::size_t axis : shape) {
      if (axis > kMaxAxis || (axis != 0 && count > kMaxAxis / axis)) {
        throw MalformedMessage("a tensor is larger than any message");
      }
      count *= axis;
    }
    return count;
  }

  // A count of things of at least `size` bytes each, which must still be here.
  std::size_t TakeCount(std::size_t size, const char* what) {
    const std::uint64_t count = Take<std::uint64_t>();
    if (count > bytes_.size() / size) {
      throw MalformedMessage(std::string(what) + " would be longer than " +
                             "the message");
    }
    return count;
  }

  void Require(std::size_t size, const char* what) const {
    if (size > bytes_.size()) {
      throw MalformedMessage(std::string("the message ends inside ") + what);
    }
  }

  // `size` has been checked by TakeCount.
  void CopyTo(void* target, std::size_t size) {
    if (size == 0) return;
    std::memcpy(target, bytes_.data(), size);
    bytes_ = bytes_.subspan(size);
  }

  std::span<const std::uint8_t> bytes_;
};

}  // namespace

Bytes EncodeRequest(const Request& request) {
  Writer writer(MessageKind::kRequest);
  writer.PutText(request.operation);
  writer.PutValues(request.arguments);
  return std::move(writer).Finish();
}

Bytes EncodeReply(const Reply& reply) {
  Writer writer(MessageKind::kReply);
  writer.Put(static_cast<std::uint8_t>(reply.status));
  writer.PutText(reply.message);
  writer.PutValues(reply.values);
  return std::move(writer).Finish();
}

std::uint64_t PayloadBytes(std::span<const std::uint8_t, kHeaderBytes> header,
                           MessageKind kind) {
  Reader reader(header);
  if (reader.Take<std::uint32_t>() != kMagic) {
    throw MalformedMessage("not a message of this protocol");
  }
  if (reader.Take<std::uint16_t>() != kVersion) {
    throw MalformedMessage("the message is of another version");
  }
  if (reader.Take<std::uint16_t>() != static_cast<std::uint16_t>(kind)) {
    throw MalformedMessage("the message is of another kind");
  }
  return reader.Take<std::uint64_t>();
}

Request DecodeRequest(std::span<const std::uint8_t> payload) {
  Reader reader(payload);
  Request request;
  request.operation = reader.TakeText(kMaxMessageBytes);
  request.arguments = reader.TakeValues();
  reader.ExpectEnd();
  return request;
}

Reply DecodeReply(std::span<const std::uint8_t> payload) {
  Reader reader(payload);
  Reply reply;
  const std::uint8_t status = reader.Take<std::uint8_t>();
  if (status > static_cast<std::uint8_t>(Status::kException)) {
    throw MalformedMessage("the status is not one that a worker may give");
  }
  reply.status = static_cast<Status>(status);
  reply.message = reader.TakeText(kMaxMessageBytes);
  reply.values = reader.TakeValues();
  reader.ExpectEnd();
  return reply;
}

}  // namespace kvlab::grading
