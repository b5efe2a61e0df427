#include "formats/json_decoder.h"

#include "formats/json_record.h"
#include "formats/json_row.h"
#include "formats/json_sweep.h"

namespace weir {
namespace {

static_assert(JsonFieldOrder::kReach <= JsonSweep::kPadding);

/// The declared columns that are wanted, and where in a record they stand.
struct WantedColumns {
  SchemaPtr schema;
  std::vector<TimeReader> times;
  JsonPlaces places;
};

class JsonDecoder final : public Decoder {
 public:
  JsonDecoder(WantedColumns wanted, bool sweeps)
      : sweeps_(sweeps),
        places_(std::move(wanted.places)),
        row_(std::move(wanted.schema), std::move(wanted.times)),
        order_(places_),
        plain_(places_) {}

  const SchemaPtr& schema() const override { return row_.schema(); }

  Status Decode(std::span<const std::string_view> records, BatchBuilder& out,
                std::vector<Rejection>& rejected) override {
    for (size_t c = 0; c < schema()->size(); c++) {
      out.column(c).Reserve(out.column(c).size() + records.size());
    }
    for (size_t begin = 0; begin < records.size();) {
      const size_t count = sweeps_ ? JsonSweep::Fitting(records.subspan(begin)) : 0;
      if (count == 0) {
        ReadOne(records[begin], begin, out, rejected);
      } else {
        ReadSome(records.subspan(begin, count), begin, out, rejected);
      }
      begin += std::max<size_t>(count, 1);
    }
    return Status::Ok();
  }

 private:
  /// Records that one sweep can take. Of those that can't be swept together, the ones that can are
  /// found by halves.
  void ReadSome(std::span<const std::string_view> records, size_t first, BatchBuilder& out,
                std::vector<Rejection>& rejected) {
    constexpr size_t kFew = 8;
    if (sweep_.Sweep(records)) {
      ReadSwept(records, first, out, rejected);
    } else if (records.size() > kFew) {
      const size_t half = records.size() / 2;
      ReadSome(records.first(half), first, out, rejected);
      ReadSome(records.subspan(half), first + half, out, rejected);
    } else {
      for (size_t i = 0; i < records.size(); i++) ReadOne(records[i], first + i, out, rejected);
    }
  }

  void ReadSwept(std::span<const std::string_view> records, size_t first, BatchBuilder& out,
                 std::vector<Rejection>& rejected) {
    const uint32_t* token = sweep_.tokens();
    for (size_t i = 0; i < records.size(); i++) {
      const uint32_t end = sweep_.end(i);
      row_.Begin(out);
      const uint32_t* const behind = ReadTokens(token, end);
      if (behind != nullptr) {
        row_.End();
        token = behind;
        continue;
      }
      row_.TakeBack();
      while (*token < end) token++;
      ReadOne(records[i], first + i, out, rejected);
    }
  }

  /// Takes the record whose tokens begin at `token`; gives the first token behind it. Null where it
  /// is anything but one object whose values fit.
  const uint32_t* ReadTokens(const uint32_t* token, uint32_t end) {
    const char* const text = sweep_.text();
    if (text[*token++] != '{') return nullptr;
    // Tokens ascend, so it is enough to look once, at the end, whether all were the record's.
    if (text[*token] != '}') {
      for (size_t turn = 0;; turn++) {
        token = ReadField(token, end, turn);
        if (token == nullptr) return nullptr;
        if (text[*token] != ',') break;
        token++;
      }
      if (text[*token] != '}') return nullptr;
    }
    return *token < end && token[1] >= end ? token + 1 : nullptr;
  }

  /// Name, colon and value; gives the token behind them, or null.
  const uint32_t* ReadField(const uint32_t* token, uint32_t end, size_t turn) {
    const char* const text = sweep_.text();
    if (text[token[0]] != '"' || text[token[1]] != ':') return nullptr;
    const JsonPlaces::Place* place = nullptr;
    if (!order_.Find(text + token[0] + 1, turn, place)) return nullptr;
    token += 2;
    const char* const value = text + *token;
    if (*value == '{' || *value == '[') {
      const uint32_t* const close = FindClose(token, end);
      if (close == nullptr) return nullptr;
      const JsonReader reader({value, static_cast<size_t>(text + *close + 1 - value)}, 1);
      const bool good =
          place == nullptr ? row_.PassNested(reader) : row_.TakeNested(*place, reader);
      return good ? close + 1 : nullptr;
    }
    const std::string_view scalar = TrimJson({value, token[1] - token[0]});
    // Without escapes a string is whole by its structure.
    const bool plain = *value == '"' && !sweep_.has_escapes();
    if (place == nullptr) return plain || IsJsonScalar(scalar) ? token + 1 : nullptr;
    if (row_.TakeCommon(*place, scalar, plain)) return token + 1;
    return IsJsonScalar(scalar) && row_.TakeScalar(*place, scalar) ? token + 1 : nullptr;
  }

  /// The token that closes the list or object that begins at `token`; null where there is none
  /// before `end`.
  const uint32_t* FindClose(const uint32_t* token, uint32_t end) const {
    int depth = 0;
    for (; *token < end; token++) {
      const char c = sweep_.text()[*token];
      if (c == '{' || c == '[') {
        depth++;
      } else if (c == '}' || c == ']') {
        if (--depth == 0) return token;
      }
    }
    return nullptr;
  }

  void ReadOne(std::string_view record, size_t place, BatchBuilder& out,
               std::vector<Rejection>& rejected) {
    row_.Begin(out);
    if (plain_.Read(record, row_)) {
      row_.End();
    } else {
      row_.TakeBack();
      rejected.push_back(row_.TakeRefusal(place));
    }
  }

  const bool sweeps_;
  const JsonPlaces places_;
  JsonRow row_;
  JsonSweep sweep_;
  JsonFieldOrder order_;
  JsonRecordReader plain_;
};

Result<WantedColumns> Want(const std::vector<ColumnDeclaration>& declared,
                           const std::vector<int>& wanted) {
  WantedColumns columns;
  std::vector<Field> fields;
  for (int index : wanted) {
    const ColumnDeclaration& column = declared[static_cast<size_t>(index)];
    columns.times.push_back(WEIR_TRY(TimeReader::Make(column)));
    columns.places.Put(fields.size(), column.name, column.from);
    fields.push_back({column.name, column.type});
  }
  columns.schema = std::make_shared<const Schema>(std::move(fields));
  return columns;
}

}  // namespace

Result<std::unique_ptr<Decoder>> MakeJsonDecoder(const std::vector<ColumnDeclaration>& declared,
                                                 const std::vector<int>& wanted) {
  return std::unique_ptr<Decoder>(
      std::make_unique<JsonDecoder>(WEIR_TRY(Want(declared, wanted)), /*sweeps=*/true));
}

Result<std::unique_ptr<Decoder>> MakePlainJsonDecoder(
    const std::vector<ColumnDeclaration>& declared, const std::vector<int>& wanted) {
  return std::unique_ptr<Decoder>(
      std::make_unique<JsonDecoder>(WEIR_TRY(Want(declared, wanted)), /*sweeps=*/false));
}

}  // namespace weir
