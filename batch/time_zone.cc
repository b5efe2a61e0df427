#include "batch/time_zone.h"

#include <algorithm>
#include <fstream>
#include <iterator>

#include <fmt/format.h>

#include "batch/errors.h"

namespace weir {
namespace {

constexpr std::string_view kZoneDirectory = "/usr/share/zoneinfo/";
constexpr size_t kLongestFile = 1 << 20;
constexpr size_t kLongestName = 64;

/// Names are paths below the zone directory and must stay there.
bool IsZoneName(std::string_view name) {
  if (name.empty() || name.size() > kLongestName || name[0] == '/') return false;
  for (char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && c != '/' && c != '_' && c != '-' && c != '+') return false;
  }
  return true;
}

int64_t ReadBig(std::string_view bytes, size_t at, int width) {
  uint64_t value = width == 4 && (bytes[at] & 0x80) ? ~uint64_t{0} : 0;
  for (int i = 0; i < width; i++) {
    value = value << 8 | static_cast<uint8_t>(bytes[at + static_cast<size_t>(i)]);
  }
  return static_cast<int64_t>(value);
}

/// Reads the POSIX TZ text that ends a TZif file: `CET-1CEST,M3.5.0,M10.5.0/3`.
class RuleReader {
 public:
  explicit RuleReader(std::string_view text) : text_(text) {}

  std::optional<TimeZone::Rule> Read() {
    TimeZone::Rule rule;
    if (!Name() || !Offset(rule.standard)) return std::nullopt;
    rule.standard = -rule.standard;
    if (text_.empty()) return rule;
    rule.has_summer = true;
    rule.summer = rule.standard + 3600;
    if (!Name()) return std::nullopt;
    if (!text_.empty() && text_[0] != ',') {
      if (!Offset(rule.summer)) return std::nullopt;
      rule.summer = -rule.summer;
    }
    if (!Day(rule.begin) || !Day(rule.end) || !text_.empty()) return std::nullopt;
    return rule;
  }

 private:
  bool Take(char c) {
    if (text_.empty() || text_[0] != c) return false;
    text_.remove_prefix(1);
    return true;
  }
  bool Name() {
    if (Take('<')) {
      const size_t end = text_.find('>');
      if (end == std::string_view::npos) return false;
      text_.remove_prefix(end + 1);
      return true;
    }
    size_t n = 0;
    while (n < text_.size() && isalpha(static_cast<unsigned char>(text_[n]))) n++;
    text_.remove_prefix(n);
    return n >= 3;
  }
  bool Number(int& value) {
    size_t n = 0;
    value = 0;
    while (n < text_.size() && n < 4 && text_[n] >= '0' && text_[n] <= '9') {
      value = value * 10 + (text_[n++] - '0');
    }
    text_.remove_prefix(n);
    return n > 0;
  }
  /// `[+-]hh[:mm[:ss]]` in seconds.
  bool Offset(int32_t& seconds) {
    const bool negative = Take('-');
    if (!negative) Take('+');
    int hours = 0;
    int minutes = 0;
    int rest = 0;
    if (!Number(hours) || hours > 167) return false;
    if (Take(':') && (!Number(minutes) || minutes > 59)) return false;
    if (Take(':') && (!Number(rest) || rest > 59)) return false;
    seconds = hours * 3600 + minutes * 60 + rest;
    if (negative) seconds = -seconds;
    return true;
  }
  bool Day(TimeZone::ChangeDay& day) {
    if (!Take(',')) return false;
    using Kind = TimeZone::ChangeDay::Kind;
    if (Take('M')) {
      day.kind = Kind::kMonthWeekDay;
      if (!Number(day.month) || !Take('.') || !Number(day.week) || !Take('.') || !Number(day.day) ||
          day.month < 1 || day.month > 12 || day.week < 1 || day.week > 5 || day.day > 6) {
        return false;
      }
    } else {
      day.kind = Take('J') ? Kind::kJulianWithoutLeapDay : Kind::kJulian;
      if (!Number(day.day) || day.day > 365) return false;
    }
    return !Take('/') || Offset(day.seconds);
  }

  std::string_view text_;
};

/// Seconds since 1970, as if local time were UTC, of a change in `year`.
int64_t LocalChange(const TimeZone::ChangeDay& change, int64_t year) {
  int64_t days = DaysFromCivil(year, 1, 1);
  switch (change.kind) {
    case TimeZone::ChangeDay::Kind::kJulian:
      days += change.day;
      break;
    case TimeZone::ChangeDay::Kind::kJulianWithoutLeapDay:
      days += change.day - 1;
      if (change.day >= 60 && DaysInMonth(year, 2) == 29) days++;
      break;
    case TimeZone::ChangeDay::Kind::kMonthWeekDay: {
      const int64_t first = DaysFromCivil(year, change.month, 1);
      const int64_t weekday = ((first + 4) % 7 + 7) % 7;  // 1970-01-01 was a Thursday.
      int64_t day = (change.day - weekday + 7) % 7 + (change.week - 1) * 7;
      if (day >= DaysInMonth(year, change.month)) day -= 7;
      days = first + day;
      break;
    }
  }
  return days * 86400 + change.seconds;
}

int32_t OffsetByRule(const TimeZone::Rule& rule, int64_t seconds) {
  if (!rule.has_summer) return rule.standard;
  // The year as standard time has it; changes never fall on the turn of the year.
  int64_t micros = 0;
  if (__builtin_mul_overflow(seconds + rule.standard, int64_t{1000000}, &micros)) {
    return rule.standard;
  }
  const int64_t year = CivilFromTime({micros}).year;
  const int64_t begin = LocalChange(rule.begin, year) - rule.standard;
  const int64_t end = LocalChange(rule.end, year) - rule.summer;
  const bool summer =
      begin < end ? seconds >= begin && seconds < end : seconds >= begin || seconds < end;
  return summer ? rule.summer : rule.standard;
}

int64_t FloorSeconds(EventTime time) { return time.us / 1000000 - (time.us % 1000000 < 0 ? 1 : 0); }

}  // namespace

std::shared_ptr<const TimeZone> TimeZone::FromTzif(std::string_view bytes) {
  constexpr size_t kHeader = 44;
  size_t at = 0;
  int width = 4;
  size_t counts[6];
  const auto header = [&] {
    if (bytes.size() < at + kHeader || bytes.substr(at, 4) != "TZif") return false;
    for (size_t i = 0; i < 6; i++) {
      const int64_t n = ReadBig(bytes, at + 20 + 4 * i, 4);
      if (n < 0 || n > 100000) return false;
      counts[i] = static_cast<size_t>(n);
    }
    return true;
  };
  const auto body = [&] {
    const auto w = static_cast<size_t>(width);
    return counts[3] * (w + 1) + counts[4] * 6 + counts[5] + counts[2] * (w + 4) + counts[1] +
           counts[0];
  };
  if (!header()) return nullptr;
  const bool wide = bytes[4] >= '2';
  if (wide) {
    at += kHeader + body();
    width = 8;
    if (!header()) return nullptr;
  }
  at += kHeader;
  if (bytes.size() < at + body() || counts[4] == 0) return nullptr;
  const size_t times = counts[3];
  const size_t types = at + times * static_cast<size_t>(width + 1);
  auto zone = std::make_shared<TimeZone>();
  const auto offset_of = [&](size_t type) {
    return static_cast<int32_t>(ReadBig(bytes, types + type * 6, 4));
  };
  zone->offsets_[0] = offset_of(0);
  for (size_t i = 0; i < times; i++) {
    const auto type = static_cast<uint8_t>(bytes[at + times * static_cast<size_t>(width) + i]);
    const int64_t when = ReadBig(bytes, at + i * static_cast<size_t>(width), width);
    if (type >= counts[4]) return nullptr;
    if (!zone->transitions_.empty() && when <= zone->transitions_.back()) return nullptr;
    zone->transitions_.push_back(when);
    zone->offsets_.push_back(offset_of(type));
  }
  for (int32_t offset : zone->offsets_) {
    if (offset < -200000 || offset > 200000) return nullptr;
  }
  if (wide) {
    std::string_view footer = bytes.substr(at + body());
    if (footer.size() >= 2 && footer.front() == '\n' && footer.back() == '\n') {
      footer = footer.substr(1, footer.size() - 2);
      if (!footer.empty()) zone->rule_ = RuleReader(footer).Read();
    }
  }
  return zone;
}

Result<std::shared_ptr<const TimeZone>> TimeZone::Find(std::string_view name) {
  auto zone = std::make_shared<TimeZone>();
  if (name == "UTC" || name == "Z" || name == "GMT") {
    return std::shared_ptr<const TimeZone>(std::move(zone));
  }
  if (const auto east = ParseZoneOffset(name)) {
    zone->offsets_[0] = *east;
    return std::shared_ptr<const TimeZone>(std::move(zone));
  }
  if (IsZoneName(name)) {
    std::ifstream file(std::string(kZoneDirectory) + std::string(name), std::ios::binary);
    std::string bytes(kLongestFile, '\0');
    file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<size_t>(file.gcount()));
    if (auto found = FromTzif(bytes)) return found;
  }
  return Status(errors::kBadZone, fmt::format("no time zone '{}'", name.substr(0, kLongestName)),
                "zones are IANA names like 'Europe/Zurich' (package tzdata), 'UTC', or offsets "
                "like '+02:00'");
}

int32_t TimeZone::OffsetAt(EventTime time) const {
  const int64_t seconds = FloorSeconds(time);
  if (rule_ && (transitions_.empty() || seconds >= transitions_.back())) {
    return OffsetByRule(*rule_, seconds);
  }
  const auto after = std::upper_bound(transitions_.begin(), transitions_.end(), seconds);
  return offsets_[static_cast<size_t>(after - transitions_.begin())];
}

std::optional<EventTime> TimeZone::ToTime(const CivilTime& civil) const {
  const std::optional<EventTime> local = TimeFromCivil(civil);
  if (!local || IsUtc()) return local;
  constexpr Duration kDay = Duration::Seconds(86400);
  const int32_t before = OffsetAt(*local - kDay);
  const int32_t after = OffsetAt(*local + kDay);
  const EventTime first = *local - Duration::Seconds(before);
  const EventTime second = *local - Duration::Seconds(after);
  if (OffsetAt(first) == before) return first;
  if (OffsetAt(second) == after) return second;
  return first;
}

}  // namespace weir
