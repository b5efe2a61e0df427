#pragma once

#include <string>
#include <string_view>

#include "batch/column.h"

namespace weir {

/// How JSON shows timestamps.
enum class TimestampStyle {
  kEpochMillis,  ///< A number; 3 decimals where there are microseconds: `1598850662992`, `1.500`.
  kIso8601,      ///< A string: `"2026-01-02T03:04:05.678Z"`.
};

/// Appends value `row` of any type as JSON.
///
/// Numbers are the shortest form that reads back; doubles always show a point or an exponent
/// (`37.0`); NaN and infinities are null. Decimals show all their scale. Dates are `"2026-01-02"`,
/// durations a number of milliseconds, bytes base64. Text that is not UTF-8 has U+FFFD for what is
/// broken. A value of type json goes out as it is.
void AppendJsonValue(std::string& out, const Column& column, size_t row,
                     TimestampStyle style = TimestampStyle::kEpochMillis);

/// Appends `text` in quotes, escaped.
void AppendJsonString(std::string& out, std::string_view text);
/// Appends a double as AppendJsonValue does, but `NaN`, `Infinity` and `-Infinity` by name where
/// `named` says so (for messages and casts to string).
void AppendDouble(std::string& out, double value, bool named = false);
void AppendFloat(std::string& out, float value, bool named = false);
/// `12.50`.
void AppendDecimal(std::string& out, Int128 unscaled, int scale);
/// Microseconds as milliseconds: `1500`, `1.500`.
void AppendMillis(std::string& out, int64_t micros);

}  // namespace weir
