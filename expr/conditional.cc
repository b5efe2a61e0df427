#include <limits>

#include "expr/kernels.h"
#include "expr/operators.h"

namespace weir {
namespace {

/// Which value each row takes, and where in that value it stands.
struct Choice {
  explicit Choice(size_t rows) : value(rows), at(rows) {}
  std::vector<uint32_t> value;
  std::vector<uint32_t> at;
};

template <typename T>
Vector AssembleFixed(const Type& type, const Choice& choice, const std::vector<Vector>& values) {
  ColumnOutput<T> out(type, choice.at.size());
  bool any_null = false;
  std::vector<const T*> data;
  for (const Vector& value : values) {
    data.push_back(value.column ? value.column->values<T>().data() : nullptr);
    any_null |= value.column && value.has_nulls();
  }
  for (size_t i = 0; i < choice.at.size(); i++) {
    out.values[i] = data[choice.value[i]][choice.at[i]];
  }
  if (any_null) {
    out.parts.validity.resize(choice.at.size());
    for (size_t i = 0; i < choice.at.size(); i++) {
      out.parts.validity[i] = values[choice.value[i]].column->IsNull(choice.at[i]) ? 0 : 1;
    }
  }
  return std::move(out).Done(false);
}

/// One column of each row's chosen value.
Vector Assemble(const Type& type, const Choice& choice, const std::vector<Vector>& values) {
  switch (type.width()) {
    case 1:
      if (!type.Is(TypeKind::kNull)) return AssembleFixed<uint8_t>(type, choice, values);
      break;
    case 4:
      return AssembleFixed<int32_t>(type, choice, values);
    case 8:
      return AssembleFixed<int64_t>(type, choice, values);
    case 16:
      return AssembleFixed<Int128>(type, choice, values);
    default:
      break;
  }
  ColumnBuilder out(type);
  out.Reserve(choice.at.size());
  for (size_t i = 0; i < choice.at.size(); i++) {
    out.AppendFrom(*values[choice.value[i]].column, choice.at[i]);
  }
  return {out.Finish(), false};
}

class CaseNode final : public Node {
 public:
  CaseNode(std::vector<NodePtr> conditions, std::vector<NodePtr> values)
      : conditions_(std::move(conditions)), values_(std::move(values)) {
    for (const NodePtr& condition : conditions_) TakeReads(*this, condition);
    for (const NodePtr& value : values_) TakeReads(*this, value);
    type = values_.back()->type;
  }

  Vector Evaluate(Frame& frame) const override {
    const size_t rows = frame.rows();
    Choice choice(rows);
    std::vector<uint32_t> open(rows);  // Rows that no condition has taken yet.
    for (size_t i = 0; i < rows; i++) open[i] = static_cast<uint32_t>(i);
    std::vector<std::vector<uint32_t>> taken(values_.size());
    for (size_t c = 0; c < conditions_.size() && !open.empty(); c++) {
      const bool whole = open.size() == rows || !conditions_[c]->can_fail;
      Vector condition;
      if (whole) {
        condition = conditions_[c]->Evaluate(frame);
      } else {
        Frame some = frame.Select(open);
        condition = conditions_[c]->Evaluate(some);
      }
      size_t left = 0;
      for (size_t k = 0; k < open.size(); k++) {
        const uint32_t row = open[k];
        const size_t at = whole ? row : k;
        if (!condition.IsNull(at) && condition.Get<uint8_t>(at) != 0) {
          taken[c].push_back(row);
        } else {
          open[left++] = row;
        }
      }
      open.resize(left);
    }
    taken.back() = std::move(open);

    std::vector<Vector> values(values_.size());
    for (size_t v = 0; v < values_.size(); v++) {
      if (taken[v].empty()) continue;
      const bool whole = taken[v].size() == rows || !values_[v]->can_fail;
      if (whole) {
        values[v] = values_[v]->Evaluate(frame);
        if (taken[v].size() == rows) return values[v];
      } else {
        Frame some = frame.Select(taken[v]);
        values[v] = values_[v]->Evaluate(some);
      }
      for (size_t k = 0; k < taken[v].size(); k++) {
        const uint32_t row = taken[v][k];
        choice.value[row] = static_cast<uint32_t>(v);
        choice.at[row] = static_cast<uint32_t>(values[v].At(whole ? row : k));
      }
    }
    return Assemble(type, choice, values);
  }

 private:
  std::vector<NodePtr> conditions_;
  std::vector<NodePtr> values_;
};

class CoalesceNode final : public Node {
 public:
  explicit CoalesceNode(std::vector<NodePtr> values) : values_(std::move(values)) {
    for (const NodePtr& value : values_) TakeReads(*this, value);
    type = values_.back()->type;
  }

  Vector Evaluate(Frame& frame) const override {
    const size_t rows = frame.rows();
    Vector first = values_[0]->Evaluate(frame);
    if (!first.has_nulls() && !type.Is(TypeKind::kNull)) return first;
    Choice choice(rows);
    std::vector<Vector> values(values_.size());
    std::vector<uint32_t> open(rows);
    for (size_t i = 0; i < rows; i++) open[i] = static_cast<uint32_t>(i);
    for (size_t v = 0; v < values_.size() && !open.empty(); v++) {
      const bool whole = v == 0 || open.size() == rows || !values_[v]->can_fail;
      if (v == 0) {
        values[v] = std::move(first);
      } else if (whole) {
        values[v] = values_[v]->Evaluate(frame);
      } else {
        Frame some = frame.Select(open);
        values[v] = values_[v]->Evaluate(some);
      }
      size_t left = 0;
      for (size_t k = 0; k < open.size(); k++) {
        const uint32_t row = open[k];
        const size_t at = whole ? row : k;
        // A row that finds nothing keeps the null of the last value.
        choice.value[row] = static_cast<uint32_t>(v);
        choice.at[row] = static_cast<uint32_t>(values[v].At(at));
        if (values[v].IsNull(at)) open[left++] = row;
      }
      open.resize(left);
    }
    return Assemble(type, choice, values);
  }

 private:
  std::vector<NodePtr> values_;
};

}  // namespace

NodePtr MakeCase(std::vector<NodePtr> conditions, std::vector<NodePtr> values) {
  return std::make_shared<CaseNode>(std::move(conditions), std::move(values));
}
NodePtr MakeCoalesce(std::vector<NodePtr> values) {
  return std::make_shared<CoalesceNode>(std::move(values));
}

}  // namespace weir
