#include "operators/filter.h"
#include "operators/step_builder.h"

namespace weir {

void PlanWhere(const YamlNode& value, StepBuilder& builder) {
  ExpressionPtr condition = builder.BindAs(value, TypeKind::kBool, builder.CurrentScope());
  if (condition) builder.Append(Filter::Plan("where", std::move(condition), builder.schema()));
}

}  // namespace weir
