#include <cmath>
#include <optional>

#include "expr/kernels.h"
#include "expr/operators.h"

namespace weir {
namespace {

constexpr std::string_view kDivisionByZero = "division by zero";

Int128 PowerOfTen(int exponent) {
  Int128 power = 1;
  for (int i = 0; i < exponent; i++) power *= 10;
  return power;
}

/// A fixed-width operation that sets `bad` where it has no result.
template <char Op>
int64_t ApplyInt(int64_t x, int64_t y, bool& bad) {
  int64_t result = 0;
  if constexpr (Op == '+') {
    bad = __builtin_add_overflow(x, y, &result);
  } else if constexpr (Op == '-') {
    bad = __builtin_sub_overflow(x, y, &result);
  } else if constexpr (Op == '*') {
    bad = __builtin_mul_overflow(x, y, &result);
  } else {
    bad = y == 0 || (y == -1 && x == INT64_MIN && Op == '/');
    if (bad || y == -1) return bad || Op == '%' ? 0 : -x;
    result = Op == '/' ? x / y : x % y;
  }
  return result;
}

template <char Op>
double ApplyDouble(double x, double y, bool& bad) {
  if constexpr (Op == '+') return x + y;
  if constexpr (Op == '-') return x - y;
  if constexpr (Op == '*') return x * y;
  bad = y == 0;
  if constexpr (Op == '/') return x / y;
  return bad ? 0 : std::fmod(x, y);
}

class ArithmeticNode final : public Node {
 public:
  ArithmeticNode(char op, NodePtr left, NodePtr right, Type result, std::string text_in)
      : op_(op), left_(std::move(left)), right_(std::move(right)) {
    TakeReads(*this, left_, right_);
    type = std::move(result);
    text = std::move(text_in);
    const bool divides = op == '/' || op == '%';
    const Column* divisor = right_->Literal();
    const bool safe_divisor = divisor != nullptr && divisor->type().Is(TypeKind::kDouble) &&
                              !divisor->IsNull(0) && divisor->values<double>()[0] != 0;
    if (!type.Is(TypeKind::kDouble) || (divides && !safe_divisor)) can_fail = true;
    if (type.Is(TypeKind::kDecimal)) limit_ = PowerOfTen(type.precision());
  }

  Vector Evaluate(Frame& frame) const override {
    const Vector a = left_->Evaluate(frame);
    const Vector b = right_->Evaluate(frame);
    if (a.IsNullConstant() || b.IsNullConstant()) return {NullColumn(type, 1), true};
    switch (type.kind()) {
      case TypeKind::kDouble:
        return Dispatch<double>(frame, a, b);
      case TypeKind::kDecimal:
        return Decimal(frame, a, b);
      default:
        return Dispatch<int64_t>(frame, a, b);
    }
  }

 private:
  template <typename T>
  Vector Dispatch(Frame& frame, const Vector& a, const Vector& b) const {
    switch (op_) {
      case '+':
        return Run<T, '+'>(frame, a, b);
      case '-':
        return Run<T, '-'>(frame, a, b);
      case '*':
        return Run<T, '*'>(frame, a, b);
      case '/':
        return Run<T, '/'>(frame, a, b);
      default:
        return Run<T, '%'>(frame, a, b);
    }
  }

  template <typename T, char Op>
  Vector Run(Frame& frame, const Vector& a, const Vector& b) const {
    const bool constant = a.constant && b.constant;
    const size_t rows = constant ? 1 : frame.rows();
    ColumnOutput<T> out(type, rows);
    out.parts.validity = JointValidity(a, b);
    T* values = out.values;
    bool any_bad = false;
    const auto apply = [](T x, T y, bool& bad) {
      if constexpr (std::is_same_v<T, double>) {
        return ApplyDouble<Op>(x, y, bad);
      } else {
        return ApplyInt<Op>(x, y, bad);
      }
    };
    ForEachPair<T>(a, b, rows, [&](size_t i, T x, T y) {
      bool bad = false;
      values[i] = apply(x, y, bad);
      any_bad |= bad;
    });
    if (any_bad) [[unlikely]] {
      ForEachPair<T>(a, b, rows, [&](size_t i, T x, T y) {
        bool bad = false;
        apply(x, y, bad);
        if (bad) Fail(frame, out.parts, i, constant, y == 0);
      });
    }
    return std::move(out).Done(constant);
  }

  Vector Decimal(Frame& frame, const Vector& a, const Vector& b) const {
    const bool constant = a.constant && b.constant;
    const size_t rows = constant ? 1 : frame.rows();
    ColumnOutput<Int128> out(type, rows);
    out.parts.validity = JointValidity(a, b);
    ForEachPair<Int128>(a, b, rows, [&](size_t i, Int128 x, Int128 y) {
      Int128 result = 0;
      bool bad = op_ == '+'   ? __builtin_add_overflow(x, y, &result)
                 : op_ == '-' ? __builtin_sub_overflow(x, y, &result)
                              : __builtin_mul_overflow(x, y, &result);
      bad |= result >= limit_ || result <= -limit_;
      out.values[i] = bad ? 0 : result;
      if (bad) Fail(frame, out.parts, i, constant, false);
    });
    return std::move(out).Done(constant);
  }

  void Fail(Frame& frame, Column::Parts& parts, size_t row, bool constant, bool zero) const {
    if (!parts.validity.empty() && parts.validity[row] == 0) return;
    const std::string overflow = "overflow of " + type.ToString();
    const std::string_view what =
        zero && (op_ == '/' || op_ == '%') ? kDivisionByZero : std::string_view(overflow);
    if (constant) {
      frame.FailAll(*this, what);
    } else {
      frame.Fail(row, *this, what);
    }
    if (parts.validity.empty()) parts.validity.assign(parts.size, 1);
    parts.validity[row] = 0;
  }

  char op_;
  NodePtr left_;
  NodePtr right_;
  Int128 limit_ = 0;
};

class NegateNode final : public Node {
 public:
  NegateNode(NodePtr value, std::string text_in) : value_(std::move(value)) {
    TakeReads(*this, value_);
    type = value_->type;
    text = std::move(text_in);
    if (!type.Is(TypeKind::kDouble) && !type.Is(TypeKind::kDecimal)) can_fail = true;
  }

  Vector Evaluate(Frame& frame) const override {
    const Vector a = value_->Evaluate(frame);
    if (a.IsNullConstant()) return {NullColumn(type, 1), true};
    switch (type.kind()) {
      case TypeKind::kDouble:
        return Run<double>(frame, a);
      case TypeKind::kDecimal:
        return Run<Int128>(frame, a);
      default:
        return Run<int64_t>(frame, a);
    }
  }

 private:
  template <typename T>
  Vector Run(Frame& frame, const Vector& a) const {
    ColumnOutput<T> out(type, a.column->size());
    out.parts.validity = ValidityOf(a);
    const std::span<const T> in = a.column->values<T>();
    for (size_t i = 0; i < in.size(); i++) {
      if constexpr (std::is_same_v<T, int64_t>) {
        if (__builtin_sub_overflow(int64_t{0}, in[i], &out.values[i]) && !a.column->IsNull(i)) {
          if (a.constant) {
            frame.FailAll(*this, "overflow of int64");
          } else {
            frame.Fail(i, *this, "overflow of int64");
          }
        }
      } else {
        out.values[i] = -in[i];
      }
    }
    return std::move(out).Done(a.constant);
  }

  NodePtr value_;
};

class JoinNode final : public Node {
 public:
  JoinNode(NodePtr left, NodePtr right) : left_(std::move(left)), right_(std::move(right)) {
    TakeReads(*this, left_, right_);
    type = left_->type;
  }

  Vector Evaluate(Frame& frame) const override {
    const Vector a = left_->Evaluate(frame);
    const Vector b = right_->Evaluate(frame);
    if (a.IsNullConstant() || b.IsNullConstant()) return {NullColumn(type, 1), true};
    const bool constant = a.constant && b.constant;
    const size_t rows = constant ? 1 : frame.rows();
    Column::Parts parts;
    parts.type = type;
    parts.size = rows;
    parts.validity = JointValidity(a, b);
    parts.offsets.reserve(rows + 1);
    parts.offsets.push_back(0);
    for (size_t i = 0; i < rows; i++) {
      if (parts.validity.empty() || parts.validity[i] != 0) {
        parts.bytes += a.Text(i);
        parts.bytes += b.Text(i);
      }
      parts.offsets.push_back(static_cast<uint32_t>(parts.bytes.size()));
    }
    return {std::make_shared<const Column>(std::move(parts)), constant};
  }

 private:
  NodePtr left_;
  NodePtr right_;
};

}  // namespace

NodePtr MakeArithmetic(char op, NodePtr left, NodePtr right, Type result, std::string text) {
  return std::make_shared<ArithmeticNode>(op, std::move(left), std::move(right), std::move(result),
                                          std::move(text));
}
NodePtr MakeNegate(NodePtr value, std::string text) {
  return std::make_shared<NegateNode>(std::move(value), std::move(text));
}
NodePtr MakeJoin(NodePtr left, NodePtr right) {
  return std::make_shared<JoinNode>(std::move(left), std::move(right));
}

}  // namespace weir
