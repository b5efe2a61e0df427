#pragma once

#include "operators/operator.h"

namespace weir {

/// Rows of several nodes as one stream: `from: [a, b]`. Hands everything on; the chain takes the
/// minimum of the watermarks.
OperatorPlanPtr PlanUnion(const SchemaPtr& schema);

/// The columns `columns` of the input, in that order, at no cost: what one reader of a source wants
/// of all that the source's readers want together.
OperatorPlanPtr PlanPick(const SchemaPtr& input, const std::vector<int>& columns);

}  // namespace weir
