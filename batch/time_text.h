#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace weir {

class TimeZone;

/// A date and time of day as people write it (proleptic Gregorian).
struct CivilTime {
  int64_t year = 1970;
  int month = 1;  ///< 1..12
  int day = 1;    ///< 1..31
  int hour = 0;
  int minute = 0;
  int second = 0;
  int micros = 0;
};

/// Days from 1970-01-01 to a date, for any year whose days fit (H. Hinnant's days_from_civil).
int64_t DaysFromCivil(int64_t year, int month, int day);
/// The UTC date and time of day of `time`.
CivilTime CivilFromTime(EventTime time);
/// The other way round; nullopt where it is no such day or does not fit an EventTime.
std::optional<EventTime> TimeFromCivil(const CivilTime& civil);
/// 28..31.
int DaysInMonth(int64_t year, int month);

/// Reads ISO 8601: `2026-01-02T03:04:05.678Z`. `T` or a space, 0 to 9 decimals (cut to
/// microseconds), `Z`, `±hh:mm`, `±hhmm`, `±hh` or no zone, which means `zone` (null: UTC). Seconds
/// and the whole time of day may be missing. Nullopt for anything else.
std::optional<EventTime> ParseTime(std::string_view text, const TimeZone* zone = nullptr);
/// Reads `2026-01-02`: days since 1970-01-01.
std::optional<int32_t> ParseDate(std::string_view text);
/// Reads `+02:00`, `-0530`, `+01` or `Z`: seconds east of UTC.
std::optional<int32_t> ParseZoneOffset(std::string_view text);

/// `2026-01-02T03:04:05Z`, with 3 or 6 decimals where the time has them.
std::string FormatIso8601(EventTime time);
void AppendIso8601(std::string& out, EventTime time);
/// `2026-01-02`.
void AppendIsoDate(std::string& out, int64_t days);

}  // namespace weir
