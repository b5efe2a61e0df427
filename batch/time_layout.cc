#include "batch/time_layout.h"

#include <charconv>

#include <fmt/format.h>

#include "batch/errors.h"

namespace weir {
namespace {

constexpr std::string_view kLetters = "YmdHMSfLyjeIpbBaAsz";
constexpr size_t kLongestLayout = 200;
constexpr std::string_view kMonths[] = {"January",   "February", "March",    "April",
                                        "May",       "June",     "July",     "August",
                                        "September", "October",  "November", "December"};
constexpr std::string_view kDays[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                      "Thursday", "Friday", "Saturday"};

void Pad(std::string& out, int64_t value, int width, char fill = '0') {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  for (auto n = end - digits; n < width; n++) out += fill;
  out.append(digits, static_cast<size_t>(end - digits));
}

/// Reads `least` to `most` digits.
bool TakeNumber(std::string_view& text, size_t least, size_t most, int64_t& value) {
  size_t n = 0;
  value = 0;
  while (n < most && n < text.size() && text[n] >= '0' && text[n] <= '9') {
    value = value * 10 + (text[n++] - '0');
  }
  text.remove_prefix(n);
  return n >= least;
}

char LowerChar(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool TakeIgnoringCase(std::string_view& text, std::string_view word) {
  if (text.size() < word.size()) return false;
  for (size_t i = 0; i < word.size(); i++) {
    if (LowerChar(text[i]) != LowerChar(word[i])) return false;
  }
  text.remove_prefix(word.size());
  return true;
}

/// Index of the name at the front of `text`, whole or its first three letters; -1 if none.
template <size_t Count>
int TakeName(std::string_view& text, const std::string_view (&names)[Count], bool whole) {
  for (size_t i = 0; i < Count; i++) {
    if (TakeIgnoringCase(text, whole ? names[i] : names[i].substr(0, 3))) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

int Weekday(const CivilTime& civil) {
  const int64_t days = DaysFromCivil(civil.year, civil.month, civil.day);
  return static_cast<int>(((days + 4) % 7 + 7) % 7);
}

/// Parts of a time as they are read.
struct Reading {
  CivilTime civil;
  int64_t day_of_year = 0;
  bool afternoon = false;
  bool has_half = false;
  std::optional<int64_t> seconds;
  std::optional<int32_t> east;
};

bool ReadPart(std::string_view& text, char letter, Reading& into) {
  int64_t value = 0;
  CivilTime& civil = into.civil;
  switch (letter) {
    case 'Y':
      if (!TakeNumber(text, 4, 4, value)) return false;
      civil.year = value;
      return true;
    case 'y':
      if (!TakeNumber(text, 2, 2, value)) return false;
      civil.year = value < 69 ? 2000 + value : 1900 + value;
      return true;
    case 'm':
      if (!TakeNumber(text, 1, 2, value) || value < 1 || value > 12) return false;
      civil.month = static_cast<int>(value);
      return true;
    case 'e':
      if (!text.empty() && text[0] == ' ') text.remove_prefix(1);
      [[fallthrough]];
    case 'd':
      if (!TakeNumber(text, 1, 2, value) || value < 1 || value > 31) return false;
      civil.day = static_cast<int>(value);
      return true;
    case 'j':
      return TakeNumber(text, 1, 3, into.day_of_year) && into.day_of_year >= 1 &&
             into.day_of_year <= 366;
    case 'H':
    case 'I':
      if (!TakeNumber(text, 1, 2, value) || value > (letter == 'H' ? 23 : 12)) return false;
      civil.hour = static_cast<int>(letter == 'I' ? value % 12 : value);
      return true;
    case 'M':
      if (!TakeNumber(text, 1, 2, value) || value > 59) return false;
      civil.minute = static_cast<int>(value);
      return true;
    case 'S':
      if (!TakeNumber(text, 1, 2, value) || value > 59) return false;
      civil.second = static_cast<int>(value);
      return true;
    case 'f':
    case 'L': {
      const size_t before = text.size();
      if (!TakeNumber(text, 1, 9, value)) return false;
      for (size_t n = before - text.size(); n < 6; n++) value *= 10;
      for (size_t n = before - text.size(); n > 6; n--) value /= 10;
      civil.micros = static_cast<int>(value);
      return true;
    }
    case 'p':
      into.has_half = true;
      into.afternoon = !text.empty() && LowerChar(text[0]) == 'p';
      return TakeIgnoringCase(text, into.afternoon ? "PM" : "AM");
    case 'b':
    case 'B': {
      const int month = TakeName(text, kMonths, letter == 'B');
      civil.month = month + 1;
      return month >= 0;
    }
    case 'a':
    case 'A':
      return TakeName(text, kDays, letter == 'A') >= 0;
    case 's': {
      const bool negative = !text.empty() && text[0] == '-';
      if (negative) text.remove_prefix(1);
      if (!TakeNumber(text, 1, 12, value)) return false;
      into.seconds = negative ? -value : value;
      return true;
    }
    default: {  // 'z'
      if (!text.empty() && text[0] == 'Z') {
        text.remove_prefix(1);
        into.east = 0;
        return true;
      }
      const size_t length = text.size() > 3 && text[3] == ':' ? 6 : 5;
      if (text.size() < length) return false;
      into.east = ParseZoneOffset(text.substr(0, length));
      text.remove_prefix(length);
      return into.east.has_value();
    }
  }
}

}  // namespace

Result<TimeLayout> TimeLayout::Parse(std::string_view layout) {
  const auto fault = [&](std::string what) {
    std::string cure = "layouts are written like '%Y-%m-%d %H:%M:%S'";
    if (layout.find("yyyy") != std::string_view::npos) {
      cure = "yyyy-MM-dd HH:mm:ss is written %Y-%m-%d %H:%M:%S";
    }
    return Status(errors::kBadLayout,
                  fmt::format("'{}' is no layout of times: {}", layout.substr(0, 60), what), cure);
  };
  if (layout.size() > kLongestLayout) return fault("it is too long");
  TimeLayout result;
  bool any = false;
  std::string expanded;
  for (size_t i = 0; i < layout.size(); i++) {
    if (layout[i] == '%' && i + 1 < layout.size() &&
        (layout[i + 1] == 'F' || layout[i + 1] == 'T')) {
      expanded += layout[++i] == 'F' ? "%Y-%m-%d" : "%H:%M:%S";
    } else if (layout[i] == '%' && i + 1 < layout.size()) {
      expanded += layout.substr(i++, 2);
    } else {
      expanded += layout[i];
    }
  }
  for (size_t i = 0; i < expanded.size(); i++) {
    if (expanded[i] == '%') {
      if (i + 1 == expanded.size()) return fault("it ends in '%'");
      const char letter = expanded[++i];
      if (letter != '%') {
        if (kLetters.find(letter) == std::string_view::npos) {
          return fault(
              fmt::format("'%{}' is not known", letter >= ' ' && letter < 0x7f ? letter : '?'));
        }
        result.pieces_.push_back({letter, ""});
        any = true;
        continue;
      }
    }
    if (result.pieces_.empty() || result.pieces_.back().letter != 0) {
      result.pieces_.push_back({0, ""});
    }
    result.pieces_.back().text += expanded[i];
  }
  if (!any) return fault("it names no part of a time");
  return result;
}

void TimeLayout::Append(std::string& out, EventTime time, const TimeZone& zone) const {
  const int32_t east = zone.IsUtc() ? 0 : zone.OffsetAt(time);
  const CivilTime civil = CivilFromTime(time + Duration::Seconds(east));
  for (const Piece& piece : pieces_) {
    switch (piece.letter) {
      case 0:
        out += piece.text;
        break;
      case 'Y':
        Pad(out, civil.year, 4);
        break;
      case 'y':
        Pad(out, (civil.year % 100 + 100) % 100, 2);
        break;
      case 'm':
        Pad(out, civil.month, 2);
        break;
      case 'd':
        Pad(out, civil.day, 2);
        break;
      case 'e':
        Pad(out, civil.day, 2, ' ');
        break;
      case 'j':
        Pad(out,
            DaysFromCivil(civil.year, civil.month, civil.day) - DaysFromCivil(civil.year, 1, 1) + 1,
            3);
        break;
      case 'H':
        Pad(out, civil.hour, 2);
        break;
      case 'I':
        Pad(out, civil.hour % 12 == 0 ? 12 : civil.hour % 12, 2);
        break;
      case 'M':
        Pad(out, civil.minute, 2);
        break;
      case 'S':
        Pad(out, civil.second, 2);
        break;
      case 'f':
        Pad(out, civil.micros, 6);
        break;
      case 'L':
        Pad(out, civil.micros / 1000, 3);
        break;
      case 'p':
        out += civil.hour < 12 ? "AM" : "PM";
        break;
      case 'b':
        out += kMonths[civil.month - 1].substr(0, 3);
        break;
      case 'B':
        out += kMonths[civil.month - 1];
        break;
      case 'a':
        out += kDays[Weekday(civil)].substr(0, 3);
        break;
      case 'A':
        out += kDays[Weekday(civil)];
        break;
      case 's':
        Pad(out, time.us / 1000000 - (time.us % 1000000 < 0 ? 1 : 0), 1);
        break;
      default:  // 'z'
        out += east < 0 ? '-' : '+';
        Pad(out, (east < 0 ? -east : east) / 3600, 2);
        Pad(out, (east < 0 ? -east : east) / 60 % 60, 2);
    }
  }
}

std::optional<EventTime> TimeLayout::Read(std::string_view text, const TimeZone& zone) const {
  Reading reading;
  for (const Piece& piece : pieces_) {
    if (piece.letter != 0) {
      if (!ReadPart(text, piece.letter, reading)) return std::nullopt;
      continue;
    }
    if (!text.starts_with(piece.text)) return std::nullopt;
    text.remove_prefix(piece.text.size());
  }
  if (!text.empty()) return std::nullopt;
  CivilTime& civil = reading.civil;
  if (reading.seconds) {
    return EventTime{*reading.seconds * 1000000 + civil.micros};
  }
  if (reading.has_half && civil.hour > 12) return std::nullopt;
  if (reading.has_half) civil.hour = civil.hour % 12 + (reading.afternoon ? 12 : 0);
  if (reading.day_of_year > 0) {
    int64_t day = reading.day_of_year;
    civil.month = 1;
    while (civil.month < 12 && day > DaysInMonth(civil.year, civil.month)) {
      day -= DaysInMonth(civil.year, civil.month++);
    }
    civil.day = static_cast<int>(day);
  }
  if (!reading.east) return zone.ToTime(civil);
  const std::optional<EventTime> local = TimeFromCivil(civil);
  if (!local) return std::nullopt;
  return *local - Duration::Seconds(*reading.east);
}

}  // namespace weir
