#pragma once

#include <string>
#include <string_view>

#include "batch/column.h"
#include "formats/json_reader.h"
#include "formats/values.h"

namespace weir {

/// Why a value was not taken.
struct ValueFault {
  std::string path;      ///< Of the place below the column, e.g. `[3].price`; may be empty.
  std::string expected;  ///< Empty: the text is not JSON at all.
  std::string value;     ///< As it stands there, uncut.
};

/// Appends JSON scalar `token` (a string with its quotes, number, true, false, null; well formed)
/// to a builder of any type but list, struct and map. False with `fault` where it does not fit;
/// nothing is appended then. `scratch` is reused memory.
bool AppendJsonScalar(std::string_view token, const TimeReader& times, ColumnBuilder& out,
                      std::string& scratch, ValueFault& fault);

/// Appends plain text (no quotes, no escapes) as string, bytes (base64), timestamp or date. False
/// where it does not fit or the builder has another type.
bool AppendText(std::string_view text, const TimeReader& times, ColumnBuilder& out);

/// Appends the next value of `reader`, of any type. On false the builder may hold half a value:
/// Truncate it.
bool AppendJson(JsonReader& reader, const TimeReader& times, ColumnBuilder& out,
                std::string& scratch, ValueFault& fault);

}  // namespace weir
