#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "batch/column.h"
#include "batch/time_text.h"
#include "batch/time_zone.h"
#include "formats/format.h"

namespace weir {

class TimeLayout;

/// 10^exponent, 0 to 38.
Int128 PowerOfTen(int exponent);

/// The number `text` times 10^scale as an integer: `12.50` at scale 2 is 1250. Reads what JSON
/// calls a number. Digits beyond the scale must be zero, or are cut where `cut` says so. Nullopt
/// where it is no number, does not fit 38 digits, or would lose digits.
std::optional<Int128> ReadScaled(std::string_view text, int scale, bool cut = false);

/// Whether `text` is a number by JSON's grammar.
bool IsJsonNumber(std::string_view text);

/// Reads `12`, also `12.0` and `1e3`; false where it is no such number or out of range. (An
/// optional would be handed over in memory, and this is called for most of all fields.)
bool ReadInteger(std::string_view text, int64_t& value);

/// A finite double; nullopt for anything else.
std::optional<double> ReadDouble(std::string_view text);
/// A finite float; nullopt where it would overflow.
std::optional<float> ReadFloat(std::string_view text);

/// How one column's times are written: the `unit`, `format` and `zone` of its declaration.
class TimeReader {
 public:
  /// ISO 8601 in UTC, numbers as epoch milliseconds.
  TimeReader() = default;
  /// The error names the option that is wrong.
  static Result<TimeReader> Make(const ColumnDeclaration& column);

  /// Whether times have a layout of their own (`format`), so that digits alone are text too.
  bool HasLayout() const { return layout_ != nullptr; }
  std::optional<EventTime> FromText(std::string_view text) const;
  /// A number in the column's unit; digits beyond microseconds are cut.
  std::optional<EventTime> FromNumber(std::string_view text) const;
  /// The same of a whole number.
  std::optional<EventTime> FromNumber(int64_t value) const;
  std::optional<int32_t> DateFromText(std::string_view text) const;

 private:
  int scale_ = 3;  // Power of ten from the unit to microseconds.
  std::shared_ptr<const TimeZone> zone_;
  std::shared_ptr<const TimeLayout> layout_;
};

/// What `type` is read from, for messages: `timestamp (ISO 8601 text or epoch ms)`.
std::string ExpectedText(const Type& type);

/// `text` cut to about 100 characters (at a character's border) for a message; control characters
/// and broken UTF-8 are shown as \xNN.
std::string ForMessage(std::string_view text);

}  // namespace weir
