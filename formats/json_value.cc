#include "formats/json_value.h"

#include <limits>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

#include "base/base64.h"
#include "batch/render.h"

namespace weir {
namespace {

/// The content of a string token: as it stands, or with its escapes resolved in `scratch`.
std::string_view StringContent(std::string_view token, std::string& scratch) {
  const std::string_view raw = token.substr(1, token.size() - 2);
  if (!HasEscape(raw)) return raw;
  scratch.clear();
  UnescapeJson(raw, scratch);
  return scratch;
}

bool AppendNumber(std::string_view token, const TimeReader& times, ColumnBuilder& out) {
  switch (out.type().kind()) {
    case TypeKind::kInt32: {
      int64_t value = 0;
      if (!ReadInteger(token, value) || value > std::numeric_limits<int32_t>::max() ||
          value < std::numeric_limits<int32_t>::min()) {
        return false;
      }
      out.Append(static_cast<int32_t>(value));
      return true;
    }
    case TypeKind::kInt64: {
      int64_t value = 0;
      if (!ReadInteger(token, value)) return false;
      out.Append(value);
      return true;
    }
    case TypeKind::kFloat: {
      const std::optional<float> value = ReadFloat(token);
      if (value) out.Append(*value);
      return value.has_value();
    }
    case TypeKind::kDouble: {
      const std::optional<double> value = ReadDouble(token);
      if (value) out.Append(*value);
      return value.has_value();
    }
    case TypeKind::kDecimal: {
      const std::optional<Int128> value = ReadScaled(token, out.type().scale());
      const Int128 bound = PowerOfTen(out.type().precision());
      if (!value || *value >= bound || *value <= -bound) return false;
      out.Append(*value);
      return true;
    }
    case TypeKind::kTimestamp: {
      const std::optional<EventTime> value = times.FromNumber(token);
      if (value) out.Append(value->us);
      return value.has_value();
    }
    default:
      return false;
  }
}

/// The text of the next value, for a message; empty where it is not JSON.
std::string_view ValueText(JsonReader& reader) {
  std::string_view span;
  return reader.ReadValue(span) ? span : std::string_view();
}

bool WrongKind(JsonReader& reader, const Type& type, ValueFault& fault) {
  const std::string_view span = ValueText(reader);
  if (!span.empty()) {
    fault.expected = ExpectedText(type);
    fault.value = span;
  }
  return false;
}

bool AppendList(JsonReader& reader, const TimeReader& times, ColumnBuilder& out,
                std::string& scratch, ValueFault& fault) {
  if (reader.Peek() != '[') return WrongKind(reader, out.type(), fault);
  if (!reader.Enter('[')) return false;
  bool broken = false;
  size_t i = 0;
  for (; reader.NextElement(i == 0, broken); i++) {
    if (!AppendJson(reader, times, out.child(0), scratch, fault)) {
      fault.path = fmt::format("[{}]{}", i, fault.path);
      return false;
    }
  }
  if (!broken) out.AppendNested();
  return !broken;
}

bool AppendStruct(JsonReader& reader, const TimeReader& times, ColumnBuilder& out,
                  std::string& scratch, ValueFault& fault) {
  if (reader.Peek() != '{') return WrongKind(reader, out.type(), fault);
  if (!reader.Enter('{')) return false;
  const std::vector<Field>& fields = out.type().children();
  const size_t row = out.size();
  bool broken = false;
  std::string_view raw_name;
  bool escaped = false;
  std::string name;
  for (bool first = true; reader.NextField(first, raw_name, escaped, broken); first = false) {
    std::string_view wanted = raw_name;
    if (escaped) {
      name.clear();
      UnescapeJson(raw_name, name);
      wanted = name;
    }
    size_t c = 0;
    while (c < fields.size() && fields[c].name != wanted) c++;
    if (c == fields.size()) {
      std::string_view span;
      if (!reader.ReadValue(span)) return false;
      continue;
    }
    out.child(c).Truncate(row);
    if (!AppendJson(reader, times, out.child(c), scratch, fault)) {
      fault.path = "." + fields[c].name + fault.path;
      return false;
    }
  }
  if (broken) return false;
  for (size_t c = 0; c < fields.size(); c++) {
    if (out.child(c).size() == row) out.child(c).AppendNull();
  }
  out.AppendNested();
  return true;
}

bool AppendMap(JsonReader& reader, const TimeReader& times, ColumnBuilder& out,
               std::string& scratch, ValueFault& fault) {
  if (reader.Peek() != '{') return WrongKind(reader, out.type(), fault);
  if (!reader.Enter('{')) return false;
  // Gathered first, because of a key that is there twice the last value counts.
  std::vector<std::pair<std::string, std::string_view>> entries;
  std::unordered_map<std::string, size_t> places;
  bool broken = false;
  std::string_view raw_name;
  bool escaped = false;
  for (bool first = true; reader.NextField(first, raw_name, escaped, broken); first = false) {
    std::string name;
    UnescapeJson(raw_name, name);
    std::string_view span;
    if (!reader.ReadValue(span)) return false;
    const auto [place, fresh] = places.try_emplace(name, entries.size());
    if (fresh) {
      entries.emplace_back(std::move(name), span);
    } else {
      entries[place->second].second = span;
    }
  }
  if (broken) return false;
  for (const auto& [name, span] : entries) {
    JsonReader value(span);
    if (!AppendJson(value, times, out.child(1), scratch, fault)) {
      fault.path = "." + name + fault.path;
      return false;
    }
    out.child(0).AppendText(name);
  }
  out.AppendNested();
  return true;
}

}  // namespace

bool AppendText(std::string_view text, const TimeReader& times, ColumnBuilder& out) {
  switch (out.type().kind()) {
    case TypeKind::kString:
      out.AppendText(text);
      return true;
    case TypeKind::kBytes: {
      std::string bytes;
      if (!DecodeBase64(text, bytes)) return false;
      out.AppendText(bytes);
      return true;
    }
    case TypeKind::kTimestamp: {
      const std::optional<EventTime> value = times.FromText(text);
      if (value) out.Append(value->us);
      return value.has_value();
    }
    case TypeKind::kDate: {
      const std::optional<int32_t> value = times.DateFromText(text);
      if (value) out.Append(*value);
      return value.has_value();
    }
    default:
      return false;
  }
}

bool AppendJsonScalar(std::string_view token, const TimeReader& times, ColumnBuilder& out,
                      std::string& scratch, ValueFault& fault) {
  bool fits = false;
  if (token[0] == 'n') {
    out.AppendNull();
    return true;
  }
  if (out.type().Is(TypeKind::kJson)) {
    out.AppendText(token);
    return true;
  }
  if (token[0] == '"') {
    fits = AppendText(StringContent(token, scratch), times, out);
  } else if (token[0] == 't' || token[0] == 'f') {
    fits = out.type().Is(TypeKind::kBool);
    if (fits) out.AppendBool(token[0] == 't');
  } else {
    fits = AppendNumber(token, times, out);
  }
  if (!fits) {
    fault.expected = ExpectedText(out.type());
    fault.value = token;
  }
  return fits;
}

bool AppendJson(JsonReader& reader, const TimeReader& times, ColumnBuilder& out,
                std::string& scratch, ValueFault& fault) {
  const char c = reader.Peek();
  if (c == 'n') {
    std::string_view token;
    if (!reader.ReadScalar(token)) return false;
    out.AppendNull();
    return true;
  }
  switch (out.type().kind()) {
    case TypeKind::kList:
      return AppendList(reader, times, out, scratch, fault);
    case TypeKind::kStruct:
      return AppendStruct(reader, times, out, scratch, fault);
    case TypeKind::kMap:
      return AppendMap(reader, times, out, scratch, fault);
    case TypeKind::kJson: {
      std::string_view span;
      if (!reader.ReadValue(span)) return false;
      std::string compact;
      AppendCompactJson(span, compact);
      out.AppendText(compact);
      return true;
    }
    default:
      break;
  }
  if (c == '{' || c == '[') return WrongKind(reader, out.type(), fault);
  std::string_view token;
  return reader.ReadScalar(token) && AppendJsonScalar(token, times, out, scratch, fault);
}

}  // namespace weir
