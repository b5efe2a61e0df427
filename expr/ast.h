#pragma once

#include <memory>
#include <string>
#include <vector>

#include "batch/column.h"

namespace weir {

/// A node of a parsed expression, before names and types are looked at.
struct Ast {
  enum class Kind {
    kLiteral,  ///< `literal`.
    kColumn,   ///< `name`.
    kNegate,   ///< - child.
    kNot,      ///< not child.
    kBinary,   ///< `name` is the operator: + - * / % || = <> < <= > >=.
    kAnd,      ///< Two or more children.
    kOr,       ///< Two or more children.
    kIsNull,   ///< `negated`: is not null.
    kIn,       ///< Value, then the list.
    kBetween,  ///< Value, low, high.
    kLike,     ///< Value, pattern.
    kCase,     ///< [operand if `has_operand`], when, then, …, [else if `has_else`].
    kCast,     ///< `type`; `lenient`: try_cast.
    kField,    ///< child.`name`.
    kIndex,    ///< list[index].
    kCall,     ///< `name`(children) [filter (where …)].
  };
  Kind kind = Kind::kLiteral;
  size_t offset = 0;  ///< Bytes of the expression's text.
  size_t length = 0;
  int depth = 1;

  std::string name;
  size_t name_offset = 0;
  size_t name_length = 0;
  ColumnPtr literal;  ///< One row.
  Type type;
  bool negated = false;
  bool lenient = false;
  bool has_operand = false;
  bool has_else = false;
  bool star = false;      ///< count(*).
  bool distinct = false;  ///< count(distinct x).
  std::vector<std::unique_ptr<Ast>> children;
  std::unique_ptr<Ast> filter;
};

using AstPtr = std::unique_ptr<Ast>;

/// The expression in one spelling: two texts with the same canonical form mean the same.
std::string Canonical(const Ast& ast);

/// A column of one row: a literal.
ColumnPtr OneText(TypeKind kind, std::string_view text);
template <typename T>
ColumnPtr OneValue(Type type, T value) {
  return MakeColumn<T>(std::move(type), std::span<const T>(&value, 1));
}

}  // namespace weir
