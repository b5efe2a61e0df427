#pragma once

#include <string_view>
#include <vector>

#include "expr/node.h"

namespace weir {

/// The nodes that operators become. Arguments have the types asked for: the binder converts them
/// before. `text` is what row errors call the node.

/// `+ - * / %` of two int64, double or decimal values, of timestamps and durations.
/// int64: overflow and division by zero fail the row, division goes toward zero. double: division
/// by zero fails. decimal: `+ -` want equal scales, `*` adds them; beyond `result`'s precision the
/// row fails. timestamp ± duration, timestamp - timestamp and the like work on microseconds.
NodePtr MakeArithmetic(char op, NodePtr left, NodePtr right, Type result, std::string text);
/// -x of int64, double, decimal or duration.
NodePtr MakeNegate(NodePtr value, std::string text);
/// `||` of two strings (or bytes).
NodePtr MakeJoin(NodePtr left, NodePtr right);

/// `= <> < <= > >=` of two values of one type. Doubles as IEEE has it (a NaN equals nothing),
/// strings by bytes, bool false < true. Lists, structs, maps and json only `=` and `<>`.
NodePtr MakeCompare(std::string_view op, NodePtr left, NodePtr right);
/// value [not] in (constants of its type; nulls allowed).
NodePtr MakeIn(NodePtr value, std::vector<ColumnPtr> list, bool negated);
/// value [not] like pattern (a constant string): % is any text, _ one character, \ escapes.
NodePtr MakeLike(NodePtr value, std::string_view pattern, bool negated);

/// Kleene's and/or. From left to right: what a row doesn't need can't fail it.
NodePtr MakeAnd(std::vector<NodePtr> children);
NodePtr MakeOr(std::vector<NodePtr> children);
NodePtr MakeNot(NodePtr child);
NodePtr MakeIsNull(NodePtr child, bool negated);

/// The value of the first condition that is true, otherwise the last value (`values` has one more
/// than `conditions`). All values have one type. Only values and conditions that a row needs can
/// fail it.
NodePtr MakeCase(std::vector<NodePtr> conditions, std::vector<NodePtr> values);
/// The first value that is not null.
NodePtr MakeCoalesce(std::vector<NodePtr> values);

/// Whether cast(from as to) exists.
bool CastExists(const Type& from, const Type& to);
/// cast(value as to); `lenient` gives null where a plain cast fails the row.
NodePtr MakeCast(NodePtr value, Type to, bool lenient, std::string text);

/// value.field of a struct.
NodePtr MakeField(NodePtr value, size_t field);
/// list[index], counted from 1, from the end where negative; null outside. map[key]; null where
/// there is no such key.
NodePtr MakeIndex(NodePtr value, NodePtr index);

/// Whether value `i` of a and value `k` of b (one type, neither null) are equal; nulls inside
/// equal each other.
bool CellsEqual(const Column& a, size_t i, const Column& b, size_t k);

}  // namespace weir
