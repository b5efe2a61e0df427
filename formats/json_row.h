#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "batch/batch.h"
#include "batch/rejection.h"
#include "formats/json_places.h"
#include "formats/json_reader.h"
#include "formats/json_value.h"
#include "formats/values.h"

namespace weir {

/// The row that a record's values are put into. Not thread safe.
///
/// For each record: Begin, values in the order of its fields, then End or TakeBack. What returns
/// false has said in the refusal why the record can't be taken.
class JsonRow {
 public:
  JsonRow(SchemaPtr schema, std::vector<TimeReader> times)
      : schema_(std::move(schema)), times_(std::move(times)) {}

  const SchemaPtr& schema() const { return schema_; }

  void Begin(BatchBuilder& out) {
    out_ = &out;
    row_ = schema_->size() == 0 ? 0 : out.column(0).size();
  }
  /// Null for the columns that got no value.
  void End() {
    const size_t columns = schema_->size();
    for (size_t c = 0; c < columns; c++) {
      if (out_->column(c).size() == row_) out_->column(c).AppendNull();
    }
    if (columns == 0) out_->AddBareRows(1);
  }
  /// Leaves nothing of the record in the columns.
  void TakeBack();

  /// Takes what most fields are: a string for a string column (`plain` says that the token is one,
  /// and has no escapes), an integer for an int64 column. False: it is something else, and nothing
  /// is taken or refused.
  bool TakeCommon(const JsonPlaces::Place& place, std::string_view token, bool plain) {
    if (place.columns.size() != 1 || place.below) return false;
    ColumnBuilder& column = out_->column(place.columns[0]);
    if (column.size() != row_) return false;
    if (column.type().Is(TypeKind::kString)) {
      if (plain) column.AppendText(token.substr(1, token.size() - 2));
      return plain;
    }
    int64_t value = 0;
    if (!column.type().Is(TypeKind::kInt64) || !ReadInteger(token, value)) return false;
    column.Append(value);
    return true;
  }
  /// A whole scalar (a string with its quotes) that stands at `place`.
  bool TakeScalar(const JsonPlaces::Place& place, std::string_view token);
  /// A list or an object that stands at `place`, to the end of what `reader` has.
  bool TakeNested(const JsonPlaces::Place& place, JsonReader reader);
  /// A list or an object that no column asks for, to the end of what `reader` has.
  bool PassNested(JsonReader reader);

  bool Refuse(const ErrorCode& code, std::string reason);
  bool RefuseMalformed(std::string_view why);
  /// The refusal, of the record that came `record`-th.
  Rejection TakeRefusal(size_t record);

 private:
  bool Pass(JsonReader& reader);
  bool Ends(JsonReader& reader);
  bool Take(const JsonPlaces::Place& place, JsonReader& reader);
  bool TakeBelow(const JsonPlaces& places, JsonReader& reader);
  void Forget(const JsonPlaces::Place& place);
  bool RefuseSpan(const JsonReader& reader);
  bool RefuseValue(size_t column);
  bool RefusePath(const JsonPlaces::Place& place, std::string_view token);

  const SchemaPtr schema_;
  const std::vector<TimeReader> times_;
  BatchBuilder* out_ = nullptr;
  size_t row_ = 0;
  std::string scratch_;
  ValueFault fault_;  // Of the last value that did not fit.
  const ErrorCode* code_ = nullptr;
  std::string reason_;
};

}  // namespace weir
