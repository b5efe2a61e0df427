#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "batch/time_zone.h"

namespace weir {

/// A way to write times, as strftime has it: %Y year, %m month, %d day, %H hour, %M minute, %S
/// second, %f microseconds (6 digits; 1 to 9 when reading), %L milliseconds (3 digits), %y year of
/// the century, %j day of the year, %e day without zero, %I hour of 12, %p AM or PM, %b %B month's
/// name, %a %A weekday's name, %s seconds since 1970, %z +hhmm, %F %Y-%m-%d, %T %H:%M:%S, %%.
/// Immutable, thread safe.
class TimeLayout {
 public:
  /// A fault names the place; layouts of other dialects (yyyy-MM-dd) get a hint.
  static Result<TimeLayout> Parse(std::string_view layout);

  /// Appends `time` as clocks in `zone` show it.
  void Append(std::string& out, EventTime time, const TimeZone& zone) const;
  /// Reads what Append writes, the whole of `text`. Without %z it is local time of `zone`. Missing
  /// parts are those of 1970-01-01T00:00:00. Nullopt where the text is not of this layout.
  std::optional<EventTime> Read(std::string_view text, const TimeZone& zone) const;

 private:
  struct Piece {
    char letter = 0;  // 0: plain text.
    std::string text;
  };
  std::vector<Piece> pieces_;
};

}  // namespace weir
