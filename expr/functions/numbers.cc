#include <array>
#include <cmath>

#include <fmt/format.h>

#include "expr/functions/function.h"
#include "expr/kernels.h"
#include "expr/operators.h"

namespace weir {
namespace {

/// A function of one double; `f(x, why)` sets `why` where there is no value.
template <typename F>
NodePtr OfDouble(CallBinder& call, F f, bool can_fail) {
  return call.Make(TypeKind::kDouble,
                   [f](const Call& c) -> Vector {
                     ColumnOutput<double> out(TypeKind::kDouble, c.rows);
                     out.parts.validity = StrictValidity(c);
                     const std::span<const double> in = c[0].column->values<double>();
                     for (size_t i = 0; i < c.rows; i++) {
                       const char* why = nullptr;
                       out.values[i] = f(in[i], why);
                       if (why != nullptr && !c[0].IsNull(i)) c.Fail(i, why);
                     }
                     return std::move(out).Done(c.constant);
                   },
                   {.can_fail = can_fail});
}

NodePtr BindAbs(CallBinder& call) {
  if (call.type(0).Is(TypeKind::kDecimal)) {
    return call.Make(call.type(0), EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                       const Int128 value = c[0].Get<Int128>(row);
                       out.Append(value < 0 ? -value : value);
                     }));
  }
  if (call.type(0).IsInteger()) {
    if (!call.Convert(0, TypeKind::kInt64)) return nullptr;
    return call.Make(TypeKind::kInt64, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                       const auto value = c[0].Get<int64_t>(row);
                       if (value == INT64_MIN) {
                         c.Fail(row, "overflow of int64");
                         return out.AppendNull();
                       }
                       out.Append(value < 0 ? -value : value);
                     }),
                     {.can_fail = true});
  }
  if (!call.Convert(0, TypeKind::kDouble)) return nullptr;
  return OfDouble(call, [](double x, const char*&) { return std::fabs(x); }, false);
}

/// floor, ceil: whole numbers stay as they are, doubles stay doubles.
template <double (*F)(double)>
NodePtr BindWhole(CallBinder& call) {
  if (call.type(0).IsInteger()) return call.node(0);
  if (call.type(0).Is(TypeKind::kDecimal)) {
    return call.Fault(0, "decimals are not taken", "cast it to double");
  }
  if (!call.Convert(0, TypeKind::kDouble)) return nullptr;
  return OfDouble(call, [](double x, const char*&) { return F(x); }, false);
}

double Floor(double x) { return std::floor(x); }
double Ceil(double x) { return std::ceil(x); }

/// `x` to `digits` decimals, halves away from zero.
double RoundTo(double x, int64_t digits) {
  if (digits == 0) return std::round(x);
  if (digits > 17 || !std::isfinite(x)) return x;
  if (digits < -308) return 0;
  const double power = std::pow(10.0, static_cast<double>(digits < 0 ? -digits : digits));
  const double scaled = digits > 0 ? x * power : x / power;
  if (!std::isfinite(scaled) || (digits > 0 && std::fabs(scaled) >= 9007199254740992.0)) return x;
  return digits > 0 ? std::round(scaled) / power : std::round(scaled) * power;
}

NodePtr BindRound(CallBinder& call) {
  if (call.type(0).IsInteger() && call.size() == 1) return call.node(0);
  if (call.type(0).Is(TypeKind::kDecimal)) {
    return call.Fault(0, "decimals are not taken", "cast(x as decimal(p,s)) rounds them");
  }
  if (!call.Convert(0, TypeKind::kDouble)) return nullptr;
  if (call.size() == 1) {
    return OfDouble(call, [](double x, const char*&) { return std::round(x); }, false);
  }
  return call.Make(TypeKind::kDouble, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     out.Append(RoundTo(c[0].Get<double>(row), c[1].Get<int64_t>(row)));
                   }));
}

template <typename T, bool Greatest>
void Extreme(const Call& c, size_t row, ColumnBuilder& out) {
  size_t best = 0;
  for (size_t i = 1; i < c.arguments.size(); i++) {
    const T a = c[i].Get<T>(row);
    const T b = c[best].Get<T>(row);
    if (Greatest ? a > b : a < b) best = i;
  }
  out.AppendFrom(*c[best].column, c[best].At(row));
}

template <bool Greatest>
NodePtr BindExtreme(CallBinder& call) {
  const std::optional<Type> type = call.Unify(0);
  if (!type) return nullptr;
  switch (type->kind()) {
    case TypeKind::kInt32:
    case TypeKind::kDate:
      return call.Make(*type, EachRow(Extreme<int32_t, Greatest>));
    case TypeKind::kInt64:
    case TypeKind::kTimestamp:
    case TypeKind::kDuration:
      return call.Make(*type, EachRow(Extreme<int64_t, Greatest>));
    case TypeKind::kFloat:
      return call.Make(*type, EachRow(Extreme<float, Greatest>));
    case TypeKind::kDouble:
      return call.Make(*type, EachRow(Extreme<double, Greatest>));
    case TypeKind::kDecimal:
      return call.Make(*type, EachRow(Extreme<Int128, Greatest>));
    case TypeKind::kNull:
      return call.node(0);
    case TypeKind::kString:
      return call.Make(*type, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
        std::string_view best = c[0].Text(row);
        for (const Vector& argument : c.arguments) {
          const std::string_view text = argument.Text(row);
          if (Greatest ? text > best : text < best) best = text;
        }
        out.AppendText(best);
      }));
    default:
      return call.Fault(0, fmt::format("values of {} have no order", type->ToString()));
  }
}

NodePtr BindLn(CallBinder& call) {
  return OfDouble(
      call,
      [](double x, const char*& why) {
        if (x <= 0) why = "ln wants a number above 0";
        return x <= 0 ? 0 : std::log(x);
      },
      true);
}

NodePtr BindExp(CallBinder& call) {
  return OfDouble(
      call,
      [](double x, const char*& why) {
        const double result = std::exp(x);
        if (std::isinf(result) && std::isfinite(x)) why = "overflow of double";
        return result;
      },
      true);
}

NodePtr BindSqrt(CallBinder& call) {
  return OfDouble(
      call,
      [](double x, const char*& why) {
        if (x < 0) why = "sqrt wants a number that is not negative";
        return x < 0 ? 0 : std::sqrt(x);
      },
      true);
}

NodePtr BindPow(CallBinder& call) {
  return call.Make(TypeKind::kDouble, EachRow([](const Call& c, size_t row, ColumnBuilder& out) {
                     const auto base = c[0].Get<double>(row);
                     const auto exponent = c[1].Get<double>(row);
                     const double result = std::pow(base, exponent);
                     if (!std::isfinite(result) && std::isfinite(base) && std::isfinite(exponent)) {
                       c.Fail(row, "pow has no finite result");
                       return out.AppendNull();
                     }
                     out.Append(result);
                   }),
                   {.can_fail = true});
}

constexpr std::array kFunctions = {
    Function{"abs", "numbers", "(x number) -> number", "The number without its sign.", "abs(-1.5)",
             "1.5", BindAbs},
    Function{"floor", "numbers", "(x number) -> number",
             "The greatest whole number that is not above x, as x's type.", "floor(-1.5)", "-2.0",
             BindWhole<Floor>},
    Function{"ceil", "numbers", "(x number) -> number",
             "The least whole number that is not below x, as x's type.", "ceil(1.2)", "2.0",
             BindWhole<Ceil>},
    Function{"round", "numbers", "(x number, [decimals int64]) -> number",
             "x to so many decimals (0 if not given), halves away from zero.", "round(2.345, 2)",
             "2.35", BindRound},
    Function{"least", "numbers", "(values any...) -> any",
             "The smallest of the values, which have one type; null if one is null.",
             "least(3, 1, 2)", "1", BindExtreme<false>},
    Function{"greatest", "numbers", "(values any...) -> any",
             "The greatest of the values, which have one type; null if one is null.",
             "greatest(3, 1, 2)", "3", BindExtreme<true>},
    Function{"ln", "numbers", "(x double) -> double",
             "The natural logarithm; a row error for x <= 0.", "ln(1)", "0.0", BindLn},
    Function{"exp", "numbers", "(x double) -> double", "e to the power of x.", "exp(0)", "1.0",
             BindExp},
    Function{"pow", "numbers", "(base double, exponent double) -> double",
             "base to the power of exponent.", "pow(2, 10)", "1024.0", BindPow},
    Function{"sqrt", "numbers", "(x double) -> double",
             "The square root; a row error for negative x.", "sqrt(2.25)", "1.5", BindSqrt},
};

}  // namespace

std::span<const Function> NumberFunctions() { return kFunctions; }

}  // namespace weir
