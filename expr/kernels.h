#pragma once

#include <utility>
#include <vector>

#include "expr/node.h"

namespace weir {

/// The fixed-width values of a column being made.
template <typename T>
struct ColumnOutput {
  ColumnOutput(Type type, size_t rows) {
    parts.type = std::move(type);
    parts.size = rows;
    parts.values.resize(rows * sizeof(T));
    values = reinterpret_cast<T*>(parts.values.data());
  }
  Vector Done(bool constant) && {
    return {std::make_shared<const Column>(std::move(parts)), constant};
  }
  Column::Parts parts;
  T* values;
};

/// 1 where both are there; empty where no value of either is null. Constants must not be null.
inline std::vector<uint8_t> JointValidity(const Vector& a, const Vector& b) {
  std::vector<uint8_t> joint;
  for (const Vector* side : {&a, &b}) {
    if (side->constant || !side->has_nulls()) continue;
    const std::span<const uint8_t> there = side->column->validity();
    if (joint.empty()) {
      joint.assign(there.begin(), there.end());
    } else {
      for (size_t i = 0; i < joint.size(); i++) joint[i] &= there[i];
    }
  }
  return joint;
}

/// The validity of one vector that is not a null constant.
inline std::vector<uint8_t> ValidityOf(const Vector& a) {
  if (a.constant) return {};
  return {a.column->validity().begin(), a.column->validity().end()};
}

/// Calls `f(row, x, y)` for each of `rows` rows; a constant stays in a register. At most one of the
/// two is constant, or rows is 1.
template <typename T, typename F>
void ForEachPair(const Vector& a, const Vector& b, size_t rows, F f) {
  const T* x = a.column->values<T>().data();
  const T* y = b.column->values<T>().data();
  if (b.constant) {
    const T constant = *y;
    for (size_t i = 0; i < rows; i++) f(i, x[i], constant);
  } else if (a.constant) {
    const T constant = *x;
    for (size_t i = 0; i < rows; i++) f(i, constant, y[i]);
  } else {
    for (size_t i = 0; i < rows; i++) f(i, x[i], y[i]);
  }
}

/// Gathers the columns that the children read, each once.
template <typename... Children>
void TakeReads(Node& node, const Children&... children) {
  const auto add = [&node](const NodePtr& child) {
    for (const NamedColumn& read : child->reads) {
      bool known = false;
      for (const NamedColumn& other : node.reads) known |= other.index == read.index;
      if (!known) node.reads.push_back(read);
    }
    node.can_fail |= child->can_fail;
    node.pure &= child->pure;
  };
  (add(children), ...);
}

}  // namespace weir
