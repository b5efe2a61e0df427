#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "expr/expression.h"

namespace weir::testing {

/// Rows as text: columns `name type` separated by commas, and rows of JSON-like cells separated by
/// `|` with cells separated by spaces (`null`, numbers, 'text', timestamps as ISO 8601).
BatchPtr Rows(std::string_view schema, std::string_view rows);
/// Every `i`-th cell of `rows` read by a cast from its literal text.
SchemaPtr SchemaOf(std::string_view text);

/// The values of an expression over a batch, as JSON separated by spaces; a failed row shows as
/// `!reason`. Faults show as `offset+length: message (cure)` lines.
std::string Evaluate(std::string_view expression, const Batch& batch,
                     std::string_view owner = "stock");
/// The same over no columns and one row.
std::string Evaluate(std::string_view expression);
/// `offset+length: message (cure)`, one line each.
std::string Show(const std::vector<ExpressionFault>& faults);

/// A grouped step's expression over all rows of a batch as one group.
std::string Aggregated(std::string_view expression, const Batch& batch);

}  // namespace weir::testing
