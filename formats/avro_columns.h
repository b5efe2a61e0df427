#pragma once

#include <string>
#include <vector>

#include "formats/avro_schema.h"
#include "formats/format.h"
#include "formats/values.h"

namespace weir {

/// Deepest nesting of a column's type that is made from a schema, or of values under one.
inline constexpr int kDeepestAvroColumn = 32;

/// What a column holds that takes a value of `type` as it is: enum string, fixed bytes, uuid
/// string, date date, timestamp-* timestamp, decimal decimal, time-* the number, [null, T] as T,
/// other unions and null json, record struct, array list, map map. An error where columns can't
/// hold it: `path` (for the message) recurses, is nested too deep or a decimal of more than 38
/// digits.
Result<Type> ColumnTypeOf(const AvroType& type, const std::string& path);

/// The branch of a [null, T] or [T, null] that is not null, `type` itself where it is no union, and
/// null for all other unions.
const AvroType* WithoutNull(const AvroType& type);

/// One column and where its values stand in a record.
struct AvroColumn {
  std::vector<std::string> path;  ///< Fields from the record down.
  Type type;
  TimeReader times;  ///< Of texts and bare numbers that become timestamps.
};

/// The columns that a job takes out of Avro records, by the schema it reads with.
class AvroColumns {
 public:
  /// `declared` picks, renames (`from`, a path through records) and retypes fields of `reader`; a
  /// declaration of type null keeps the field's own type. Where it is empty every field is a
  /// column. `wanted` are indices into these columns. An error names the column, both types and
  /// what may be declared.
  static Result<AvroColumns> Make(AvroSchemaPtr reader,
                                  const std::vector<ColumnDeclaration>& declared,
                                  const std::vector<int>& wanted);
  /// All columns, before any is left out.
  static Result<SchemaPtr> SchemaOf(const AvroSchema& reader,
                                    const std::vector<ColumnDeclaration>& declared);

  /// The wanted ones.
  const SchemaPtr& schema() const { return schema_; }
  const AvroSchemaPtr& reader() const { return reader_; }
  const std::vector<AvroColumn>& columns() const { return columns_; }

 private:
  AvroSchemaPtr reader_;
  SchemaPtr schema_;
  std::vector<AvroColumn> columns_;
};

}  // namespace weir
