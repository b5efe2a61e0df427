#pragma once

#include <string_view>
#include <vector>

#include "expr/ast.h"
#include "expr/expression.h"

namespace weir {

/// Longest text, most nodes and deepest nesting that an expression may have. The last bounds the
/// stack of everything that walks the tree.
inline constexpr size_t kLongestExpression = 64 * 1024;
inline constexpr size_t kMostNodes = 10000;
inline constexpr int kDeepestExpression = 200;

/// Parses an expression. Operators from loosest to tightest: or; and; not; comparisons, is, in,
/// between, like (not chained); ||; + -; * / %; unary -; a.b and list[i].
///
/// Null where the text has a syntax fault; a tree may come back together with faults that have a
/// plain guess (another dialect's spelling).
AstPtr Parse(std::string_view text, std::vector<ExpressionFault>& faults);

}  // namespace weir
