#pragma once

#include <initializer_list>
#include <string_view>
#include <vector>

#include "expr/expression.h"
#include "expr/node.h"

namespace weir {

/// The columns that the nodes (null ones left out) read, sorted, each once.
std::vector<int> ColumnsOf(std::initializer_list<const Node*> nodes);

/// A node as an expression of the text it was bound from.
ExpressionPtr MakeExpression(NodePtr root, std::string_view text);

}  // namespace weir
