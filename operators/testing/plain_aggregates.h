#pragma once

#include "expr/expression.h"

namespace weir::testing {

/// Aggregates as simple as can be, so that operators are tested without the expression language.

/// How many rows.
AggregatePtr MakeRowCount();
/// Sum of an int64 column; a row with a negative value is a row error.
AggregatePtr MakeSum(int column);
/// The values of an int64 column, ordered by (time, origin). Owns heap memory. A row with a
/// value divisible by 1000 is a row error.
AggregatePtr MakeListing(int column);

}  // namespace weir::testing
