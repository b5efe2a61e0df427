#include "batch/render.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/base64.h"
#include "batch/time_text.h"

namespace weir {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

/// Bytes of the UTF-8 character at the front of `text`, 0 where it is broken (overlong, surrogate,
/// beyond U+10FFFF, cut).
size_t CharacterLength(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const auto follows = [&](size_t i, uint8_t low, uint8_t high) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  const uint8_t lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return follows(1, 0x80, 0xbf) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const uint8_t low = lead == 0xe0 ? 0xa0 : 0x80;
    const uint8_t high = lead == 0xed ? 0x9f : 0xbf;
    return follows(1, low, high) && follows(2, 0x80, 0xbf) ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const uint8_t low = lead == 0xf0 ? 0x90 : 0x80;
    const uint8_t high = lead == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2, 0x80, 0xbf) && follows(3, 0x80, 0xbf) ? 4 : 0;
  }
  return 0;
}

/// Whether eight bytes are ASCII that JSON shows as it is.
bool ArePlain(const char* eight) {
  constexpr uint64_t kOnes = 0x0101010101010101;
  constexpr uint64_t kHighs = 0x80 * kOnes;
  uint64_t word = 0;
  std::memcpy(&word, eight, sizeof(word));
  // The high bit of each byte that is less than the constant's; exact up to the lowest such byte.
  const auto below = [](uint64_t bytes, uint64_t bound) {
    return (bytes - bound * kOnes) & ~bytes;
  };
  const uint64_t special =
      word | below(word, 0x20) | below(word ^ ('"' * kOnes), 1) | below(word ^ ('\\' * kOnes), 1);
  return (special & kHighs) == 0;
}

template <typename Number>
void AppendNumber(std::string& out, Number value) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  out.append(digits, static_cast<size_t>(end - digits));
}

template <typename Real>
void AppendReal(std::string& out, Real value, bool named) {
  if (!std::isfinite(value)) {
    if (!named) {
      out += "null";
    } else {
      out += std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    }
    return;
  }
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof(digits), value).ptr;
  const std::string_view text(digits, static_cast<size_t>(end - digits));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

}  // namespace

void AppendJsonString(std::string& out, std::string_view text) {
  out += '"';
  size_t plain = 0;  // Start of the run that needs no escape.
  size_t i = 0;
  while (i < text.size()) {
    if (i + 8 <= text.size() && ArePlain(text.data() + i)) {
      i += 8;
      continue;
    }
    const auto c = static_cast<uint8_t>(text[i]);
    if (c >= 0x20 && c < 0x80 && c != '"' && c != '\\') {
      i++;
      continue;
    }
    const size_t length = c < 0x80 ? 0 : CharacterLength(text.substr(i));
    if (length > 0) {
      i += length;
      continue;
    }
    out.append(text, plain, i - plain);
    switch (c) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (c >= 0x80) {
          out += "\\ufffd";
        } else {
          out += "\\u00";
          out += kHex[c >> 4];
          out += kHex[c & 15];
        }
    }
    i++;
    plain = i;
  }
  out.append(text, plain, i - plain);
  out += '"';
}

void AppendDouble(std::string& out, double value, bool named) { AppendReal(out, value, named); }
void AppendFloat(std::string& out, float value, bool named) { AppendReal(out, value, named); }

void AppendDecimal(std::string& out, Int128 unscaled, int scale) {
  auto rest = static_cast<unsigned __int128>(unscaled);
  if (unscaled < 0) {
    out += '-';
    rest = -rest;
  }
  std::array<char, 48> digits;
  size_t at = digits.size();
  int count = 0;
  while (rest != 0 || count <= scale) {
    digits[--at] = static_cast<char>('0' + static_cast<int>(rest % 10));
    rest /= 10;
    if (++count == scale) digits[--at] = '.';
  }
  out.append(digits.data() + at, digits.size() - at);
}

void AppendMillis(std::string& out, int64_t micros) {
  const int64_t rest = micros % 1000;
  if (rest == 0) {
    AppendNumber(out, micros / 1000);
    return;
  }
  if (micros < 0) out += '-';
  const uint64_t size = micros < 0 ? -static_cast<uint64_t>(micros) : static_cast<uint64_t>(micros);
  AppendNumber(out, size / 1000);
  out += '.';
  out += static_cast<char>('0' + size % 1000 / 100);
  out += static_cast<char>('0' + size % 100 / 10);
  out += static_cast<char>('0' + size % 10);
}

void AppendJsonValue(std::string& out, const Column& column, size_t row, TimestampStyle style) {
  if (column.IsNull(row)) {
    out += "null";
    return;
  }
  switch (column.type().kind()) {
    case TypeKind::kNull:
      out += "null";
      return;
    case TypeKind::kBool:
      out += column.values<uint8_t>()[row] != 0 ? "true" : "false";
      return;
    case TypeKind::kInt32:
      AppendNumber(out, column.values<int32_t>()[row]);
      return;
    case TypeKind::kInt64:
      AppendNumber(out, column.values<int64_t>()[row]);
      return;
    case TypeKind::kFloat:
      AppendFloat(out, column.values<float>()[row]);
      return;
    case TypeKind::kDouble:
      AppendDouble(out, column.values<double>()[row]);
      return;
    case TypeKind::kDecimal:
      AppendDecimal(out, column.values<Int128>()[row], column.type().scale());
      return;
    case TypeKind::kString:
      AppendJsonString(out, column.text(row));
      return;
    case TypeKind::kBytes:
      out += '"';
      AppendBase64(out, column.text(row));
      out += '"';
      return;
    case TypeKind::kDate:
      out += '"';
      AppendIsoDate(out, column.values<int32_t>()[row]);
      out += '"';
      return;
    case TypeKind::kTimestamp:
      if (style == TimestampStyle::kEpochMillis) {
        AppendMillis(out, column.values<int64_t>()[row]);
      } else {
        out += '"';
        AppendIso8601(out, {column.values<int64_t>()[row]});
        out += '"';
      }
      return;
    case TypeKind::kDuration:
      AppendMillis(out, column.values<int64_t>()[row]);
      return;
    case TypeKind::kJson:
      if (column.text(row).empty()) {
        out += "null";
      } else {
        out += column.text(row);
      }
      return;
    case TypeKind::kList:
    case TypeKind::kMap: {
      const bool map = column.type().Is(TypeKind::kMap);
      out += map ? '{' : '[';
      for (uint32_t k = column.offsets()[row]; k < column.offsets()[row + 1]; k++) {
        if (k > column.offsets()[row]) out += ',';
        if (map) {
          AppendJsonString(out, column.child(0)->text(k));
          out += ':';
        }
        AppendJsonValue(out, *column.child(map ? 1 : 0), k, style);
      }
      out += map ? '}' : ']';
      return;
    }
    case TypeKind::kStruct: {
      out += '{';
      const std::vector<Field>& fields = column.type().children();
      for (size_t f = 0; f < fields.size(); f++) {
        if (f > 0) out += ',';
        AppendJsonString(out, fields[f].name);
        out += ':';
        AppendJsonValue(out, *column.child(f), row, style);
      }
      out += '}';
      return;
    }
  }
}

}  // namespace weir
