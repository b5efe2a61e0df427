#include "formats/json_decoder.h"

#include <cstring>

#include <fmt/format.h>
#include <simdjson.h>

#include "formats/errors.h"
#include "formats/json_value.h"

namespace weir {
namespace {

namespace ondemand = simdjson::ondemand;

/// The places of a record that columns stand at, as a tree along their paths.
struct Group {
  struct Place {
    std::string name;
    std::vector<size_t> columns;   // Columns that stand exactly here.
    std::unique_ptr<Group> group;  // Places below it.
    std::vector<size_t> all;       // Columns here and below.
  };
  std::vector<Place> places;

  Place& At(std::string_view name) {
    for (Place& place : places) {
      if (place.name == name) return place;
    }
    places.push_back({std::string(name), {}, nullptr, {}});
    return places.back();
  }
  const Place* Find(std::string_view name) const {
    for (const Place& place : places) {
      if (place.name == name) return &place;
    }
    return nullptr;
  }
};

std::vector<std::string_view> SplitPath(std::string_view path) {
  std::vector<std::string_view> names;
  size_t begin = 0;
  for (size_t i = 0; i <= path.size(); i++) {
    if (i < path.size() && path[i] != '.') continue;
    names.push_back(path.substr(begin, i - begin));
    begin = i + 1;
  }
  return names;
}

std::string_view Trim(std::string_view token) {
  while (!token.empty() && (token.back() == ' ' || token.back() == '\n' || token.back() == '\t' ||
                            token.back() == '\r')) {
    token.remove_suffix(1);
  }
  return token;
}

/// Whether a scalar found by its structure alone is well formed.
bool IsScalar(std::string_view token) {
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

/// What a record is refused for.
struct Refusal {
  const ErrorCode* code = nullptr;
  std::string reason;
};

class JsonDecoder final : public Decoder {
 public:
  JsonDecoder(SchemaPtr schema, std::vector<TimeReader> times, Group root)
      : schema_(std::move(schema)), times_(std::move(times)), root_(std::move(root)) {}

  const SchemaPtr& schema() const override { return schema_; }

  Status Decode(std::span<const std::string_view> records, BatchBuilder& out,
                std::vector<Rejection>& rejected) override {
    const size_t columns = schema_->size();
    for (size_t i = 0; i < records.size(); i++) {
      const size_t row = columns == 0 ? 0 : out.column(0).size();
      if (DecodeRecord(records[i], row, out)) {
        for (size_t c = 0; c < columns; c++) {
          if (out.column(c).size() == row) out.column(c).AppendNull();
        }
        if (columns == 0) out.AddBareRows(1);
        continue;
      }
      for (size_t c = 0; c < columns; c++) out.column(c).Truncate(row);
      rejected.push_back({static_cast<uint32_t>(i), refusal_.code, std::move(refusal_.reason)});
    }
    return Status::Ok();
  }

 private:
  bool Refuse(const ErrorCode& code, std::string reason) {
    refusal_ = {&code, std::move(reason)};
    return false;
  }
  bool RefuseMalformed(std::string_view why) {
    return Refuse(errors::kMalformedRecord, fmt::format("not a JSON object: {}", why));
  }
  bool RefuseTooDeep() {
    return Refuse(errors::kDeepRecord,
                  fmt::format("JSON nested deeper than {} levels", kDeepestJson));
  }
  bool RefuseValue(size_t column, const ValueFault& fault) {
    return Refuse(errors::kWrongValue,
                  fmt::format("{}{}: expected {}, got {}", (*schema_)[column].name, fault.path,
                              fault.expected, ForMessage(fault.value)));
  }

  bool DecodeRecord(std::string_view record, size_t row, BatchBuilder& out) {
    if (record.data() == nullptr) {
      return Refuse(errors::kNoRecord, "the record has no value (a tombstone)");
    }
    if (Trim(record).empty()) return Refuse(errors::kNoRecord, "the record is empty");
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
    if (error) return RefuseMalformed(simdjson::error_message(error));
    ondemand::object object;
    error = document.get_object().get(object);
    if (error == simdjson::INCORRECT_TYPE) return RefuseMalformed("it begins with something else");
    if (error) return RefuseMalformed(simdjson::error_message(error));
    size_t ordinal = 0;
    for (auto next : object) {
      ondemand::field field;
      if ((error = std::move(next).get(field))) {
        return RefuseMalformed(simdjson::error_message(error));
      }
      if (!DecodeField(field, ordinal++, row, out)) return false;
    }
    // Where nothing is left simdjson 3.0 says so by an error; later versions have at_end() too.
    if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) {
      return RefuseMalformed("something follows the object");
    }
    return true;
  }

  bool DecodeField(ondemand::field& field, size_t ordinal, size_t row, BatchBuilder& out) {
    const Group::Place* place = nullptr;
    if (!FindPlace(field.key().raw(), ordinal, place)) {
      return RefuseMalformed("a field's name has a wrong escape");
    }
    ondemand::value value = field.value();
    const std::string_view token = Trim(value.raw_json_token());
    if (token.empty()) return RefuseMalformed("a value is missing");
    if (token[0] != '{' && token[0] != '[') {
      if (!IsScalar(token)) {
        return RefuseMalformed(fmt::format("wrong value {}", ForMessage(token)));
      }
      // A string that is left unread would be taken for a field's name where a colon follows.
      if (token[0] == '"' && value.get_raw_json_string().error()) {
        return RefuseMalformed("wrong string");
      }
      return place == nullptr || TakeScalar(*place, token, row, out);
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
    if (error) return RefuseMalformed(simdjson::error_message(error));
    JsonReader reader(span, 1);
    if (place == nullptr) return Pass(reader) && Ends(reader);
    return TakeNested(*place, reader, row, out) && Ends(reader);
  }

  /// Reads over a value that no column asks for.
  bool Pass(JsonReader& reader) {
    std::string_view span;
    return reader.ReadValue(span) || RefuseSpan(reader);
  }
  bool Ends(JsonReader& reader) {
    return reader.AtEnd() || RefuseMalformed("brackets do not match");
  }
  bool RefuseSpan(const JsonReader& reader) {
    return reader.too_deep() ? RefuseTooDeep() : RefuseMalformed("wrong text inside a value");
  }

  /// Takes back what an earlier field of the same name gave.
  void Forget(const Group::Place& place, size_t row, BatchBuilder& out) {
    for (size_t c : place.all) {
      if (out.column(c).size() > row) out.column(c).Truncate(row);
    }
  }

  bool TakeScalar(const Group::Place& place, std::string_view token, size_t row,
                  BatchBuilder& out) {
    Forget(place, row, out);
    if (place.group && token != "null") return RefusePath(place, token);
    ValueFault fault;
    for (size_t c : place.columns) {
      if (!AppendJsonScalar(token, times_[c], out.column(c), scratch_, fault)) {
        return RefuseValue(c, fault);
      }
    }
    return true;
  }

  bool RefusePath(const Group::Place& place, std::string_view token) {
    return Refuse(errors::kWrongValue,
                  fmt::format("{}: expected an object, got {}", place.name, ForMessage(token)));
  }

  /// A list or object: each column that stands here reads it, then the places below.
  bool TakeNested(const Group::Place& place, JsonReader& reader, size_t row, BatchBuilder& out) {
    Forget(place, row, out);
    const JsonReader start = reader;
    bool read = false;
    for (size_t c : place.columns) {
      reader = start;
      read = true;
      ValueFault fault;
      if (AppendJson(reader, times_[c], out.column(c), scratch_, fault)) continue;
      return fault.expected.empty() ? RefuseSpan(reader) : RefuseValue(c, fault);
    }
    if (!place.group) return read || Pass(reader);
    reader = start;
    if (reader.Peek() != '{') {
      std::string_view span;
      return reader.ReadValue(span) ? RefusePath(place, span) : RefuseSpan(reader);
    }
    return TakeGroup(*place.group, reader, row, out);
  }

  bool TakeGroup(const Group& group, JsonReader& reader, size_t row, BatchBuilder& out) {
    if (!reader.Enter('{')) return RefuseSpan(reader);
    std::string_view raw_name;
    bool escaped = false;
    bool fault = false;
    for (bool first = true; reader.NextField(first, raw_name, escaped, fault); first = false) {
      const Group::Place* place = nullptr;
      if (escaped) {
        std::string name;
        UnescapeJson(raw_name, name);
        place = group.Find(name);
      } else {
        place = group.Find(raw_name);
      }
      const char c = reader.Peek();
      if (place == nullptr) {
        if (!Pass(reader)) return false;
      } else if (c == '{' || c == '[') {
        if (!TakeNested(*place, reader, row, out)) return false;
      } else {
        std::string_view token;
        if (!reader.ReadScalar(token)) return RefuseSpan(reader);
        if (!TakeScalar(*place, token, row, out)) return false;
      }
    }
    return !fault || RefuseSpan(reader);
  }

  /// The place that a field of the record stands for, null where no column asks for it. Records of
  /// a topic mostly have the same fields in the same order, so the name that stood `ordinal`-th in
  /// the record before is tried first. `raw` begins behind the name's quote. False: wrong escape.
  bool FindPlace(const char* raw, size_t ordinal, const Group::Place*& place) {
    if (ordinal < seen_.size()) {
      const Seen& seen = seen_[ordinal];
      if (seen.IsAt(raw)) {
        place = seen.place;
        return true;
      }
    }
    // The name ends at its quote: the record's structure has been checked for one.
    const char* end = raw;
    bool escaped = false;
    for (; *end != '"'; end++) {
      if (*end == '\\') {
        escaped = true;
        end++;
      }
    }
    const std::string_view name(raw, static_cast<size_t>(end - raw));
    if (escaped) {
      std::string plain;
      if (!CheckJsonEscapes(name) || !UnescapeJson(name, plain)) return false;
      place = root_.Find(plain);
      return true;
    }
    place = root_.Find(name);
    constexpr size_t kMostSeen = 64;
    if (ordinal < kMostSeen && name.size() < Seen::kLongest) {
      if (seen_.size() <= ordinal) seen_.resize(ordinal + 1);
      seen_[ordinal].Set(name, place);
    }
    return true;
  }

  /// A field's name as it stood in a record, with its closing quote.
  struct Seen {
    /// Less than simdjson's padding, so that as much may be read behind any name's beginning.
    static constexpr size_t kLongest = 48;
    char name[kLongest + 8] = {'\x01'};  // No name begins so.
    size_t size = 1;
    const Group::Place* place = nullptr;

    void Set(std::string_view text, const Group::Place* found) {
      std::memcpy(name, text.data(), text.size());
      name[text.size()] = '"';
      size = text.size() + 1;
      place = found;
    }
    bool IsAt(const char* raw) const {
      size_t i = 0;
      for (; i + 8 <= size; i += 8) {
        if (Word(raw + i) != Word(name + i)) return false;
      }
      const uint64_t rest = (uint64_t{1} << 8 * (size - i)) - 1;
      return ((Word(raw + i) ^ Word(name + i)) & rest) == 0;
    }
    static uint64_t Word(const char* at) {
      uint64_t word = 0;
      std::memcpy(&word, at, 8);
      return word;
    }
  };
  static_assert(Seen::kLongest + 8 <= simdjson::SIMDJSON_PADDING);

  const SchemaPtr schema_;
  const std::vector<TimeReader> times_;
  const Group root_;
  ondemand::parser parser_;
  std::vector<char> padded_;
  std::vector<Seen> seen_;
  std::string scratch_;
  Refusal refusal_;
};

}  // namespace

Result<std::unique_ptr<Decoder>> MakeJsonDecoder(const std::vector<ColumnDeclaration>& declared,
                                                 const std::vector<int>& wanted) {
  std::vector<Field> fields;
  std::vector<TimeReader> times;
  Group root;
  for (int index : wanted) {
    const ColumnDeclaration& column = declared[static_cast<size_t>(index)];
    const size_t c = fields.size();
    fields.push_back({column.name, column.type});
    times.push_back(WEIR_TRY(TimeReader::Make(column)));
    std::vector<std::string_view> path = {column.name};
    if (!column.from.empty()) path = SplitPath(column.from);
    Group* group = &root;
    for (size_t i = 0; i < path.size(); i++) {
      Group::Place& place = group->At(path[i]);
      place.all.push_back(c);
      if (i + 1 == path.size()) {
        place.columns.push_back(c);
      } else {
        if (!place.group) place.group = std::make_unique<Group>();
        group = place.group.get();
      }
    }
  }
  return std::unique_ptr<Decoder>(std::make_unique<JsonDecoder>(
      std::make_shared<const Schema>(std::move(fields)), std::move(times), std::move(root)));
}

}  // namespace weir
