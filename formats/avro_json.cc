#include "formats/avro_json.h"

#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "batch/time_text.h"
#include "formats/avro_binary.h"
#include "formats/avro_number.h"
#include "formats/avro_uuid.h"
#include "formats/json_reader.h"
#include "formats/values.h"

namespace weir {
namespace {

using Json = nlohmann::json;

/// What one value may cost: a schema can make a small text stand for a great many defaults.
constexpr int kMostSteps = 100000;
constexpr size_t kLongestValue = 16 << 20;

bool Integer(const Json& value, int64_t& number) {
  if (value.is_number_unsigned()) {
    const auto wide = value.get<uint64_t>();
    number = static_cast<int64_t>(wide);
    return wide <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  }
  if (value.is_number_integer()) {
    number = value.get<int64_t>();
    return true;
  }
  constexpr double kExact = 9007199254740992;
  if (!value.is_number_float()) return false;
  const auto wide = value.get<double>();
  if (std::floor(wide) != wide || std::abs(wide) > kExact) return false;
  number = static_cast<int64_t>(wide);
  return true;
}

/// The characters of a default for bytes; false where one is beyond U+00FF.
bool Latin1(std::string_view text, std::string& bytes) {
  for (size_t i = 0; i < text.size(); i++) {
    const auto lead = static_cast<uint8_t>(text[i]);
    if (lead < 0x80) {
      bytes.push_back(text[i]);
    } else if (lead <= 0xc3 && i + 1 < text.size()) {
      bytes.push_back(static_cast<char>(lead << 6 | (text[++i] & 0x3f)));
    } else {
      return false;
    }
  }
  return true;
}

int64_t UnitOf(AvroLogical logical) {
  switch (logical) {
    case AvroLogical::kTimestampMillis:
    case AvroLogical::kLocalTimestampMillis:
      return 1000;
    case AvroLogical::kTimestampMicros:
    case AvroLogical::kLocalTimestampMicros:
      return 1;
    default:
      return 0;
  }
}

}  // namespace

bool AvroJsonWriter::Append(const Json& value, const AvroType& type, std::string& out) {
  steps_left_ = kMostSteps;
  fault_.clear();
  return One(value, type, out, 0);
}

bool AvroJsonWriter::Refuse(std::string_view expected, const Json& value) {
  const auto text = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  fault_ = fmt::format(": expected {}, got {}", expected, ForMessage(text));
  return false;
}

bool AvroJsonWriter::Within(std::string_view part) {
  fault_.insert(0, part);
  return false;
}

bool AvroJsonWriter::One(const Json& value, const AvroType& type, std::string& out, int depth) {
  if (--steps_left_ < 0 || depth > kDeepestJson || out.size() > kLongestValue) {
    fault_ = ": this value is too deep or too long";
    return false;
  }
  switch (type.kind) {
    case AvroKind::kNull:
      return value.is_null() || Refuse("null", value);
    case AvroKind::kBoolean:
      if (!value.is_boolean()) return Refuse("boolean", value);
      out.push_back(value.get<bool>() ? 1 : 0);
      return true;
    case AvroKind::kInt:
    case AvroKind::kLong:
      return Whole(value, type, out);
    case AvroKind::kFloat:
      if (!value.is_number()) return Refuse("float", value);
      AppendAvroFloating(out, value.get<float>());
      return true;
    case AvroKind::kDouble:
      if (!value.is_number()) return Refuse("double", value);
      AppendAvroFloating(out, value.get<double>());
      return true;
    case AvroKind::kString:
    case AvroKind::kEnum:
      return Text(value, type, out);
    case AvroKind::kBytes:
    case AvroKind::kFixed:
      return Bytes(value, type, out);
    case AvroKind::kRecord:
      return Record(value, type, out, depth);
    case AvroKind::kArray:
      if (!value.is_array()) return Refuse("an array", value);
      if (!value.empty()) AppendAvroLong(out, static_cast<int64_t>(value.size()));
      for (size_t i = 0; i < value.size(); i++) {
        if (!One(value[i], *type.parts[0], out, depth + 1)) return Within(fmt::format("[{}]", i));
      }
      out.push_back(0);
      return true;
    case AvroKind::kMap:
      if (!value.is_object()) return Refuse("an object", value);
      if (!value.empty()) AppendAvroLong(out, static_cast<int64_t>(value.size()));
      for (const auto& [key, one] : value.items()) {
        AppendAvroText(out, key);
        if (!One(one, *type.parts[0], out, depth + 1)) return Within("." + key);
      }
      out.push_back(0);
      return true;
    case AvroKind::kUnion:
      return Union(value, type, out, depth);
  }
  WEIR_CHECK(false, "a kind of Avro type without a writer");
}

bool AvroJsonWriter::Whole(const Json& value, const AvroType& type, std::string& out) {
  int64_t number = 0;
  const int64_t unit_us = style_ == AvroJsonStyle::kValue ? UnitOf(type.logical) : 0;
  if (unit_us > 0) {
    std::optional<EventTime> time;
    if (value.is_number()) time = TimeReader().FromNumber(value.dump());
    if (value.is_string()) time = ParseTime(value.get_ref<const std::string&>());
    if (!time) return Refuse("a time (epoch ms, or ISO 8601 text)", value);
    number = FloorDivide(time->us, unit_us);
  } else if (style_ == AvroJsonStyle::kValue && type.logical == AvroLogical::kDate) {
    const auto days =
        value.is_string() ? ParseDate(value.get_ref<const std::string&>()) : std::nullopt;
    if (!days) return Refuse("a date (text such as 2026-01-02)", value);
    number = *days;
  } else if (!Integer(value, number) ||
             (type.Is(AvroKind::kInt) && number != static_cast<int32_t>(number))) {
    return Refuse(Describe(type), value);
  }
  AppendAvroLong(out, number);
  return true;
}

bool AvroJsonWriter::Text(const Json& value, const AvroType& type, std::string& out) {
  if (!value.is_string()) return Refuse(Describe(type), value);
  const auto& text = value.get_ref<const std::string&>();
  if (type.Is(AvroKind::kString)) {
    AppendAvroText(out, text);
    return true;
  }
  for (size_t i = 0; i < type.symbols.size(); i++) {
    if (type.symbols[i] != text) continue;
    AppendAvroLong(out, static_cast<int64_t>(i));
    return true;
  }
  return Refuse("a symbol of " + Describe(type), value);
}

bool AvroJsonWriter::Bytes(const Json& value, const AvroType& type, std::string& out) {
  const bool is_value = style_ == AvroJsonStyle::kValue;
  if (is_value && type.logical == AvroLogical::kDecimal) return Decimal(value, type, out);
  if (!value.is_string()) return Refuse(Describe(type), value);
  const auto& text = value.get_ref<const std::string&>();
  std::string bytes;
  if (is_value && type.logical == AvroLogical::kUuid) {
    if (!ReadUuid(text, bytes)) return Refuse("a uuid", value);
  } else if (!(is_value ? DecodeBase64(text, bytes) : Latin1(text, bytes))) {
    return Refuse(is_value ? "bytes (base64 text)" : "bytes (characters up to U+00FF)", value);
  }
  if (type.Is(AvroKind::kBytes)) {
    AppendAvroText(out, bytes);
    return true;
  }
  out += bytes;
  return bytes.size() == type.size || Refuse(fmt::format("{} bytes", type.size), value);
}

bool AvroJsonWriter::Decimal(const Json& value, const AvroType& type, std::string& out) {
  std::optional<Int128> number;
  if (value.is_number() && type.scale <= 38) number = ReadScaled(value.dump(), type.scale);
  // What is no integer has gone through a double, which keeps 15 digits for certain.
  const int kept = value.is_number_float() ? 15 : 38;
  const Int128 bound = PowerOfTen(std::min(type.precision, kept));
  std::string bytes;
  if (!number || *number >= bound || *number <= -bound ||
      !AppendAvroDecimal(bytes, *number, type.size)) {
    return Refuse(Describe(type), value);
  }
  if (type.Is(AvroKind::kBytes)) AppendAvroLong(out, static_cast<int64_t>(bytes.size()));
  out += bytes;
  return true;
}

bool AvroJsonWriter::Record(const Json& value, const AvroType& type, std::string& out, int depth) {
  if (!value.is_object()) return Refuse("an object", value);
  size_t found = 0;
  for (const AvroField& field : type.fields) {
    const auto one = value.find(field.name);
    if (one != value.end()) {
      found++;
      if (!One(*one, *field.type, out, depth + 1)) return Within("." + field.name);
    } else if (!field.default_json) {
      fault_ = fmt::format(".{}: is missing, and has no default", field.name);
      return false;
    } else if (style_ == AvroJsonStyle::kValue) {
      out += field.default_bytes;
    } else if (!One(Json::parse(*field.default_json), *field.type, out, depth + 1)) {
      return Within("." + field.name);
    }
  }
  if (found == value.size() || style_ == AvroJsonStyle::kDefault) return true;
  for (const auto& [name, one] : value.items()) {
    if (type.Find(name) != nullptr) continue;
    fault_ = fmt::format(": {} has no field '{}'", Describe(type), ForMessage(name));
    break;
  }
  return false;
}

bool AvroJsonWriter::Union(const Json& value, const AvroType& type, std::string& out, int depth) {
  const size_t begin = out.size();
  // Any text may look like base64 or a time: what is text for certain goes first.
  const bool careful = style_ == AvroJsonStyle::kValue && value.is_string();
  for (const bool certain : {true, false}) {
    if (certain && !careful) continue;
    for (size_t i = 0; i < type.parts.size(); i++) {
      const AvroType& branch = *type.parts[i];
      if (certain && !branch.Is(AvroKind::kString) && !branch.Is(AvroKind::kEnum)) continue;
      AppendAvroLong(out, static_cast<int64_t>(i));
      if (One(value, branch, out, depth + 1)) return true;
      out.resize(begin);
    }
  }
  return Refuse(Describe(type), value);
}

}  // namespace weir
