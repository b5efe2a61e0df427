#include <algorithm>
#include <bit>
#include <cstring>
#include <unordered_set>

#include "expr/kernels.h"
#include "expr/operators.h"

namespace weir {
namespace {

enum class Order { kEqual, kNotEqual, kLess, kLessOrEqual, kGreater, kGreaterOrEqual };

Order OrderOf(std::string_view op) {
  if (op == "=") return Order::kEqual;
  if (op == "<>") return Order::kNotEqual;
  if (op == "<") return Order::kLess;
  if (op == "<=") return Order::kLessOrEqual;
  if (op == ">") return Order::kGreater;
  return Order::kGreaterOrEqual;
}

/// Calls `f` with the comparison as a function object, so that each gets a loop of its own.
template <typename F>
auto WithOrder(Order order, F f) {
  switch (order) {
    case Order::kEqual:
      return f([](const auto& x, const auto& y) { return x == y; });
    case Order::kNotEqual:
      return f([](const auto& x, const auto& y) { return x != y; });
    case Order::kLess:
      return f([](const auto& x, const auto& y) { return x < y; });
    case Order::kLessOrEqual:
      return f([](const auto& x, const auto& y) { return x <= y; });
    case Order::kGreater:
      return f([](const auto& x, const auto& y) { return x > y; });
    case Order::kGreaterOrEqual:
      break;
  }
  return f([](const auto& x, const auto& y) { return x >= y; });
}

static_assert(std::endian::native == std::endian::little);

/// out[i] = text i of `column` equals `text`, negated where asked.
void EqualText(const Column& column, std::string_view text, bool negated, uint8_t* out) {
  const uint32_t* offsets = column.offsets().data();
  const char* bytes = column.bytes().data();
  const size_t length = text.size();
  size_t i = 0;
  if (length <= 8) {
    // As a word, where that many bytes are there.
    uint64_t wanted = 0;
    std::memcpy(&wanted, text.data(), length);
    const uint64_t mask = length == 8 ? ~uint64_t{0} : (uint64_t{1} << 8 * length) - 1;
    const size_t size = column.bytes().size();
    for (; i < column.size() && offsets[i] + size_t{8} <= size; i++) {
      uint64_t word = 0;
      std::memcpy(&word, bytes + offsets[i], 8);
      const bool equal = (offsets[i + 1] - offsets[i] == length) & (((word ^ wanted) & mask) == 0);
      out[i] = equal != negated ? 1 : 0;
    }
  }
  for (; i < column.size(); i++) {
    const bool equal = offsets[i + 1] - offsets[i] == length &&
                       std::memcmp(bytes + offsets[i], text.data(), length) == 0;
    out[i] = equal != negated ? 1 : 0;
  }
}

class CompareNode final : public Node {
 public:
  CompareNode(std::string_view op, NodePtr left, NodePtr right)
      : order_(OrderOf(op)), left_(std::move(left)), right_(std::move(right)) {
    TakeReads(*this, left_, right_);
    type = TypeKind::kBool;
  }

  Vector Evaluate(Frame& frame) const override {
    const Vector a = left_->Evaluate(frame);
    const Vector b = right_->Evaluate(frame);
    if (a.IsNullConstant() || b.IsNullConstant()) return {NullColumn(type, 1), true};
    const bool constant = a.constant && b.constant;
    const size_t rows = constant ? 1 : frame.rows();
    ColumnOutput<uint8_t> out(type, rows);
    out.parts.validity = JointValidity(a, b);
    switch (a.type().kind()) {
      case TypeKind::kBool:
        Fixed<uint8_t>(a, b, rows, out.values);
        break;
      case TypeKind::kInt32:
      case TypeKind::kDate:
        Fixed<int32_t>(a, b, rows, out.values);
        break;
      case TypeKind::kInt64:
      case TypeKind::kTimestamp:
      case TypeKind::kDuration:
        Fixed<int64_t>(a, b, rows, out.values);
        break;
      case TypeKind::kFloat:
        Fixed<float>(a, b, rows, out.values);
        break;
      case TypeKind::kDouble:
        Fixed<double>(a, b, rows, out.values);
        break;
      case TypeKind::kDecimal:
        Fixed<Int128>(a, b, rows, out.values);
        break;
      case TypeKind::kString:
      case TypeKind::kBytes:
        Texts(a, b, rows, out.values);
        break;
      default:
        for (size_t i = 0; i < rows; i++) {
          const bool there = out.parts.validity.empty() || out.parts.validity[i] != 0;
          const bool equal = there && CellsEqual(*a.column, a.At(i), *b.column, b.At(i));
          out.values[i] = equal == (order_ == Order::kEqual) ? 1 : 0;
        }
    }
    return std::move(out).Done(constant);
  }

 private:
  template <typename T>
  void Fixed(const Vector& a, const Vector& b, size_t rows, uint8_t* out) const {
    WithOrder(order_, [&](auto compare) {
      ForEachPair<T>(a, b, rows,
                     [&](size_t i, T x, T y) { out[i] = static_cast<uint8_t>(compare(x, y)); });
    });
  }
  void Texts(const Vector& a, const Vector& b, size_t rows, uint8_t* out) const {
    if (order_ == Order::kEqual || order_ == Order::kNotEqual) {
      const bool negated = order_ == Order::kNotEqual;
      if (b.constant && !a.constant) return EqualText(*a.column, b.Text(0), negated, out);
      if (a.constant && !b.constant) return EqualText(*b.column, a.Text(0), negated, out);
    }
    WithOrder(order_, [&](auto compare) {
      for (size_t i = 0; i < rows; i++) {
        out[i] = static_cast<uint8_t>(compare(a.Text(i), b.Text(i)));
      }
    });
  }

  Order order_;
  NodePtr left_;
  NodePtr right_;
};

/// value in (constants). Few are compared one by one, many are looked up.
class InNode final : public Node {
 public:
  InNode(NodePtr value, std::vector<ColumnPtr> list, bool negated)
      : value_(std::move(value)), negated_(negated) {
    TakeReads(*this, value_);
    type = TypeKind::kBool;
    for (ColumnPtr& item : list) {
      if (item->IsNull(0)) {
        has_null_ = true;
      } else {
        list_.push_back(std::move(item));
      }
    }
    if (value_->type.IsText()) {
      for (const ColumnPtr& item : list_) texts_.insert(item->text(0));
    }
  }

  Vector Evaluate(Frame& frame) const override {
    const Vector a = value_->Evaluate(frame);
    if (a.IsNullConstant()) return {NullColumn(type, 1), true};
    const size_t rows = a.column->size();
    ColumnOutput<uint8_t> out(type, rows);
    out.parts.validity = ValidityOf(a);
    switch (a.type().kind()) {
      case TypeKind::kBool:
        Fixed<uint8_t>(*a.column, out.values);
        break;
      case TypeKind::kInt32:
      case TypeKind::kDate:
        Fixed<int32_t>(*a.column, out.values);
        break;
      case TypeKind::kInt64:
      case TypeKind::kTimestamp:
      case TypeKind::kDuration:
        Fixed<int64_t>(*a.column, out.values);
        break;
      case TypeKind::kFloat:
        Fixed<float>(*a.column, out.values);
        break;
      case TypeKind::kDouble:
        Fixed<double>(*a.column, out.values);
        break;
      case TypeKind::kDecimal:
        Fixed<Int128>(*a.column, out.values);
        break;
      case TypeKind::kString:
      case TypeKind::kBytes:
        Texts(*a.column, out.values);
        break;
      default:
        for (size_t i = 0; i < rows; i++) {
          if (a.column->IsNull(i)) continue;
          for (const ColumnPtr& item : list_) {
            if (CellsEqual(*a.column, i, *item, 0)) out.values[i] = 1;
          }
        }
    }
    if (has_null_) {  // Not found means unknown.
      if (out.parts.validity.empty()) out.parts.validity.assign(rows, 1);
      for (size_t i = 0; i < rows; i++) out.parts.validity[i] &= out.values[i];
    }
    if (negated_) {
      for (size_t i = 0; i < rows; i++) out.values[i] ^= 1;
    }
    return std::move(out).Done(a.constant);
  }

 private:
  static constexpr size_t kFew = 8;

  template <typename T>
  void Fixed(const Column& column, uint8_t* out) const {
    std::vector<T> list;
    for (const ColumnPtr& item : list_) {
      const T value = item->values<T>()[0];
      if (value == value) list.push_back(value);  // A NaN equals nothing.
    }
    const std::span<const T> values = column.values<T>();
    if (list.size() <= kFew) {
      for (const T constant : list) {
        for (size_t i = 0; i < values.size(); i++) out[i] |= values[i] == constant ? 1 : 0;
      }
      return;
    }
    std::sort(list.begin(), list.end());
    for (size_t i = 0; i < values.size(); i++) {
      out[i] = std::binary_search(list.begin(), list.end(), values[i]) ? 1 : 0;
    }
  }

  void Texts(const Column& column, uint8_t* out) const {
    const uint32_t* offsets = column.offsets().data();
    const char* bytes = column.bytes().data();
    if (list_.size() <= kFew) {
      std::string_view few[kFew];
      for (size_t k = 0; k < list_.size(); k++) few[k] = list_[k]->text(0);
      for (size_t i = 0; i < column.size(); i++) {
        const size_t length = offsets[i + 1] - offsets[i];
        bool found = false;
        for (size_t k = 0; k < list_.size(); k++) {
          found |= few[k].size() == length &&
                   std::memcmp(bytes + offsets[i], few[k].data(), length) == 0;
        }
        out[i] = found ? 1 : 0;
      }
      return;
    }
    for (size_t i = 0; i < column.size(); i++) out[i] = texts_.contains(column.text(i)) ? 1 : 0;
  }

  NodePtr value_;
  std::vector<ColumnPtr> list_;
  std::unordered_set<std::string_view> texts_;  // Into list_.
  bool has_null_ = false;
  bool negated_;
};

}  // namespace

bool CellsEqual(const Column& a, size_t i, const Column& b, size_t k) {
  if (a.type().IsText()) return a.text(i) == b.text(k);
  const auto both = [](const Column& x, size_t at_x, const Column& y, size_t at_y) {
    if (x.IsNull(at_x) || y.IsNull(at_y)) return x.IsNull(at_x) && y.IsNull(at_y);
    return CellsEqual(x, at_x, y, at_y);
  };
  switch (a.type().kind()) {
    case TypeKind::kNull:
      return true;
    case TypeKind::kFloat:
      return a.values<float>()[i] == b.values<float>()[k];
    case TypeKind::kDouble:
      return a.values<double>()[i] == b.values<double>()[k];
    case TypeKind::kList:
    case TypeKind::kMap: {
      const uint32_t length = a.offsets()[i + 1] - a.offsets()[i];
      if (length != b.offsets()[k + 1] - b.offsets()[k]) return false;
      for (uint32_t e = 0; e < length; e++) {
        for (size_t c = 0; c < a.children().size(); c++) {
          if (!both(*a.child(c), a.offsets()[i] + e, *b.child(c), b.offsets()[k] + e)) return false;
        }
      }
      return true;
    }
    case TypeKind::kStruct:
      for (size_t c = 0; c < a.children().size(); c++) {
        if (!both(*a.child(c), i, *b.child(c), k)) return false;
      }
      return true;
    default:
      break;
  }
  switch (a.type().width()) {
    case 1:
      return a.values<uint8_t>()[i] == b.values<uint8_t>()[k];
    case 4:
      return a.values<int32_t>()[i] == b.values<int32_t>()[k];
    case 8:
      return a.values<int64_t>()[i] == b.values<int64_t>()[k];
    default:
      return a.values<Int128>()[i] == b.values<Int128>()[k];
  }
}

NodePtr MakeCompare(std::string_view op, NodePtr left, NodePtr right) {
  return std::make_shared<CompareNode>(op, std::move(left), std::move(right));
}
NodePtr MakeIn(NodePtr value, std::vector<ColumnPtr> list, bool negated) {
  return std::make_shared<InNode>(std::move(value), std::move(list), negated);
}

}  // namespace weir
