#include <algorithm>

#include "expr/kernels.h"
#include "expr/operators.h"

namespace weir {
namespace {

/// Kleene's three values in an order where `and` is the minimum and `or` the maximum.
constexpr uint8_t kFalse = 0;
constexpr uint8_t kUnknown = 1;
constexpr uint8_t kTrue = 2;

uint8_t KleeneOf(const Vector& a, size_t row) {
  if (a.IsNull(row)) return kUnknown;
  return a.Get<uint8_t>(row) != 0 ? kTrue : kFalse;
}

/// `and` and `or` of two or more children.
class LogicNode final : public Node {
 public:
  LogicNode(bool conjunction, std::vector<NodePtr> children)
      : conjunction_(conjunction), children_(std::move(children)) {
    for (const NodePtr& child : children_) TakeReads(*this, child);
    type = TypeKind::kBool;
  }

  Vector Evaluate(Frame& frame) const override {
    const size_t rows = frame.rows();
    std::vector<uint8_t> state(rows, conjunction_ ? kTrue : kFalse);
    const uint8_t decided = conjunction_ ? kFalse : kTrue;
    std::vector<uint32_t> open;
    for (size_t c = 0; c < children_.size(); c++) {
      const Node& child = *children_[c];
      if (c == 0 || !child.can_fail) {
        All(child.Evaluate(frame), state);
        continue;
      }
      open.clear();
      for (size_t i = 0; i < rows; i++) {
        if (state[i] != decided) open.push_back(static_cast<uint32_t>(i));
      }
      if (open.empty()) break;
      if (open.size() == rows) {
        All(child.Evaluate(frame), state);
        continue;
      }
      Frame some = frame.Select(open);
      const Vector value = child.Evaluate(some);
      for (size_t k = 0; k < open.size(); k++) {
        uint8_t& row = state[open[k]];
        row = Join(row, KleeneOf(value, k));
      }
    }
    ColumnOutput<uint8_t> out(type, rows);
    bool any_unknown = false;
    for (size_t i = 0; i < rows; i++) {
      out.values[i] = state[i] >> 1;
      any_unknown |= state[i] == kUnknown;
    }
    if (any_unknown) {
      out.parts.validity.resize(rows);
      for (size_t i = 0; i < rows; i++) out.parts.validity[i] = state[i] != kUnknown ? 1 : 0;
    }
    return std::move(out).Done(false);
  }

 private:
  uint8_t Join(uint8_t a, uint8_t b) const {
    return conjunction_ ? std::min(a, b) : std::max(a, b);
  }

  void All(const Vector& value, std::vector<uint8_t>& state) const {
    if (value.constant) {
      const uint8_t constant = KleeneOf(value, 0);
      for (uint8_t& row : state) row = Join(row, constant);
      return;
    }
    const uint8_t* values = value.column->values<uint8_t>().data();
    uint8_t* out = state.data();
    if (value.has_nulls()) {
      const uint8_t* there = value.column->validity().data();
      for (size_t i = 0; i < state.size(); i++) {
        out[i] = Join(out[i], there[i] != 0 ? static_cast<uint8_t>(values[i] * 2) : kUnknown);
      }
    } else if (conjunction_) {
      for (size_t i = 0; i < state.size(); i++) {
        out[i] = std::min(out[i], static_cast<uint8_t>(values[i] * 2));
      }
    } else {
      for (size_t i = 0; i < state.size(); i++) {
        out[i] = std::max(out[i], static_cast<uint8_t>(values[i] * 2));
      }
    }
  }

  bool conjunction_;
  std::vector<NodePtr> children_;
};

class NotNode final : public Node {
 public:
  explicit NotNode(NodePtr child) : child_(std::move(child)) {
    TakeReads(*this, child_);
    type = TypeKind::kBool;
  }
  Vector Evaluate(Frame& frame) const override {
    const Vector a = child_->Evaluate(frame);
    if (a.IsNullConstant()) return {NullColumn(type, 1), true};
    ColumnOutput<uint8_t> out(type, a.column->size());
    out.parts.validity = ValidityOf(a);
    const std::span<const uint8_t> values = a.column->values<uint8_t>();
    for (size_t i = 0; i < values.size(); i++) out.values[i] = values[i] ^ 1;
    return std::move(out).Done(a.constant);
  }

 private:
  NodePtr child_;
};

class IsNullNode final : public Node {
 public:
  IsNullNode(NodePtr child, bool negated) : child_(std::move(child)), negated_(negated) {
    TakeReads(*this, child_);
    type = TypeKind::kBool;
  }
  Vector Evaluate(Frame& frame) const override {
    const Vector a = child_->Evaluate(frame);
    ColumnOutput<uint8_t> out(type, a.column->size());
    for (size_t i = 0; i < a.column->size(); i++) {
      out.values[i] = a.column->IsNull(i) != negated_ ? 1 : 0;
    }
    return std::move(out).Done(a.constant);
  }

 private:
  NodePtr child_;
  bool negated_;
};

}  // namespace

NodePtr MakeAnd(std::vector<NodePtr> children) {
  return std::make_shared<LogicNode>(true, std::move(children));
}
NodePtr MakeOr(std::vector<NodePtr> children) {
  return std::make_shared<LogicNode>(false, std::move(children));
}
NodePtr MakeNot(NodePtr child) { return std::make_shared<NotNode>(std::move(child)); }
NodePtr MakeIsNull(NodePtr child, bool negated) {
  return std::make_shared<IsNullNode>(std::move(child), negated);
}

}  // namespace weir
