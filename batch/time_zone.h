#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "batch/time_text.h"

namespace weir {

/// A time zone: how far local clocks are from UTC at each moment. Immutable, thread safe.
class TimeZone {
 public:
  /// By IANA name (`Europe/Zurich`, read from the system's zoneinfo), `UTC`, or a fixed offset
  /// (`+02:00`). The error names what is wrong and how zones are written.
  static Result<std::shared_ptr<const TimeZone>> Find(std::string_view name);
  /// Reads a TZif file (RFC 8536); nullptr where it is damaged.
  static std::shared_ptr<const TimeZone> FromTzif(std::string_view bytes);

  /// Whether local time is UTC always; callers skip OffsetAt then.
  bool IsUtc() const { return transitions_.empty() && offsets_[0] == 0 && !rule_; }
  /// Seconds east of UTC at `time`.
  int32_t OffsetAt(EventTime time) const;
  /// The moment at which local clocks show `civil`. Of two (clocks went back) the earlier; in a gap
  /// (clocks went forward) as if they had not moved yet. Nullopt as TimeFromCivil.
  std::optional<EventTime> ToTime(const CivilTime& civil) const;

  /// A day of the year on which clocks change, as a POSIX TZ text says it.
  struct ChangeDay {
    enum class Kind { kJulianWithoutLeapDay, kJulian, kMonthWeekDay } kind = Kind::kMonthWeekDay;
    int month = 0;
    int week = 0;
    int day = 0;
    int32_t seconds = 7200;  ///< Local time of day of the change; may be outside of the day.
  };
  /// What holds after the last transition.
  struct Rule {
    int32_t standard = 0;  ///< Seconds east.
    bool has_summer = false;
    int32_t summer = 0;
    ChangeDay begin;
    ChangeDay end;
  };

 private:
  std::vector<int64_t> transitions_;    // Seconds since 1970, rising.
  std::vector<int32_t> offsets_ = {0};  // [0] before the first transition, [i + 1] from the i-th.
  std::optional<Rule> rule_;
};

}  // namespace weir
