#include <array>

#include <fmt/format.h>

#include "batch/time_layout.h"
#include "batch/time_zone.h"
#include "expr/functions/function.h"

namespace weir {
namespace {

constexpr int64_t kMicrosPerSecond = 1000000;
constexpr int64_t kMicrosPerDay = 86400 * kMicrosPerSecond;

struct Unit {
  std::string_view name;
  int64_t micros;  ///< 0: by the calendar.
};
constexpr std::array kUnits = {
    Unit{"microsecond", 1},
    Unit{"millisecond", 1000},
    Unit{"second", kMicrosPerSecond},
    Unit{"minute", 60 * kMicrosPerSecond},
    Unit{"hour", 3600 * kMicrosPerSecond},
    Unit{"day", kMicrosPerDay},
    Unit{"week", 7 * kMicrosPerDay},
    Unit{"month", 0},
    Unit{"quarter", 0},
    Unit{"year", 0},
};

int64_t FloorDivide(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

/// The unit that argument i names; null after a fault.
const Unit* UnitOf(CallBinder& call, size_t i) {
  std::optional<std::string> name = call.LiteralText(i, "unit");
  if (!name) return nullptr;
  for (const Unit& unit : kUnits) {
    if (*name == unit.name || *name == fmt::format("{}s", unit.name)) return &unit;
  }
  call.Fault(i, fmt::format("no unit of time '{}'", Shorten(*name)),
             "units are microsecond, millisecond, second, minute, hour, day, week, month, quarter, "
             "year");
  return nullptr;
}

/// The zone that argument i names, UTC where there is no argument i; null after a fault.
std::shared_ptr<const TimeZone> ZoneOf(CallBinder& call, size_t i) {
  std::string name = "UTC";
  if (i < call.size()) {
    std::optional<std::string> given = call.LiteralText(i, "zone");
    if (!given) return nullptr;
    name = *given;
  }
  Result<std::shared_ptr<const TimeZone>> zone = TimeZone::Find(name);
  if (zone.ok()) return *zone;
  call.Fault(i, zone.status().message(), zone.status().cure());
  return nullptr;
}

std::optional<TimeLayout> LayoutOf(CallBinder& call, size_t i) {
  const std::optional<std::string> text = call.LiteralText(i, "layout");
  if (!text) return std::nullopt;
  Result<TimeLayout> layout = TimeLayout::Parse(*text);
  if (layout.ok()) return *layout;
  call.Fault(i, layout.status().message(), layout.status().cure());
  return std::nullopt;
}

NodePtr BindFormat(CallBinder& call) {
  const std::optional<TimeLayout> layout = LayoutOf(call, 1);
  const std::shared_ptr<const TimeZone> zone = ZoneOf(call, 2);
  if (!layout || !zone) return nullptr;
  return call.Make(TypeKind::kString, [layout = *layout, zone](const Call& c) -> Vector {
    ColumnBuilder out(TypeKind::kString);
    out.Reserve(c.rows);
    std::string text;
    int64_t last = 0;
    for (size_t row = 0; row < c.rows; row++) {
      if (c[0].IsNull(row)) {
        out.AppendNull();
        continue;
      }
      const auto time = c[0].Get<int64_t>(row);
      if (text.empty() || time != last) {
        text.clear();
        layout.Append(text, {time}, *zone);
        last = time;
      }
      out.AppendText(text);
    }
    return {out.Finish(), c.constant};
  });
}

NodePtr BindParse(CallBinder& call) {
  std::optional<TimeLayout> layout;
  if (call.size() > 1 && !(layout = LayoutOf(call, 1))) return nullptr;
  const std::shared_ptr<const TimeZone> zone = ZoneOf(call, 2);
  if (!zone) return nullptr;
  return call.Make(TypeKind::kTimestamp,
                   EachRow([layout, zone](const Call& c, size_t row, ColumnBuilder& out) {
                     const std::string_view text = c[0].Text(row);
                     const std::optional<EventTime> time =
                         layout ? layout->Read(text, *zone) : ParseTime(text, zone.get());
                     if (time) return out.Append(time->us);
                     c.Fail(row, fmt::format("'{}' is not a time of {}", Shorten(text),
                                             layout ? "this layout" : "ISO 8601"));
                     out.AppendNull();
                   }),
                   {.can_fail = true});
}

/// The first moment of the unit that `time` is in, by clocks of the zone.
std::optional<EventTime> Truncate(const Unit& unit, EventTime time, const TimeZone& zone) {
  const int32_t east = zone.IsUtc() ? 0 : zone.OffsetAt(time);
  const int64_t local = (time + Duration::Seconds(east)).us;
  CivilTime civil;
  if (unit.micros > 0 && unit.micros < kMicrosPerDay) {
    // Within a day the offset stays that of `time`, so that doubled hours stay apart.
    const int64_t start = FloorDivide(local, unit.micros) * unit.micros;
    return EventTime{start} - Duration::Seconds(east);
  }
  if (unit.micros > 0) {
    int64_t days = FloorDivide(local, kMicrosPerDay);
    if (unit.name == "week") days -= ((days + 3) % 7 + 7) % 7;  // Weeks begin on Monday.
    civil = CivilFromTime({days * kMicrosPerDay});
  } else {
    civil = CivilFromTime({local});
    civil.day = 1;
    if (unit.name == "year") civil.month = 1;
    if (unit.name == "quarter") civil.month = (civil.month - 1) / 3 * 3 + 1;
    civil.hour = civil.minute = civil.second = civil.micros = 0;
  }
  return zone.ToTime(civil);
}

NodePtr BindTruncate(CallBinder& call) {
  const Unit* unit = UnitOf(call, 0);
  const std::shared_ptr<const TimeZone> zone = ZoneOf(call, 2);
  if (unit == nullptr || !zone) return nullptr;
  return call.Make(TypeKind::kTimestamp,
                   EachRow([unit, zone](const Call& c, size_t row, ColumnBuilder& out) {
                     const auto start = Truncate(*unit, {c[1].Get<int64_t>(row)}, *zone);
                     if (start) return out.Append(start->us);
                     c.Fail(row, "the time is out of range");
                     out.AppendNull();
                   }),
                   {.can_fail = true});
}

/// Whole months from `from` to `to`, toward zero.
int64_t MonthsBetween(EventTime from, EventTime to) {
  if (from > to) return -MonthsBetween(to, from);
  const CivilTime a = CivilFromTime(from);
  const CivilTime b = CivilFromTime(to);
  int64_t months = (b.year - a.year) * 12 + b.month - a.month;
  // The last month is whole once the same day and time of day has come.
  const auto rest = [](const CivilTime& civil) {
    return std::tuple(civil.day, civil.hour, civil.minute, civil.second, civil.micros);
  };
  if (rest(b) < rest(a)) months--;
  return months;
}

NodePtr BindDifference(CallBinder& call) {
  const Unit* unit = UnitOf(call, 0);
  if (unit == nullptr) return nullptr;
  const int64_t months = unit->name == "year" ? 12 : unit->name == "quarter" ? 3 : 1;
  return call.Make(TypeKind::kInt64,
                   EachRow([unit, months](const Call& c, size_t row, ColumnBuilder& out) {
                     const auto from = c[1].Get<int64_t>(row);
                     const auto to = c[2].Get<int64_t>(row);
                     if (unit->micros == 0) return out.Append(MonthsBetween({from}, {to}) / months);
                     int64_t passed = 0;
                     if (__builtin_sub_overflow(to, from, &passed)) {
                       c.Fail(row, "overflow of int64");
                       return out.AppendNull();
                     }
                     out.Append(passed / unit->micros);
                   }),
                   {.can_fail = true});
}

int64_t PartOf(std::string_view part, EventTime time, int32_t east) {
  const CivilTime civil = CivilFromTime(time + Duration::Seconds(east));
  const int64_t days = DaysFromCivil(civil.year, civil.month, civil.day);
  if (part == "year") return civil.year;
  if (part == "quarter") return (civil.month + 2) / 3;
  if (part == "month") return civil.month;
  if (part == "day") return civil.day;
  if (part == "hour") return civil.hour;
  if (part == "minute") return civil.minute;
  if (part == "second") return civil.second;
  if (part == "millisecond") return civil.micros / 1000;
  if (part == "microsecond") return civil.micros;
  if (part == "dow") return ((days + 4) % 7 + 7) % 7;
  if (part == "doy") return days - DaysFromCivil(civil.year, 1, 1) + 1;
  return FloorDivide(time.us, kMicrosPerSecond);
}

NodePtr BindExtract(CallBinder& call) {
  static constexpr std::array<std::string_view, 12> kParts = {
      "year",   "quarter",     "month",       "day", "hour", "minute",
      "second", "millisecond", "microsecond", "dow", "doy",  "epoch"};
  const std::optional<std::string> part = call.LiteralText(0, "part");
  const std::shared_ptr<const TimeZone> zone = ZoneOf(call, 2);
  if (!part || !zone) return nullptr;
  for (std::string_view known : kParts) {
    if (known != *part) continue;
    return call.Make(TypeKind::kInt64,
                     EachRow([known, zone](const Call& c, size_t row, ColumnBuilder& out) {
                       const EventTime time{c[1].Get<int64_t>(row)};
                       out.Append(PartOf(known, time, zone->IsUtc() ? 0 : zone->OffsetAt(time)));
                     }));
  }
  return call.Fault(0, fmt::format("no part of a time '{}'", Shorten(*part)),
                    "parts are year, quarter, month, day, hour, minute, second, millisecond, "
                    "microsecond, dow, doy, epoch");
}

NodePtr BindNow(CallBinder& call) {
  return call.Make(
      TypeKind::kTimestamp,
      [](const Call& c) -> Vector {
        const int64_t now = c.frame.now().us;
        return {MakeColumn<int64_t>(TypeKind::kTimestamp, std::span<const int64_t>(&now, 1)), true};
      },
      {.pure = false});
}

constexpr std::array kFunctions = {
    Function{"format_time", "time", "(time timestamp, layout string, [zone string]) -> string",
             "The time as text, as clocks in the zone (UTC if not given) show it. %Y year, %m "
             "month, %d day, %H hour, %M minute, %S second, %L milliseconds, %f microseconds, %j "
             "day of the year, %b %B month, %a %A weekday, %z offset, %s epoch seconds.",
             "format_time(timestamp '2026-01-02T03:04:05Z', '%Y-%m-%d %H', 'Asia/Tokyo')",
             "\"2026-01-02 12\"", BindFormat},
    Function{"parse_time", "time", "(text string, [layout string], [zone string]) -> timestamp",
             "Reads a time: by the layout (as of format_time), or ISO 8601. Text without an offset "
             "is of the zone (UTC if not given). Other text is a row error.",
             "parse_time('02.01.2026 03:04', '%d.%m.%Y %H:%M')", "1767323040000", BindParse},
    Function{"date_trunc", "time", "(unit string, time timestamp, [zone string]) -> timestamp",
             "The first moment of the second, minute, hour, day, week (from Monday), month, "
             "quarter or year, by clocks of the zone (UTC if not given).",
             "date_trunc('hour', timestamp '2026-01-02T03:04:05Z')", "1767322800000", BindTruncate},
    Function{"date_diff", "time", "(unit string, from timestamp, to timestamp) -> int64",
             "How many whole units passed from `from` to `to`; negative if `to` is earlier.",
             "date_diff('minute', timestamp '2026-01-02T03:00:30Z', timestamp "
             "'2026-01-02T03:02:00Z')",
             "1", BindDifference},
    Function{"extract", "time", "(part string, time timestamp, [zone string]) -> int64",
             "The year, quarter, month, day, hour, minute, second, millisecond or microsecond of "
             "the time, dow (0 is Sunday), doy (day of the year) or epoch (seconds since 1970). "
             "Also `extract(hour from time)`.",
             "extract('hour', timestamp '2026-01-02T03:04:05Z')", "3", BindExtract},
    Function{"now", "time", "() -> timestamp", "The wall clock when the batch began.", "now()", "",
             BindNow},
};

}  // namespace

std::span<const Function> TimeFunctions() { return kFunctions; }

}  // namespace weir
