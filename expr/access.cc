#include "expr/kernels.h"
#include "expr/operators.h"

namespace weir {
namespace {

class FieldNode final : public Node {
 public:
  FieldNode(NodePtr value, size_t field) : value_(std::move(value)), field_(field) {
    TakeReads(*this, value_);
    type = value_->type.children()[field].type;
  }
  Vector Evaluate(Frame& frame) const override {
    const Vector a = value_->Evaluate(frame);
    if (a.IsNullConstant()) return {NullColumn(type, 1), true};
    const ColumnPtr& child = a.column->child(field_);
    if (!a.has_nulls()) return {child, a.constant};
    ColumnBuilder out(type);
    for (size_t i = 0; i < a.column->size(); i++) {
      if (a.column->IsNull(i)) {
        out.AppendNull();
      } else {
        out.AppendFrom(*child, i);
      }
    }
    return {out.Finish(), a.constant};
  }

 private:
  NodePtr value_;
  size_t field_;
};

class IndexNode final : public Node {
 public:
  IndexNode(NodePtr value, NodePtr index) : value_(std::move(value)), index_(std::move(index)) {
    TakeReads(*this, value_, index_);
    type = value_->type.children().back().type;
  }
  Vector Evaluate(Frame& frame) const override {
    const Vector a = value_->Evaluate(frame);
    const Vector index = index_->Evaluate(frame);
    if (a.IsNullConstant() || index.IsNullConstant()) return {NullColumn(type, 1), true};
    const bool constant = a.constant && index.constant;
    const size_t rows = constant ? 1 : frame.rows();
    ColumnBuilder out(type);
    for (size_t i = 0; i < rows; i++) {
      int64_t at = -1;
      if (!a.IsNull(i) && !index.IsNull(i)) {
        at = a.type().Is(TypeKind::kList) ? ListElement(a, i, index.Get<int64_t>(i))
                                          : MapEntry(a, i, index.Text(i));
      }
      if (at < 0) {
        out.AppendNull();
      } else {
        out.AppendFrom(*a.column->children().back(), static_cast<size_t>(at));
      }
    }
    return {out.Finish(), constant};
  }

 private:
  static int64_t ListElement(const Vector& list, size_t row, int64_t index) {
    const int64_t begin = list.column->offsets()[list.At(row)];
    const int64_t end = list.column->offsets()[list.At(row) + 1];
    const int64_t length = end - begin;
    if (index >= 1 && index <= length) return begin + index - 1;
    return index <= -1 && index >= -length ? end + index : -1;
  }
  static int64_t MapEntry(const Vector& map, size_t row, std::string_view key) {
    const size_t at = map.At(row);
    for (uint32_t k = map.column->offsets()[at]; k < map.column->offsets()[at + 1]; k++) {
      if (map.column->child(0)->text(k) == key) return k;
    }
    return -1;
  }

  NodePtr value_;
  NodePtr index_;
};

}  // namespace

NodePtr MakeField(NodePtr value, size_t field) {
  return std::make_shared<FieldNode>(std::move(value), field);
}
NodePtr MakeIndex(NodePtr value, NodePtr index) {
  return std::make_shared<IndexNode>(std::move(value), std::move(index));
}

}  // namespace weir
