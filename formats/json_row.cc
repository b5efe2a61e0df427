#include "formats/json_row.h"

#include <utility>

#include <fmt/format.h>

#include "formats/errors.h"

namespace weir {

void JsonRow::TakeBack() {
  for (size_t c = 0; c < schema_->size(); c++) out_->column(c).Truncate(row_);
}

bool JsonRow::Refuse(const ErrorCode& code, std::string reason) {
  code_ = &code;
  reason_ = std::move(reason);
  return false;
}
bool JsonRow::RefuseMalformed(std::string_view why) {
  return Refuse(errors::kMalformedRecord, fmt::format("not a JSON object: {}", why));
}
bool JsonRow::RefuseSpan(const JsonReader& reader) {
  if (!reader.too_deep()) return RefuseMalformed("wrong text inside a value");
  return Refuse(errors::kDeepRecord,
                fmt::format("JSON nested deeper than {} levels", kDeepestJson));
}
bool JsonRow::RefuseValue(size_t column) {
  const ValueFault fault = std::exchange(fault_, {});
  return Refuse(errors::kWrongValue,
                fmt::format("{}{}: expected {}, got {}", (*schema_)[column].name, fault.path,
                            fault.expected, ForMessage(fault.value)));
}
bool JsonRow::RefusePath(const JsonPlaces::Place& place, std::string_view token) {
  return Refuse(errors::kWrongValue,
                fmt::format("{}: expected an object, got {}", place.name, ForMessage(token)));
}

Rejection JsonRow::TakeRefusal(size_t record) {
  return {static_cast<uint32_t>(record), code_, std::exchange(reason_, {})};
}

/// Takes back what an earlier field of the same name gave.
void JsonRow::Forget(const JsonPlaces::Place& place) {
  for (size_t c : place.all) {
    if (out_->column(c).size() > row_) out_->column(c).Truncate(row_);
  }
}

bool JsonRow::TakeScalar(const JsonPlaces::Place& place, std::string_view token) {
  Forget(place);
  if (place.below && token != "null") return RefusePath(place, token);
  for (size_t c : place.columns) {
    if (!AppendJsonScalar(token, times_[c], out_->column(c), scratch_, fault_)) {
      return RefuseValue(c);
    }
  }
  return true;
}

bool JsonRow::TakeNested(const JsonPlaces::Place& place, JsonReader reader) {
  return Take(place, reader) && Ends(reader);
}

bool JsonRow::PassNested(JsonReader reader) { return Pass(reader) && Ends(reader); }

bool JsonRow::Pass(JsonReader& reader) {
  std::string_view span;
  return reader.ReadValue(span) || RefuseSpan(reader);
}

bool JsonRow::Ends(JsonReader& reader) {
  return reader.AtEnd() || RefuseMalformed("brackets do not match");
}

/// Each column that stands here reads the value, then the places below.
bool JsonRow::Take(const JsonPlaces::Place& place, JsonReader& reader) {
  Forget(place);
  const JsonReader start = reader;
  bool read = false;
  for (size_t c : place.columns) {
    reader = start;
    read = true;
    if (AppendJson(reader, times_[c], out_->column(c), scratch_, fault_)) continue;
    if (!fault_.expected.empty()) return RefuseValue(c);
    fault_ = {};
    return RefuseSpan(reader);
  }
  if (!place.below) return read || Pass(reader);
  reader = start;
  if (reader.Peek() != '{') {
    std::string_view span;
    return reader.ReadValue(span) ? RefusePath(place, span) : RefuseSpan(reader);
  }
  return TakeBelow(*place.below, reader);
}

bool JsonRow::TakeBelow(const JsonPlaces& places, JsonReader& reader) {
  if (!reader.Enter('{')) return RefuseSpan(reader);
  std::string_view raw_name;
  bool escaped = false;
  bool fault = false;
  for (bool first = true; reader.NextField(first, raw_name, escaped, fault); first = false) {
    const JsonPlaces::Place* place = nullptr;
    if (escaped) {
      std::string name;
      UnescapeJson(raw_name, name);
      place = places.Find(name);
    } else {
      place = places.Find(raw_name);
    }
    const char c = reader.Peek();
    if (place == nullptr) {
      if (!Pass(reader)) return false;
    } else if (c == '{' || c == '[') {
      if (!Take(*place, reader)) return false;
    } else {
      std::string_view token;
      if (!reader.ReadScalar(token)) return RefuseSpan(reader);
      if (!TakeScalar(*place, token)) return false;
    }
  }
  return !fault || RefuseSpan(reader);
}

}  // namespace weir
