#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "formats/avro_schema.h"

namespace weir {

/// What JSON stands for.
enum class AvroJsonStyle : uint8_t {
  /// A default in a schema: bytes are text of one character (up to U+00FF) each, what has a logical
  /// type is written without it.
  kDefault,
  /// A value as weir writes it (batch/render.h): bytes in base64, timestamps in epoch milliseconds
  /// or ISO 8601, dates as text, decimals as numbers.
  kValue,
};

/// Writes JSON values as Avro binary.
class AvroJsonWriter {
 public:
  explicit AvroJsonWriter(AvroJsonStyle style) : style_(style) {}

  /// Appends `value` as a `type`. Of a union the first branch counts that the value fits; a text
  /// prefers an enum that has it, then a string. False where it does not fit: `fault()` says why
  /// and `out` holds half of it.
  bool Append(const nlohmann::json& value, const AvroType& type, std::string& out);
  /// `address.city: expected int, got "x"`.
  const std::string& fault() const { return fault_; }

 private:
  using Json = nlohmann::json;
  bool One(const Json& value, const AvroType& type, std::string& out, int depth);
  bool Whole(const Json& value, const AvroType& type, std::string& out);
  bool Text(const Json& value, const AvroType& type, std::string& out);
  bool Bytes(const Json& value, const AvroType& type, std::string& out);
  bool Decimal(const Json& value, const AvroType& type, std::string& out);
  bool Record(const Json& value, const AvroType& type, std::string& out, int depth);
  bool Union(const Json& value, const AvroType& type, std::string& out, int depth);
  bool Refuse(std::string_view expected, const Json& value);
  bool Within(std::string_view part);

  const AvroJsonStyle style_;
  int steps_left_ = 0;
  std::string fault_;
};

}  // namespace weir
