#include "formats/values.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

#include <fmt/format.h>

#include "batch/time_layout.h"
#include "formats/errors.h"

namespace weir {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

uint64_t EightBytes(const char* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, 8);
  return word;
}
uint64_t FourBytes(const char* at) {
  uint32_t word = 0;
  std::memcpy(&word, at, 4);
  return word;
}
/// Whether eight characters are digits: all are 0x30 to 0x39.
bool AreDigits(uint64_t word) {
  return ((word & 0xf0f0f0f0f0f0f0f0) | ((word + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) >> 4) ==
         0x3333333333333333;
}
/// The number that eight digits are, the first in the lowest byte (D. Lemire's parse_eight_digits).
uint64_t FromDigits(uint64_t word) {
  word -= 0x3030303030303030;
  word = word * 10 + (word >> 8);
  return ((word & 0x000000ff000000ff) * 0x000f424000000064 +
          (word >> 16 & 0x000000ff000000ff) * 0x0000271000000001) >>
         32;
}
static_assert(std::endian::native == std::endian::little);

/// Reads up to 16 digits without a leading zero, as most numbers are. False for anything else, also
/// for other numbers.
[[gnu::always_inline]] inline bool ReadPlainInteger(std::string_view text, int64_t& value) {
  constexpr uint64_t kZeros = 0x3030303030303030;
  const char* const begin = text.data();
  const size_t n = text.size();
  if (n - 1 >= 16 || (begin[0] == '0' && n > 1)) return false;
  if (n < 4) {
    value = 0;
    for (size_t i = 0; i < n; i++) {
      if (!IsDigit(begin[i])) return false;
      value = value * 10 + (begin[i] - '0');
    }
    return true;
  }
  if (n < 8) {
    // Its first and its last four digits, which may be the same ones, behind zeros.
    const uint64_t word =
        FourBytes(begin + n - 4) << 32 | FourBytes(begin) << 8 * (8 - n) | kZeros >> 8 * n;
    if (!AreDigits(word)) return false;
    value = static_cast<int64_t>(FromDigits(word));
    return true;
  }
  const uint64_t low = EightBytes(begin + n - 8);
  if (!AreDigits(low)) return false;
  value = static_cast<int64_t>(FromDigits(low));
  if (n == 8) return true;
  const size_t before = n - 8;
  const uint64_t word = EightBytes(begin);
  const uint64_t high = before == 8 ? word : word << 8 * (8 - before) | kZeros >> 8 * before;
  if (!AreDigits(high)) return false;
  value += static_cast<int64_t>(FromDigits(high) * 100000000);
  return true;
}

/// 10^38 - 1, the greatest number of 38 digits.
constexpr Int128 Greatest38Digits() {
  Int128 value = 1;
  for (int i = 0; i < 38; i++) value *= 10;
  return value - 1;
}
constexpr Int128 kGreatest = Greatest38Digits();

/// A number taken apart: mantissa * 10^exponent.
struct Parts {
  bool negative = false;
  Int128 mantissa = 0;
  int64_t exponent = 0;
  bool inexact = false;
};

/// `text` has passed IsJsonNumber.
std::optional<Parts> TakeApart(std::string_view text) {
  Parts parts;
  size_t i = 0;
  if (text[0] == '-') {
    parts.negative = true;
    i = 1;
  }
  bool fraction = false;
  for (; i < text.size() && text[i] != 'e' && text[i] != 'E'; i++) {
    if (text[i] == '.') {
      fraction = true;
      continue;
    }
    if (parts.mantissa > kGreatest / 10 - 1) {
      // More digits than can be kept: zeros change only the exponent.
      if (text[i] != '0') parts.inexact = true;
      if (!fraction) parts.exponent++;
      continue;
    }
    parts.mantissa = parts.mantissa * 10 + (text[i] - '0');
    if (fraction) parts.exponent--;
  }
  if (i < text.size()) {
    i++;
    const bool minus = text[i] == '-';
    if (text[i] == '-' || text[i] == '+') i++;
    int64_t exponent = 0;
    for (; i < text.size(); i++) {
      exponent = exponent * 10 + (text[i] - '0');
      if (exponent > 100000000) return std::nullopt;
    }
    parts.exponent += minus ? -exponent : exponent;
  }
  return parts;
}

}  // namespace

Int128 PowerOfTen(int exponent) {
  Int128 value = 1;
  for (int i = 0; i < exponent; i++) value *= 10;
  return value;
}

bool IsJsonNumber(std::string_view text) {
  int64_t value = 0;
  if (ReadPlainInteger(text, value)) return true;
  size_t i = 0;
  const size_t n = text.size();
  if (i < n && text[i] == '-') i++;
  if (i >= n || !IsDigit(text[i])) return false;
  if (text[i] == '0') {
    i++;
  } else {
    while (i < n && IsDigit(text[i])) i++;
  }
  if (i < n && text[i] == '.') {
    i++;
    if (i >= n || !IsDigit(text[i])) return false;
    while (i < n && IsDigit(text[i])) i++;
  }
  if (i < n && (text[i] == 'e' || text[i] == 'E')) {
    i++;
    if (i < n && (text[i] == '+' || text[i] == '-')) i++;
    if (i >= n || !IsDigit(text[i])) return false;
    while (i < n && IsDigit(text[i])) i++;
  }
  return i == n;
}

std::optional<Int128> ReadScaled(std::string_view text, int scale, bool cut) {
  if (!IsJsonNumber(text)) return std::nullopt;
  const std::optional<Parts> parts = TakeApart(text);
  if (!parts || (parts->inexact && !cut)) return std::nullopt;
  Int128 value = parts->mantissa;
  int64_t shift = parts->exponent + scale;
  for (; shift > 0 && value != 0; shift--) {
    if (value > kGreatest / 10) return std::nullopt;
    value *= 10;
  }
  for (; shift < 0 && value != 0; shift++) {
    if (value % 10 != 0 && !cut) return std::nullopt;
    value /= 10;
  }
  return parts->negative ? -value : value;
}

bool ReadInteger(std::string_view text, int64_t& value) {
  const bool negative = !text.empty() && text[0] == '-';
  if (ReadPlainInteger(text.substr(negative ? 1 : 0), value)) {
    if (negative) value = -value;
    return true;
  }
  const std::optional<Int128> wide = ReadScaled(text, 0);
  if (!wide || *wide > std::numeric_limits<int64_t>::max() ||
      *wide < std::numeric_limits<int64_t>::min()) {
    return false;
  }
  value = static_cast<int64_t>(*wide);
  return true;
}

namespace {

template <typename Number>
std::optional<Number> ParseFloating(std::string_view text) {
  if (!IsJsonNumber(text)) return std::nullopt;
  Number value = 0;
  const auto [at, fault] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (fault == std::errc::result_out_of_range) {
    // Too small is zero or the nearest tiny number; too large is no number at all.
    const double wide = std::strtod(std::string(text).c_str(), nullptr);
    value = static_cast<Number>(wide);
    if (std::abs(wide) > 1 || !std::isfinite(value)) return std::nullopt;
  }
  return value;
}

}  // namespace

std::optional<double> ReadDouble(std::string_view text) { return ParseFloating<double>(text); }
std::optional<float> ReadFloat(std::string_view text) { return ParseFloating<float>(text); }

Result<TimeReader> TimeReader::Make(const ColumnDeclaration& column) {
  TimeReader reader;
  if (column.unit == "s") {
    reader.scale_ = 6;
  } else if (column.unit == "us") {
    reader.scale_ = 0;
  } else if (!column.unit.empty() && column.unit != "ms") {
    return Status(errors::kFormatColumns,
                  fmt::format("column '{}': '{}' is no unit of time", column.name, column.unit),
                  "write s, ms or us");
  }
  if (!column.zone.empty()) {
    Result<std::shared_ptr<const TimeZone>> zone = TimeZone::Find(column.zone);
    if (!zone.ok()) {
      return std::move(zone).status().WithContext(fmt::format("column '{}'", column.name));
    }
    reader.zone_ = *zone;
  }
  if (!column.format.empty()) {
    Result<TimeLayout> layout = TimeLayout::Parse(column.format);
    if (!layout.ok()) {
      return std::move(layout).status().WithContext(fmt::format("column '{}'", column.name));
    }
    reader.layout_ = std::make_shared<const TimeLayout>(std::move(layout).value());
    if (!reader.zone_) reader.zone_ = std::make_shared<const TimeZone>();
  }
  return reader;
}

std::optional<EventTime> TimeReader::FromText(std::string_view text) const {
  return layout_ ? layout_->Read(text, *zone_) : ParseTime(text, zone_.get());
}

std::optional<EventTime> TimeReader::FromNumber(int64_t value) const {
  const int64_t unit_us = scale_ == 0 ? 1 : scale_ == 3 ? 1000 : 1000000;
  if (__builtin_mul_overflow(value, unit_us, &value)) return std::nullopt;
  return EventTime{value};
}

std::optional<EventTime> TimeReader::FromNumber(std::string_view text) const {
  int64_t value = 0;
  if (ReadPlainInteger(text, value)) {
    if (const std::optional<EventTime> time = FromNumber(value)) return time;
  }
  const std::optional<Int128> us = ReadScaled(text, scale_, /*cut=*/true);
  if (!us || *us >= std::numeric_limits<int64_t>::max() ||
      *us <= std::numeric_limits<int64_t>::min()) {
    return std::nullopt;
  }
  return EventTime{static_cast<int64_t>(*us)};
}

std::optional<int32_t> TimeReader::DateFromText(std::string_view text) const {
  if (!layout_) return ParseDate(text);
  const std::optional<EventTime> time = layout_->Read(text, TimeZone());
  if (!time) return std::nullopt;
  constexpr int64_t kDay = Duration::Seconds(86400).us;
  const int64_t days = time->us / kDay - (time->us % kDay < 0 ? 1 : 0);
  if (days > std::numeric_limits<int32_t>::max() || days < std::numeric_limits<int32_t>::min()) {
    return std::nullopt;
  }
  return static_cast<int32_t>(days);
}

std::string ExpectedText(const Type& type) {
  switch (type.kind()) {
    case TypeKind::kTimestamp:
      return "timestamp (ISO 8601 text, or a number since 1970)";
    case TypeKind::kDate:
      return "date (text such as 2026-01-02)";
    case TypeKind::kBytes:
      return "bytes (base64 text)";
    case TypeKind::kList:
      return "a list";
    case TypeKind::kStruct:
    case TypeKind::kMap:
      return "an object";
    default:
      return type.ToString();
  }
}

namespace {

/// Length of the UTF-8 character at `text[i]`, 0 where it is broken.
size_t Utf8Length(std::string_view text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  const auto follows = [&](size_t k) { return k < text.size() && (byte(k) & 0xc0) == 0x80; };
  const unsigned char c = byte(i);
  if (c < 0x80) return 1;
  if (c >= 0xc2 && c < 0xe0) return follows(i + 1) ? 2 : 0;
  if (c >= 0xe0 && c < 0xf0) {
    if (!follows(i + 1) || !follows(i + 2)) return 0;
    if (c == 0xe0 && byte(i + 1) < 0xa0) return 0;
    if (c == 0xed && byte(i + 1) >= 0xa0) return 0;
    return 3;
  }
  if (c >= 0xf0 && c < 0xf5) {
    if (!follows(i + 1) || !follows(i + 2) || !follows(i + 3)) return 0;
    if (c == 0xf0 && byte(i + 1) < 0x90) return 0;
    if (c == 0xf4 && byte(i + 1) >= 0x90) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

std::string ForMessage(std::string_view text) {
  constexpr size_t kMost = 100;
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (i >= kMost) return out + "...";
    const size_t length = Utf8Length(text, i);
    const auto c = static_cast<unsigned char>(text[i]);
    if (length == 0 || c < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", c);
      i++;
      continue;
    }
    out.append(text, i, length);
    i += length;
  }
  return out;
}

}  // namespace weir
