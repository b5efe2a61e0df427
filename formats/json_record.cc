#include "formats/json_record.h"

#include <cstring>

#include <fmt/format.h>

#include "formats/errors.h"

namespace weir {

namespace ondemand = simdjson::ondemand;

static_assert(JsonFieldOrder::kReach <= simdjson::SIMDJSON_PADDING);

bool IsJsonScalar(std::string_view token) {
  if (token.empty()) return false;
  switch (token[0]) {
    case '"': {
      if (token.size() < 2 || token.back() != '"') return false;
      const std::string_view raw = token.substr(1, token.size() - 2);
      return !HasEscape(raw) || CheckJsonEscapes(raw);
    }
    case 't':
      return token == "true";
    case 'f':
      return token == "false";
    case 'n':
      return token == "null";
    default:
      return IsJsonNumber(token);
  }
}

bool JsonRecordReader::Read(std::string_view record, JsonRow& row) {
  if (record.data() == nullptr) {
    return row.Refuse(errors::kNoRecord, "the record has no value (a tombstone)");
  }
  if (TrimJson(record).empty()) return row.Refuse(errors::kNoRecord, "the record is empty");
  // The padding is cleared, or what an earlier record left there could complete this one.
  if (padded_.size() < record.size() + simdjson::SIMDJSON_PADDING) {
    padded_.resize(2 * record.size() + simdjson::SIMDJSON_PADDING);
  }
  std::memcpy(padded_.data(), record.data(), record.size());
  std::memset(padded_.data() + record.size(), 0, simdjson::SIMDJSON_PADDING);

  ondemand::document document;
  auto error =
      parser_.iterate(simdjson::padded_string_view(padded_.data(), record.size(), padded_.size()))
          .get(document);
  if (error) return row.RefuseMalformed(simdjson::error_message(error));
  ondemand::object object;
  error = document.get_object().get(object);
  if (error == simdjson::INCORRECT_TYPE) {
    return row.RefuseMalformed("it begins with something else");
  }
  if (error) return row.RefuseMalformed(simdjson::error_message(error));
  size_t turn = 0;
  for (auto next : object) {
    ondemand::field field;
    if ((error = std::move(next).get(field))) {
      return row.RefuseMalformed(simdjson::error_message(error));
    }
    if (!ReadField(field, turn++, row)) return false;
  }
  // Where nothing is left simdjson 3.0 says so by an error; later versions have at_end() too.
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
    return row.RefuseMalformed("something follows the object");
  }
  return true;
}

bool JsonRecordReader::ReadField(ondemand::field& field, size_t turn, JsonRow& row) {
  const JsonPlaces::Place* place = nullptr;
  // The name ends at its quote: the record's structure has been checked for one.
  if (!order_.Find(field.key().raw(), turn, place)) {
    return row.RefuseMalformed("a field's name has a wrong escape");
  }
  ondemand::value value = field.value();
  const std::string_view token = TrimJson(value.raw_json_token());
  if (token.empty()) return row.RefuseMalformed("a value is missing");
  if (token[0] != '{' && token[0] != '[') {
    if (!IsJsonScalar(token)) {
      return row.RefuseMalformed(fmt::format("wrong value {}", ForMessage(token)));
    }
    // A string that is left unread would be taken for a field's name where a colon follows.
    if (token[0] == '"' && value.get_raw_json_string().error()) {
      return row.RefuseMalformed("wrong string");
    }
    return place == nullptr || row.TakeScalar(*place, token);
  }
  std::string_view span;
  simdjson::error_code error;
  if (token[0] == '{') {
    ondemand::object object;
    error = value.get_object().get(object);
    if (!error) error = object.raw_json().get(span);
  } else {
    ondemand::array array;
    error = value.get_array().get(array);
    if (!error) error = array.raw_json().get(span);
  }
  if (error) return row.RefuseMalformed(simdjson::error_message(error));
  const JsonReader reader(span, 1);
  return place == nullptr ? row.PassNested(reader) : row.TakeNested(*place, reader);
}

}  // namespace weir
