#include "batch/time_text.h"

#include "batch/time_zone.h"

namespace weir {
namespace {

constexpr int64_t kMicrosPerSecond = 1000000;
constexpr int64_t kMicrosPerDay = 86400 * kMicrosPerSecond;
/// Years that an EventTime reaches, and a little more; bounds all sums below.
constexpr int64_t kFarthestYear = 300000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

/// Reads exactly `count` digits at the front of `text` and drops them; -1 where they are not there.
int TakeDigits(std::string_view& text, size_t count) {
  if (text.size() < count) return -1;
  int value = 0;
  for (size_t i = 0; i < count; i++) {
    if (!IsDigit(text[i])) return -1;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

bool TakeChar(std::string_view& text, char c) {
  if (text.empty() || text[0] != c) return false;
  text.remove_prefix(1);
  return true;
}

/// `YYYY-MM-DD`, or `±YYYYY-MM-DD` with 4 to 6 digits.
bool TakeDate(std::string_view& text, CivilTime& civil) {
  size_t digits = 4;
  bool negative = false;
  if (!text.empty() && (text[0] == '+' || text[0] == '-')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
    while (digits < 6 && digits < text.size() && IsDigit(text[digits])) digits++;
  }
  const int year = TakeDigits(text, digits);
  if (year < 0 || !TakeChar(text, '-')) return false;
  civil.year = negative ? -year : year;
  civil.month = TakeDigits(text, 2);
  if (civil.month < 1 || civil.month > 12 || !TakeChar(text, '-')) return false;
  civil.day = TakeDigits(text, 2);
  return civil.day >= 1 && civil.day <= DaysInMonth(civil.year, civil.month);
}

/// `hh:mm`, `hh:mm:ss` or `hh:mm:ss.` and 1 to 9 decimals.
bool TakeTimeOfDay(std::string_view& text, CivilTime& civil) {
  civil.hour = TakeDigits(text, 2);
  if (civil.hour < 0 || civil.hour > 23 || !TakeChar(text, ':')) return false;
  civil.minute = TakeDigits(text, 2);
  if (civil.minute < 0 || civil.minute > 59) return false;
  if (!TakeChar(text, ':')) return true;
  civil.second = TakeDigits(text, 2);
  if (civil.second < 0 || civil.second > 59) return false;
  if (!TakeChar(text, '.')) return true;
  size_t digits = 0;
  int scale = 100000;
  while (digits < text.size() && IsDigit(text[digits])) {
    civil.micros += (text[digits] - '0') * scale;
    scale /= 10;
    digits++;
  }
  text.remove_prefix(digits);
  return digits >= 1 && digits <= 9;
}

void AppendPadded(std::string& out, int value, int width) {
  char digits[8];
  for (int i = width - 1; i >= 0; i--) {
    digits[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
  out.append(digits, static_cast<size_t>(width));
}

void AppendCivilDate(std::string& out, const CivilTime& civil) {
  if (civil.year >= 0 && civil.year <= 9999) {
    AppendPadded(out, static_cast<int>(civil.year), 4);
  } else {
    out += civil.year < 0 ? '-' : '+';
    AppendPadded(out, static_cast<int>(civil.year < 0 ? -civil.year : civil.year), 6);
  }
  out += '-';
  AppendPadded(out, civil.month, 2);
  out += '-';
  AppendPadded(out, civil.day, 2);
}

void SetDate(CivilTime& civil, int64_t days) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
  const int64_t day_of_era = days - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year =
      day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t month = (5 * day_of_year + 2) / 153;
  civil.day = static_cast<int>(day_of_year - (153 * month + 2) / 5 + 1);
  civil.month = static_cast<int>(month < 10 ? month + 3 : month - 9);
  civil.year = year_of_era + era * 400 + (civil.month <= 2 ? 1 : 0);
}

}  // namespace

int64_t DaysFromCivil(int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

int DaysInMonth(int64_t year, int month) {
  constexpr int kDays[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return month == 2 && leap ? 29 : kDays[month - 1];
}

CivilTime CivilFromTime(EventTime time) {
  int64_t days = time.us / kMicrosPerDay;
  int64_t rest = time.us % kMicrosPerDay;
  if (rest < 0) {
    rest += kMicrosPerDay;
    days--;
  }
  CivilTime civil;
  SetDate(civil, days);
  civil.micros = static_cast<int>(rest % kMicrosPerSecond);
  const int seconds = static_cast<int>(rest / kMicrosPerSecond);
  civil.hour = seconds / 3600;
  civil.minute = seconds / 60 % 60;
  civil.second = seconds % 60;
  return civil;
}

std::optional<EventTime> TimeFromCivil(const CivilTime& civil) {
  if (civil.year < -kFarthestYear || civil.year > kFarthestYear || civil.month < 1 ||
      civil.month > 12 || civil.day < 1 || civil.day > DaysInMonth(civil.year, civil.month)) {
    return std::nullopt;
  }
  const int64_t seconds = DaysFromCivil(civil.year, civil.month, civil.day) * 86400 +
                          civil.hour * 3600 + civil.minute * 60 + civil.second;
  int64_t us = 0;
  if (__builtin_mul_overflow(seconds, kMicrosPerSecond, &us) ||
      __builtin_add_overflow(us, static_cast<int64_t>(civil.micros), &us)) {
    return std::nullopt;
  }
  return EventTime{us};
}

std::optional<int32_t> ParseZoneOffset(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  if (text.empty() || (text[0] != '+' && text[0] != '-')) return std::nullopt;
  const int sign = text[0] == '-' ? -1 : 1;
  text.remove_prefix(1);
  const int hours = TakeDigits(text, 2);
  if (hours < 0 || hours > 23) return std::nullopt;
  int minutes = 0;
  if (!text.empty()) {
    TakeChar(text, ':');
    minutes = TakeDigits(text, 2);
    if (minutes < 0 || minutes > 59 || !text.empty()) return std::nullopt;
  }
  return sign * (hours * 3600 + minutes * 60);
}

std::optional<EventTime> ParseTime(std::string_view text, const TimeZone* zone) {
  CivilTime civil;
  if (!TakeDate(text, civil)) return std::nullopt;
  if (TakeChar(text, 'T') || TakeChar(text, ' ') || TakeChar(text, 't')) {
    if (!TakeTimeOfDay(text, civil)) return std::nullopt;
  }
  if (text.empty()) return zone == nullptr ? TimeFromCivil(civil) : zone->ToTime(civil);
  const std::optional<int32_t> east = ParseZoneOffset(text);
  const std::optional<EventTime> local = TimeFromCivil(civil);
  if (!east || !local) return std::nullopt;
  int64_t us = 0;
  if (__builtin_sub_overflow(local->us, *east * kMicrosPerSecond, &us)) return std::nullopt;
  return EventTime{us};
}

std::optional<int32_t> ParseDate(std::string_view text) {
  CivilTime civil;
  if (!TakeDate(text, civil) || !text.empty()) return std::nullopt;
  return static_cast<int32_t>(DaysFromCivil(civil.year, civil.month, civil.day));
}

void AppendIso8601(std::string& out, EventTime time) {
  const CivilTime civil = CivilFromTime(time);
  AppendCivilDate(out, civil);
  out += 'T';
  AppendPadded(out, civil.hour, 2);
  out += ':';
  AppendPadded(out, civil.minute, 2);
  out += ':';
  AppendPadded(out, civil.second, 2);
  if (civil.micros != 0) {
    out += '.';
    if (civil.micros % 1000 == 0) {
      AppendPadded(out, civil.micros / 1000, 3);
    } else {
      AppendPadded(out, civil.micros, 6);
    }
  }
  out += 'Z';
}

std::string FormatIso8601(EventTime time) {
  std::string text;
  AppendIso8601(text, time);
  return text;
}

void AppendIsoDate(std::string& out, int64_t days) {
  CivilTime civil;
  SetDate(civil, days);
  if (civil.year < -999999 || civil.year > 999999) {
    out += std::to_string(civil.year);
    out += '-';
    AppendPadded(out, civil.month, 2);
    out += '-';
    AppendPadded(out, civil.day, 2);
    return;
  }
  AppendCivilDate(out, civil);
}

}  // namespace weir
