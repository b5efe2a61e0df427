#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "formats/avro_schema.h"
#include "formats/format.h"

namespace weir {

/// Writes rows as Avro records (without a registry's header) of `writer`, whose fields take the
/// columns of their names. A field without a column gets its default; a column without a field is
/// an error (WEIR-F032), as is one whose type does not fit: the message names both types. What is
/// checked row by row (WEIR-F033, with the field): null where none may be, an enum's symbol, the
/// size of a fixed, int64 into an int, digits of a decimal, a uuid. Timestamps lose what is finer
/// than the field's unit. A json column becomes the text itself in a field of type string, and is
/// taken apart in any other.
Result<std::unique_ptr<Encoder>> MakeAvroEncoder(const Schema& schema, AvroSchemaPtr writer);

/// A schema for such rows, as JSON: a record `name` (a full name), whose fields are all unions of
/// null and the column's type, with the default null; timestamp becomes timestamp-micros, json
/// string. An error names the column whose name or type Avro does not have.
Result<std::string> AvroSchemaOf(const Schema& schema, std::string_view name);

}  // namespace weir
