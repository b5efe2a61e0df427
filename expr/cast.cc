#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>

#include "batch/render.h"
#include "batch/time_text.h"
#include "batch/utf8.h"
#include "expr/json_text.h"
#include "expr/kernels.h"
#include "expr/operators.h"

namespace weir {
namespace {

constexpr int64_t kMicrosPerDay = 86400000000;
constexpr int kMostDigits = 38;

int64_t FloorDivide(int64_t value, int64_t by) { return value / by - (value % by < 0 ? 1 : 0); }

Int128 PowerOfTen(int exponent) {
  Int128 power = 1;
  for (int i = 0; i < exponent; i++) power *= 10;
  return power;
}

/// `unscaled` with `from` decimals as one with `to`, halves away from zero; nullopt on overflow.
std::optional<Int128> Rescale(Int128 unscaled, int from, int to) {
  if (to >= from) {
    Int128 result = 0;
    if (__builtin_mul_overflow(unscaled, PowerOfTen(to - from), &result)) return std::nullopt;
    return result;
  }
  const Int128 power = PowerOfTen(from - to);
  const Int128 rest = unscaled % power;
  Int128 result = unscaled / power;
  if (rest >= power - rest && rest > 0) result++;
  if (-rest >= power + rest && rest < 0) result--;
  return result;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

/// `-12.345`, without an exponent.
std::optional<Int128> ParseDecimal(std::string_view text, int scale) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  Int128 value = 0;
  int decimals = -1;
  int digits = 0;
  for (char c : text) {
    if (c == '.' && decimals < 0) {
      decimals = 0;
      continue;
    }
    if (c < '0' || c > '9') return std::nullopt;
    digits++;
    if (decimals > scale) continue;  // One digit beyond the scale is all that rounding needs.
    if (value > PowerOfTen(kMostDigits - 1)) return std::nullopt;
    value = value * 10 + (c - '0');
    if (decimals >= 0) decimals++;
  }
  if (digits == 0) return std::nullopt;
  return Rescale(negative ? -value : value, std::max(decimals, 0), scale);
}

template <typename T>
bool AppendParsed(std::string_view text, ColumnBuilder& out) {
  text = Trim(text);
  if (text.starts_with('+') && text.size() > 1 && text[1] != '-') text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return false;
  out.Append(value);
  return true;
}

/// A whole number, from any numeric type; toward zero. Nullopt where it does not fit 128 bits.
std::optional<Int128> WholeOf(const Column& from, size_t row) {
  switch (from.type().kind()) {
    case TypeKind::kBool:
      return from.values<uint8_t>()[row];
    case TypeKind::kInt32:
      return from.values<int32_t>()[row];
    case TypeKind::kInt64:
      return from.values<int64_t>()[row];
    case TypeKind::kDecimal:
      return from.values<Int128>()[row] / PowerOfTen(from.type().scale());
    default: {
      const double value =
          from.type().Is(TypeKind::kFloat) ? from.values<float>()[row] : from.values<double>()[row];
      if (!(std::fabs(value) < 1e38)) return std::nullopt;
      return static_cast<Int128>(value);
    }
  }
}

double DoubleOf(const Column& from, size_t row) {
  switch (from.type().kind()) {
    case TypeKind::kInt32:
      return from.values<int32_t>()[row];
    case TypeKind::kInt64:
      return static_cast<double>(from.values<int64_t>()[row]);
    case TypeKind::kFloat:
      return from.values<float>()[row];
    case TypeKind::kDouble:
      return from.values<double>()[row];
    default: {
      // The exact value is rounded once, by reading its text.
      std::string text;
      AppendDecimal(text, from.values<Int128>()[row], from.type().scale());
      double value = 0;
      std::from_chars(text.data(), text.data() + text.size(), value);
      return value;
    }
  }
}

void AppendAsString(const Column& from, size_t row, std::string& text) {
  switch (from.type().kind()) {
    case TypeKind::kBytes:
      text = from.text(row);
      return;
    case TypeKind::kFloat:
      AppendFloat(text, from.values<float>()[row], true);
      return;
    case TypeKind::kDouble:
      AppendDouble(text, from.values<double>()[row], true);
      return;
    case TypeKind::kTimestamp:
      AppendIso8601(text, {from.values<int64_t>()[row]});
      return;
    case TypeKind::kDate:
      AppendIsoDate(text, from.values<int32_t>()[row]);
      return;
    default:
      AppendJsonValue(text, from, row);
  }
}

bool FitsDecimal(Int128 value, const Type& type) {
  const Int128 limit = PowerOfTen(type.precision());
  return value < limit && value > -limit;
}

bool AppendDecimalFrom(const Column& from, size_t row, ColumnBuilder& out) {
  const int scale = out.type().scale();
  std::optional<Int128> value;
  switch (from.type().kind()) {
    case TypeKind::kDecimal:
      value = Rescale(from.values<Int128>()[row], from.type().scale(), scale);
      break;
    case TypeKind::kString:
      value = ParseDecimal(Trim(from.text(row)), scale);
      break;
    case TypeKind::kFloat:
    case TypeKind::kDouble: {
      // Via the shortest text, so that 0.1 is 0.1.
      char digits[512];
      const auto end = std::to_chars(digits, digits + sizeof(digits), DoubleOf(from, row),
                                     std::chars_format::fixed);
      if (end.ec == std::errc()) {
        value = ParseDecimal({digits, static_cast<size_t>(end.ptr - digits)}, scale);
      }
      break;
    }
    default:
      if (const auto whole = WholeOf(from, row)) value = Rescale(*whole, 0, scale);
  }
  if (!value || !FitsDecimal(*value, out.type())) return false;
  out.Append(*value);
  return true;
}

bool AppendFromText(std::string_view text, ColumnBuilder& out) {
  switch (out.type().kind()) {
    case TypeKind::kBool:
      text = Trim(text);
      if (text != "true" && text != "false") return false;
      out.AppendBool(text == "true");
      return true;
    case TypeKind::kInt32:
      return AppendParsed<int32_t>(text, out);
    case TypeKind::kInt64:
      return AppendParsed<int64_t>(text, out);
    case TypeKind::kFloat:
      return AppendParsed<float>(text, out);
    case TypeKind::kDouble:
      return AppendParsed<double>(text, out);
    case TypeKind::kTimestamp:
      if (const auto time = ParseTime(Trim(text))) {
        out.Append(time->us);
        return true;
      }
      return false;
    case TypeKind::kDate:
      if (const auto days = ParseDate(Trim(text))) {
        out.Append(*days);
        return true;
      }
      return false;
    case TypeKind::kJson:
      if (!IsJson(text)) return false;
      out.AppendText(text);
      return true;
    default:
      out.AppendText(text);
      return true;
  }
}

/// Appends the value as `out`'s type; false (and nothing appended) where it has none.
bool AppendCast(const Column& from, size_t row, ColumnBuilder& out, std::string& scratch) {
  const TypeKind source = from.type().kind();
  switch (out.type().kind()) {
    case TypeKind::kString:
    case TypeKind::kJson:
      if (source == TypeKind::kString) return AppendFromText(from.text(row), out);
      scratch.clear();
      if (out.type().Is(TypeKind::kJson)) {
        AppendJsonValue(scratch, from, row);
      } else {
        AppendAsString(from, row, scratch);
      }
      if (source == TypeKind::kBytes && out.type().Is(TypeKind::kString) && !IsUtf8(scratch)) {
        return false;
      }
      out.AppendText(scratch);
      return true;
    case TypeKind::kDecimal:
      return AppendDecimalFrom(from, row, out);
    default:
      break;
  }
  if (source == TypeKind::kString) return AppendFromText(from.text(row), out);
  switch (out.type().kind()) {
    case TypeKind::kInt32:
    case TypeKind::kInt64: {
      if (source == TypeKind::kTimestamp || source == TypeKind::kDuration) {
        out.Append(FloorDivide(from.values<int64_t>()[row], 1000));
        return true;
      }
      const auto whole = WholeOf(from, row);
      if (!whole) return false;
      if (out.type().Is(TypeKind::kInt64)) {
        if (*whole < INT64_MIN || *whole > INT64_MAX) return false;
        out.Append(static_cast<int64_t>(*whole));
      } else {
        if (*whole < INT32_MIN || *whole > INT32_MAX) return false;
        out.Append(static_cast<int32_t>(*whole));
      }
      return true;
    }
    case TypeKind::kFloat:
      out.Append(static_cast<float>(DoubleOf(from, row)));
      return true;
    case TypeKind::kDouble:
      out.Append(DoubleOf(from, row));
      return true;
    case TypeKind::kTimestamp: {
      int64_t micros = 0;
      if (source == TypeKind::kDate) {
        if (__builtin_mul_overflow(int64_t{from.values<int32_t>()[row]}, kMicrosPerDay, &micros)) {
          return false;
        }
      } else {
        const auto millis = static_cast<int64_t>(*WholeOf(from, row));
        if (__builtin_mul_overflow(millis, int64_t{1000}, &micros)) return false;
      }
      out.Append(micros);
      return true;
    }
    default:
      out.Append(static_cast<int32_t>(FloorDivide(from.values<int64_t>()[row], kMicrosPerDay)));
      return true;
  }
}

/// Casts that every value has; they are never a row error.
bool NeverFails(const Type& from, const Type& to) {
  if (from.Is(TypeKind::kNull) || from == to) return true;
  if (to.Is(TypeKind::kString)) return !from.Is(TypeKind::kBytes);
  if (to.Is(TypeKind::kJson)) return !from.Is(TypeKind::kString);
  if (to.IsFloating()) return from.IsNumeric();
  if (to.Is(TypeKind::kInt64)) {
    return from.IsInteger() || from.Is(TypeKind::kBool) || from.Is(TypeKind::kTimestamp) ||
           from.Is(TypeKind::kDuration);
  }
  if (to.Is(TypeKind::kInt32)) return from.Is(TypeKind::kBool);
  if (to.Is(TypeKind::kBytes)) return true;
  return to.Is(TypeKind::kDate) && from.Is(TypeKind::kTimestamp);
}

class CastNode final : public Node {
 public:
  CastNode(NodePtr value, Type to, bool lenient, std::string text_in)
      : value_(std::move(value)), lenient_(lenient) {
    TakeReads(*this, value_);
    type = std::move(to);
    text = std::move(text_in);
    if (!lenient && !NeverFails(value_->type, type)) can_fail = true;
  }

  Vector Evaluate(Frame& frame) const override {
    const Vector a = value_->Evaluate(frame);
    if (a.type() == type) return a;
    if (a.IsNullConstant() || a.type().Is(TypeKind::kNull)) {
      return {NullColumn(type, a.column->size()), a.constant};
    }
    if (type.Is(TypeKind::kDouble) && a.type().IsInteger()) {
      return a.type().Is(TypeKind::kInt32) ? Widen<int32_t, double>(a) : Widen<int64_t, double>(a);
    }
    if (type.Is(TypeKind::kDouble) && a.type().Is(TypeKind::kFloat)) return Widen<float, double>(a);
    if (type.Is(TypeKind::kInt64) && a.type().Is(TypeKind::kInt32)) {
      return Widen<int32_t, int64_t>(a);
    }
    return EachRow(frame, a);
  }

 private:
  template <typename From, typename To>
  Vector Widen(const Vector& a) const {
    ColumnOutput<To> out(type, a.column->size());
    out.parts.validity = ValidityOf(a);
    const std::span<const From> in = a.column->values<From>();
    for (size_t i = 0; i < in.size(); i++) out.values[i] = static_cast<To>(in[i]);
    return std::move(out).Done(a.constant);
  }

  Vector EachRow(Frame& frame, const Vector& a) const {
    ColumnBuilder out(type);
    out.Reserve(a.column->size());
    std::string scratch;
    for (size_t i = 0; i < a.column->size(); i++) {
      if (a.column->IsNull(i)) {
        out.AppendNull();
        continue;
      }
      if (AppendCast(*a.column, i, out, scratch)) continue;
      out.AppendNull();
      if (lenient_) continue;
      std::string shown;
      AppendJsonValue(shown, *a.column, i, TimestampStyle::kIso8601);
      const std::string what =
          fmt::format("{} does not convert to {}", Shorten(shown), type.ToString());
      if (a.constant) {
        frame.FailAll(*this, what);
      } else {
        frame.Fail(i, *this, what);
      }
    }
    return {out.Finish(), a.constant};
  }

  NodePtr value_;
  bool lenient_;
};

}  // namespace

bool CastExists(const Type& from, const Type& to) {
  if (from == to || from.Is(TypeKind::kNull)) return true;
  if (to.Is(TypeKind::kString) || to.Is(TypeKind::kJson)) return true;
  if (to.IsNested()) return false;
  if (from.Is(TypeKind::kString)) return !to.Is(TypeKind::kDuration);
  if (to.IsNumeric()) {
    if (from.IsNumeric()) return true;
    if (to.IsInteger() && from.Is(TypeKind::kBool)) return true;
    return to.Is(TypeKind::kInt64) &&
           (from.Is(TypeKind::kTimestamp) || from.Is(TypeKind::kDuration));
  }
  if (to.Is(TypeKind::kTimestamp)) return from.Is(TypeKind::kDate) || from.IsInteger();
  return to.Is(TypeKind::kDate) && from.Is(TypeKind::kTimestamp);
}

NodePtr MakeCast(NodePtr value, Type to, bool lenient, std::string text) {
  if (value->type == to) return value;
  return std::make_shared<CastNode>(std::move(value), std::move(to), lenient, std::move(text));
}

}  // namespace weir
